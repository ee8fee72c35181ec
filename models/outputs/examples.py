"""What shards tell the learner: labels, outcomes, pulses, and how far they have come."""

from __future__ import annotations

import msgspec

from models.outputs.triggers import Position

CHURNED, RETURNED = "churn", "return"
"""Kinds of labels: no activity within the horizon, and activity within one tick."""


class Example(msgspec.Struct, frozen=True, gc=False, tag="example", omit_defaults=True):
    """A matured label of a kind: `CHURNED` or `RETURNED`. `basis` are the numbers the model reads, as of `observed_at`:
    float16, little-endian, in the order of `models.features.COLUMNS` (in JSON: base64). `truth` is known at
    `label_time`; `predicted`, of churn, is what the version in force predicted at that time. Under a policy with a
    `[value]`: `money`, the numbers of `models.value.MONEY_COLUMNS` likewise; `net`, of churn, what was bought less what
    was returned within the horizon. Under a learned choice: `treated`, whether something was to be done within the
    window by a draw; `untreated`, the chance that nothing was, where something was to be."""

    customer: str
    kind: str = msgspec.field(name="sort")
    label_time: int
    observed_at: int = msgspec.field(name="snapshot_time")
    basis: bytes
    truth: bool
    predicted: float | None = None
    money: bytes = b""
    net: float | None = None
    treated: bool = False
    untreated: float | None = None


class Outcome(msgspec.Struct, frozen=True, gc=False, tag="outcome", omit_defaults=True):
    """What the learner of the choice is told when the window of a draw is over.

    customer, decision: whose, and of which draw; both empty of who asked to be forgotten. arms: those in the draw by
    name, each with its chance as a multiple of 2^-32; leaving alone has the rest. arm: what was drawn, empty: leaving
    alone. control: the draw is what would have been. delivered: what was drawn has arrived. soon: a complaint, an
    unsubscription or a spam report came within a week of it. worth, gain: money (`Ended`). features: float16,
    little-endian (in JSON: base64); empty: nothing is learned of it but that a contact is over, whether it had arrived
    and whether it did harm. schema: of the features (`models.decisions.choosing.schema`), 32 bits.
    """

    time: int
    arms: dict[str, int]
    worth: float
    gain: float
    customer: str = ""
    decision: str = ""
    arm: str = ""
    control: bool = False
    delivered: bool = False
    soon: bool = False
    features: bytes = b""
    schema: int = 0


class Watermark(msgspec.Struct, frozen=True, gc=False, tag="watermark"):
    """All examples of this shard with label time <= `time` are out."""

    shard: int
    time: int


class Chosen(msgspec.Struct, frozen=True, gc=False, tag="chosen"):
    """An operator has chosen the champion among the models that learn; None: evidence chooses again.

    `time` is the shard's as of the record. That record stands behind the watermark of this time, if there is one: a
    choice counts from the first boundary *after* its time on.
    """

    time: int
    champion: str | None
    at: Position


class BudgetPulse(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Where a budget of the policy stands in a shard.

    most, tranche: units of a whole period, and of what is handed out ahead. period, next: starts of the running period
    and of the one after it (log time, ms). reserved: units of the running period. unmet: units that there was no room
    for since the last pulse. lot: what the dearest trigger takes.
    """

    name: str
    most: int
    tranche: int
    period: int
    next: int
    reserved: int
    unmet: int
    lot: int = 1


class ArmPulse(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An arm of a policy: the name of its action, that of its content, and the money that the policy expects of it
    above leaving alone, after its discount and before the cost of contact."""

    action: str
    arm: str
    figure: float


class ChoicePulse(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The arms of the learned choice, its rules, and what a shard has drawn since the last pulse.

    unproven, forget, tolerated: the policy's (forget in ms). draws: but for those of the control group. worth: their
    values at stake, hundredths, in all. tried: what the draws say of it (`models.outputs.Drawn`), in all. open: draws
    in which an arm was open that was not proven. opened: contacts by arm. wanted: by budget, what the draws take by
    their chances, and would take had there been room, in multiples of 2^-16 of a unit. step: how often the prices move,
    ms, by the policy.
    """

    arms: tuple[ArmPulse, ...]
    unproven: float
    forget: int
    tolerated: float
    draws: int = 0
    worth: int = 0
    tried: int = 0
    open: int = 0
    opened: dict[str, int] = {}
    wanted: dict[str, int] = {}
    step: int = 7 * 86_400_000


class Pulse(msgspec.Struct, frozen=True, gc=False, tag="pulse", omit_defaults=True):
    """What a shard's customers have taken of the budgets, and what they are worth, at a version boundary; stands before
    its watermark.

    policy, sha256: the one in force. version, lineage: the model version that was in force, whose allowances counted.
    quiet: what was decided so far is history, and nobody was triggered. shares, fewest: the policy's tiers of value,
    from the top, and how many customers a class must have for them. values: by class of customers, each bucket
    (`models.value.pyramid`) that somebody's value lies in, and how many have such a one. choice: of the learned choice;
    None: the policy does not want it. held: what keeps something from going out then: ``stop`` with its number,
    ``freeze``, ``alarm``. stages: how many customers are at each stage of the loyalty loop, of those at which somebody
    is.
    """

    shard: int
    time: int
    policy: int
    sha256: str
    version: int
    lineage: str = ""
    quiet: bool = False
    budgets: tuple[BudgetPulse, ...] = ()
    shares: tuple[float, ...] = ()
    fewest: int = 0
    values: dict[str, tuple[tuple[int, int], ...]] = {}
    choice: ChoicePulse | None = None
    held: tuple[str, ...] = ()
    stages: dict[str, int] = {}

    @property
    def rank(self) -> tuple[int, str]:
        """Of two pulses that one is of the newer policy whose rank is higher."""
        return self.policy, self.sha256
