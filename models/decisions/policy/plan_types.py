"""Tables of a policy file that say what is done in several steps."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from models.decisions.policy.parts import Condition, Duration, Identifier, Part, Share


class Step(Part, frozen=True, kw_only=True):
    """A step of a plan: it asks for a decision of its own, which passes all gates when it is due.

    action: what is done. after: how long after the plan has begun. within: how long it waits for its gates; a step that
    they hold longer is left out, and the next ones come in their time. unless: types of touchpoints; one that has come
    since the plan began leaves the step out.
    """

    action: Identifier
    after: Duration = "0s"
    within: Duration = "1d"
    unless: tuple[Identifier, ...] = ()


class Plan(Part, frozen=True, kw_only=True):
    """Several steps after one moment. At most four plans run for a customer, each once at a time.

    moments: at which it begins; the risk moment is none of them, its actions are drawn. steps: in the order of their
    time. when: a condition on the customer at the beginning. ends_with: types of touchpoints that end it; what of it is
    out and not delivered is taken back. holds: marketing that is none of its steps waits while it runs. once_per: it
    begins at most once in so long.
    """

    moments: Annotated[tuple[Identifier, ...], Meta(min_length=1)]
    steps: Annotated[tuple[Step, ...], Meta(min_length=1, max_length=16)]
    when: Condition | None = None
    ends_with: tuple[Identifier, ...] = ()
    holds: bool = False
    once_per: Duration | None = None


class Then(Part, frozen=True, kw_only=True):
    """The second step of an action that is drawn at the risk moment: both are one arm of the draw.

    action: what is done then, if its gates let it. at: the level that the risk must reach before the window of the draw
    is over. reached: how often it does, from 0 to 1: that share of the second action's worth is part of the first's.
    within: how long it waits for its gates.
    """

    action: Identifier
    at: Identifier
    reached: Share = 0.0
    within: Duration = "3d"
