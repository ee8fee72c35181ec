"""Tables of a policy file that say what asks for a decision: levels of risk, and moments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from models.decisions.policy.parts import Condition, Duration, Identifier, Offset, Part, Risk
from models.touchpoints.fields import Channel, CustomerClass


class Level(Part, frozen=True, kw_only=True):
    """A level of risk: an episode opens at the lowest, and asks again when it reaches a higher one.

    name: what other tables call it. at: the risk from which on a customer stands on it.
    """

    name: Identifier
    at: Risk


def level_reached(levels: Sequence[Level], risk: float) -> Level | None:
    """The highest of a class's levels, lowest first, that a risk has reached; None: it is below them all."""
    found = None
    for level in levels:
        if level.at > risk:
            break
        found = level
    return found


LevelStage = Literal["new", "active", "advocate", "won_back"]
"""`models.loyalty.loop.LEVEL_STAGES`."""
Levels = Annotated[tuple[Level, ...], Meta(min_length=1, max_length=6)]


class RiskOfClasses(Part, frozen=True, kw_only=True):
    """Other levels for some classes of customers.

    classes: whose. levels: of the same names as those of `risk.levels`, in the same order. exit: without it that of
    `risk`.
    """

    classes: tuple[CustomerClass, ...]
    levels: Levels
    exit: Risk | None = None


class RiskOfTiers(Part, frozen=True, kw_only=True):
    """Other levels for customers of some tiers of value. A customer goes by the tier that the estimate of risk before
    found, and as long as an episode is open by that at which it opened: whoever is about to leave is worth less by
    that alone.

    tiers: whose, by the names of `[value]`. classes: only of these classes; without any of all. levels: of the same
    names as those of `risk.levels`, in the same order. exit: without it that of `risk`.
    """

    tiers: tuple[Identifier, ...]
    classes: tuple[CustomerClass, ...] = ()
    levels: Levels
    exit: Risk | None = None


class RiskOfStages(Part, frozen=True, kw_only=True):
    """Other levels for customers at some stages of the loyalty loop. A customer goes by the stage that was said last,
    and from when they slip or lapse by the one before.

    stages: whose; the loop is kept with `[loyalty]`. classes: only of these classes; without any of all. levels: of the
    same names as those of `risk.levels`, in the same order. exit: without it that of `risk`.
    """

    stages: tuple[LevelStage, ...]
    classes: tuple[CustomerClass, ...] = ()
    levels: Levels
    exit: Risk | None = None


class Ladder(Part, frozen=True, kw_only=True):
    """The levels of risk. `retention thresholds LOG` shows what a level would have done on a log of your own.

    levels: lowest first. exit: the risk below which an episode is over. for_classes: other levels for some classes.
    for_tiers: other levels for some tiers of value; they come before those of a class. for_stages: other levels for
    some stages of the loyalty loop; they come before those of a tier.
    """

    levels: Levels
    exit: Risk
    for_classes: tuple[RiskOfClasses, ...] = ()
    for_tiers: tuple[RiskOfTiers, ...] = ()
    for_stages: tuple[RiskOfStages, ...] = ()


DateField = Literal[
    "renews_at",
    "cancel_by",
    "ends_at",
    "minor_until",
    "consent_expires",
    "points_expire",
    "customer_since",
    "anniversary",
]
LevelChange = Literal["reached", "grace", "lowered"]


class Moment(Part, frozen=True, kw_only=True):
    """What asks for a decision.

    sort: `risk` (a level is reached; one moment at most), `touchpoint`, `date`, `points` (a balance of points comes
    within reach of something), `membership` (the level of the loyalty programme changes), `unanswered` (a touchpoint
    that nothing answered in time) or `spoke_well` (the customer speaks well of us where others hear it). levels: of a
    risk moment, which levels ask; without any all of them. touchpoints: of a touchpoint or unanswered moment, the types
    that ask. nth: of a touchpoint moment, it asks at every so many of them. in: of these, within so long. field: of a
    date moment, the customer's date: when the contract is renewed (`renews_at`), can be cancelled at the latest
    (`cancel_by`) or ends after it was cancelled (`ends_at`), the customer comes of age (`minor_until`), a consent to
    marketing expires (`consent_expires`), points expire (`points_expire`), they bought first (`customer_since`), or a
    year, two and so on are over since (`anniversary`). offset: it asks so long before (`-30d`) or after that date.
    silent_for: of a date moment in place of a field, it asks when the customer has been silent for so long since the
    last sign of staying. answered_by: of an unanswered moment, the types that answer. after: it asks when nothing has
    answered for so long. reaches: of a points moment, it asks when the balance was lower and is so many points now;
    without it, when a reward of the catalogue comes within reach. change: of a membership moment, it asks when a level
    is `reached`, when it is about to be lost (`grace` begins) or is lost (`lowered`). when: a condition on the
    touchpoint's data; of a date, points, membership or spoke_well moment, on the customer. within: how long a moment
    lives that is none of risk; what it waits for must end before. once_per: at most one trigger, or final end, in so
    long. shared_on: of a touchpoint moment that a `chat` asks, channels of ours: where two customers talk there on the
    topic of an action, both are offered it, or neither; both must have granted the purpose `conversation`. `within` is
    how long the two have to be asked; what they are offered goes out from then on.
    """

    sort: Literal["risk", "touchpoint", "date", "unanswered", "points", "membership", "spoke_well"]
    levels: tuple[Identifier, ...] = ()
    touchpoints: tuple[Identifier, ...] = ()
    nth: Annotated[int, Meta(ge=1, le=8)] = 1
    in_: Duration | None = msgspec.field(default=None, name="in")
    field: DateField | None = None
    offset: Offset | None = None
    silent_for: Duration | None = None
    answered_by: tuple[Identifier, ...] = ()
    after: Duration | None = None
    reaches: Annotated[int, Meta(ge=1, le=1_000_000_000)] | None = None
    change: LevelChange | None = None
    when: Condition | None = None
    within: Duration = "3d"
    once_per: Duration | None = None
    shared_on: Annotated[tuple[Channel, ...], Meta(min_length=1, max_length=16)] = ()


class ContractRules(Part, frozen=True, kw_only=True):
    """What a contract changes.

    levels: whether levels of risk ask customers whose contract runs (is active, paused, or ends at a date to come);
    silence says little of them, and their moments are dates. cancelling: after `cancel_started` there is no marketing
    for so long, or until the cancellation is confirmed or the contract goes on. session: but one marketing trigger of
    a moment that `cancel_started` asks, within so long of it.
    """

    levels: bool = False
    cancelling: Duration = "14d"
    session: Duration = "1h"
