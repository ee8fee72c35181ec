"""Tables of a policy file that say what asks for a decision: levels of risk, and moments."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from models.decisions.policy.parts import Condition, Duration, Identifier, Part, Risk
from models.touchpoints.fields import CustomerClass


class Level(Part, frozen=True, kw_only=True):
    """A level of risk: an episode opens at the lowest, and asks again when it reaches a higher one.

    name: what other tables call it. at: the risk from which on a customer stands on it.
    """

    name: Identifier
    at: Risk


Levels = Annotated[tuple[Level, ...], Meta(min_length=1, max_length=6)]


class RiskOfClasses(Part, frozen=True, kw_only=True):
    """Other levels for some classes of customers.

    classes: whose. levels: of the same names as those of `risk.levels`, in the same order. exit: without it that of
    `risk`.
    """

    classes: tuple[CustomerClass, ...]
    levels: Levels
    exit: Risk | None = None


class Ladder(Part, frozen=True, kw_only=True):
    """The levels of risk. `retention thresholds LOG` shows what a level would have done on a log of your own.

    levels: lowest first. exit: the risk below which an episode is over. for_classes: other levels for some classes.
    """

    levels: Levels
    exit: Risk
    for_classes: tuple[RiskOfClasses, ...] = ()


class Moment(Part, frozen=True, kw_only=True):
    """What asks for a decision.

    sort: `risk` (a level is reached; one moment at most) or `touchpoint`. levels: of a risk moment, which levels ask;
    without any all of them. touchpoints: of a touchpoint moment, the types that ask. when: a condition on the
    touchpoint's data. within: how long a touchpoint moment lives; what it waits for must end before. once_per: at most
    one trigger, or final end, in so long.
    """

    sort: Literal["risk", "touchpoint"]
    levels: tuple[Identifier, ...] = ()
    touchpoints: tuple[Identifier, ...] = ()
    when: Condition | None = None
    within: Duration = "3d"
    once_per: Duration | None = None
