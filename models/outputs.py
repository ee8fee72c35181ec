"""Output records of a shard: triggers, decisions, examples, watermarks, dead letters; encoded as JSON objects.

Every id is a deterministic function of the log, so that a replay says the same under the same name. Times are ms since
the epoch, log time; `at` is the position of the log: the record at which (touchpoint) or before which (due item) the
line had arrived.
"""

from __future__ import annotations

import base64

import msgspec
import xxhash

from models.ledger_entry import LedgerEntry

_encode = msgspec.json.Encoder(order="deterministic").encode


class Position(msgspec.Struct, frozen=True, gc=False):
    """A position in the log of one shard. `due`: before the record at `offset`, not at it."""

    partition: int
    offset: int
    due: bool


class Reason(msgspec.Struct, frozen=True, gc=False):
    """A driver of risk: `contribution` is in logits against the average customer."""

    feature: str
    contribution: float
    text: str = msgspec.field(name="words")


class Trigger(msgspec.Struct, frozen=True, gc=False, tag="trigger", omit_defaults=True):
    """Asks a downstream messaging service to do one thing for one customer, once, before `expires_at`.

    Of a trigger that a policy decided (`policy` is its name), `probability`, `drivers`, `episode` and `step` say
    nothing: they stay in its `decision`. moment, level: what asked, and the level of a risk moment. purpose, kind,
    priority, content, parameters, notices: the action's. not_before: the earliest time to send it. language, zone: of
    the customer, where known. coupon, valid_until: of a promotion, and how long it can be used. cost: expected, of
    contact and action. propensity: the chance with which it was drawn; 0.0 where nothing was drawn. reserved: what
    it has taken of budgets, in units (a contact, or a hundredth of money). test: it is for somebody who tries things
    out; it counts for nothing. country: of the customer, where known.
    """

    id: str
    customer: str
    action: str
    channel: str
    probability: float
    drivers: list[Reason]
    episode: int
    step: int
    time: int
    expires_at: int
    model_version: int
    at: Position
    moment: str = ""
    level: str = ""
    purpose: str = ""
    kind: str = ""
    priority: int = 0
    decision: str = ""
    content: str = ""
    not_before: int = 0
    language: str = ""
    zone: str = ""
    parameters: dict[str, str | int | float | bool] = {}
    notices: tuple[str, ...] = ()
    coupon: str = ""
    valid_until: int = 0
    cost: float = 0.0
    propensity: float = 0.0
    policy: str = ""
    reserved: dict[str, int] = {}
    test: bool = False
    country: str = ""


class Withdrawal(msgspec.Struct, frozen=True, gc=False, tag="withdrawal", omit_defaults=True):
    """Takes a trigger back: whoever has not sent it drops it, and says so with an `offer_withdrawn`.

    Stands in the triggers topic, behind the trigger. id: of this record; trigger: of what it takes back. reason: why,
    as a code (`models.decisions.gates`).
    """

    id: str
    customer: str
    trigger: str
    reason: str
    time: int
    at: Position


class Unsent(msgspec.Struct, frozen=True, gc=False, tag="unsent", omit_defaults=True):
    """Stands in the place of a trigger that was never sent, since an operator had stopped it: nothing is to be done.

    id: of this record; trigger: of what was not sent. reason: ``stopped``. time: ms since the epoch.
    """

    id: str
    customer: str
    trigger: str
    reason: str
    time: int


class StopOrder(msgspec.Struct, frozen=True, gc=False, tag="stopped", omit_defaults=True):
    """Orders whoever sends to drop what they hold of a partition's triggers that fits, and to say `offer_withdrawn`.

    One in each partition of the triggers topic, behind the triggers that were out. number: of the stop. purposes,
    actions, countries, kinds: all that are given must fit; none: everything. by, why: who stopped it, and why. time: ms
    since the epoch.
    """

    id: str
    number: int
    time: int
    purposes: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    by: str = ""
    why: str = ""


class Candidate(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """An action that a decision looked at: by which channel, which gates held it, its score in money, and its chance
    in the draw as a multiple of 2^-32 (`leave_alone` is one of them).

    By the learned choice: `score` is what it is expected to bring, `sd` the standard deviation of that, `arm` the
    name of its content, `state` how it stood (`models.decisions.choosing.caution.State`)."""

    action: str
    channel: str = ""
    gates: tuple[str, ...] = ()
    score: float = 0.0
    chance: int = 0
    sd: float = 0.0
    arm: str = ""
    state: str = ""


class Drawn(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a draw by the learned choice was made from.

    why: a code (`models.decisions.choosing.choose.Reason`). worth: the value at stake, money. features: of the
    customer, by `models.decisions.choosing.described.DESCRIBED`, as they are learned from. price: what contact that is
    not proven had to bring beside its cost, money.
    """

    why: str
    worth: float
    features: tuple[float, ...]
    price: float = 0.0


class Ended(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What came of a draw by the learned choice within its window.

    decision: of the draw. arm: what was drawn; empty: leaving alone. control: of the control group. delivered: what
    was drawn has arrived. worth: the value at stake. net: bought less returned. given: discounts redeemed. gain: what
    is learned: margin of net, less discounts and harm. All money. bought: there was a purchase. harms:
    ``declined``, ``unsubscribed``, ``complained``, ``spam``. unlearned: why nothing is learned of it: ``erased``,
    ``restricted`` (or objects to profiling), ``alarm``.
    """

    decision: str
    opened: int
    arm: str = ""
    control: bool = False
    delivered: bool = False
    worth: float = 0.0
    net: float = 0.0
    given: float = 0.0
    gain: float = 0.0
    bought: bool = False
    harms: tuple[str, ...] = ()
    unlearned: str = ""


class Decision(msgspec.Struct, frozen=True, gc=False, tag="decision", omit_defaults=True):
    """Why and why not: episodes opened and closed, what was chosen, which model version came into force.

    what: ``episode_opened``, ``episode_continued`` (the next trigger of an open one), ``episode_closed``,
    ``version_in_force``, ``settings_in_force``, ``settings_waiting``, ``rearmed``, ``erased``, ``reopened`` (consented
    after an erasure), ``forgotten`` (left the store), ``consent`` (what a word on consent rests on), ``restricted``, a
    customer's `REQUESTS`, `LEDGER`. By a policy: ``decided`` (a moment is answered: triggered, left alone, or held for
    good), ``waits`` (said once for each gate; until `until`, or longer), ``void`` (the risk has fallen), ``settled``,
    ``given_back`` and ``withdrawn`` (what became of a trigger), ``shadow`` (what would have been chosen if actions in
    shadow were live), ``may_contact`` (another sender has asked), ``previewed``, ``plan_started``, ``plan_ended`` and
    ``step_left_out`` (`moment` is the plan, or its step), ``resent`` and ``not_resent`` (what was stopped), ``outcome``
    (what came of a draw by the learned choice), ``policy_in_force`` and ``policy_waiting``. Of operators: ``stopped``
    and ``resumed``. moment, level: what asked. candidates: what was looked at. gate: what held the customer as a whole.
    control: the customer is of the control group, so `action` is what would have been done. policy: its name. value,
    tier: what was known of the customer's value. late: of a version that came into force not at a boundary but before
    the record at `at` and the due items that stand before that: the last boundary that the line had crossed there.
    timer: of a late one that came into force between two of these due items: the first that it decides, as its timer
    position (`models.timeline.order`) and its customer. champion: of a version that is the first in force here since
    this model was promoted. lineage: of a version that another learner than the application's first has made: that
    learner's schema. Two of them may have made versions of one boundary; `model_version` of the decisions that follow
    means this one's. settings: what an operator's settings change, by name: the old value and the new one. test: it is
    about somebody who tries things out, or for them. drawn: what the learned choice drew by. ended: of what
    ``outcome``, what came of a draw. ledger: of `LEDGER`, what was booked in the customer's account of points.
    """

    id: str
    what: str
    time: int
    at: Position
    customer: str = ""
    probability: float | None = None
    reason: str = ""
    action: str = ""
    trigger: str = ""
    model_version: int | None = None
    late: int | None = None
    timer: tuple[int, str] | None = None
    champion: str = ""
    lineage: str = ""
    settings: dict[str, tuple[int | float | str, int | float | str]] = {}
    moment: str = ""
    level: str = ""
    channel: str = ""
    gate: str = ""
    until: int = 0
    candidates: tuple[Candidate, ...] = ()
    control: bool = False
    policy: str = ""
    test: bool = False
    value: float | None = None
    tier: str = ""
    ledger: LedgerEntry | None = None
    drawn: Drawn | None = None
    ended: Ended | None = None


TASK = "task_for_a_person"
"""In place of an action: something is due to the customer (`Decision.reason` has the action), and on no channel of it
does anything arrive; or the customer has asked for what only a person can answer (`REQUESTS`)."""
REQUESTS = ("access_requested", "restriction_requested", "decision_contested")
"""What a decision is about by which a customer's request becomes a `TASK`."""
CHURNED, RETURNED = "churn", "return"
"""Kinds of labels: no activity within the horizon, and activity within one tick."""


class Example(msgspec.Struct, frozen=True, gc=False, tag="example", omit_defaults=True):
    """A matured label of a kind: `CHURNED` or `RETURNED`. `basis` are the numbers the model reads, as of `observed_at`:
    float16, little-endian, in the order of `models.features.COLUMNS` (in JSON: base64). `truth` is known at
    `label_time`; `predicted`, of churn, is what the version in force predicted at that time. Under a policy with a
    `[value]`: `money`, the numbers of `models.value.MONEY_COLUMNS` likewise; `net`, of churn, what was bought less what
    was returned within the horizon."""

    customer: str
    kind: str = msgspec.field(name="sort")
    label_time: int
    observed_at: int = msgspec.field(name="snapshot_time")
    basis: bytes
    truth: bool
    predicted: float | None = None
    money: bytes = b""
    net: float | None = None


class Outcome(msgspec.Struct, frozen=True, gc=False, tag="outcome", omit_defaults=True):
    """What the learner of the choice is told when the window of a draw is over.

    customer, decision: whose, and of which draw; both empty of who asked to be forgotten. arms: those in the draw by
    name, each with its chance as a multiple of 2^-32; leaving alone has the rest. arm: what was drawn, empty: leaving
    alone. control: the draw is what would have been. delivered: what was drawn has arrived. soon: a complaint, an
    unsubscription or a spam report came within a week of it. worth, gain: money (`Ended`). features: float16,
    little-endian (in JSON: base64); empty: nothing is learned of it but that a contact is over.
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
    values at stake, hundredths, in all. tried: the chances of arms that were not proven, as multiples of 2^-32, in all.
    opened: contacts by arm.
    """

    arms: tuple[ArmPulse, ...]
    unproven: float
    forget: int
    tolerated: float
    draws: int = 0
    worth: int = 0
    tried: int = 0
    opened: dict[str, int] = {}


class Pulse(msgspec.Struct, frozen=True, gc=False, tag="pulse", omit_defaults=True):
    """What a shard's customers have taken of the budgets, and what they are worth, at a version boundary; stands before
    its watermark.

    policy, sha256: the one in force. version, lineage: the model version that was in force, whose allowances counted.
    quiet: what was decided so far is history, and nobody was triggered. shares, fewest: the policy's tiers of value,
    from the top, and how many customers a class must have for them. values: by class of customers, each
    bucket (`models.value.pyramid`) that somebody's value lies in, and how many have such a one. choice: of the learned
    choice; None: the policy does not want it.
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


class DeadLetter(msgspec.Struct, frozen=True, gc=False, tag="deadletter", omit_defaults=True):
    """A record that could not be applied: where it was, why, and the record itself (base64), so nothing is lost.

    Of an oversize value only the first 4 KiB are kept, of any key the first 512 bytes; `size` and the coordinates tell
    where the rest is.
    """

    code: str
    reason: str
    topic: str
    partition: int
    offset: int
    timestamp: int
    size: int
    value: str = ""
    key: str = ""
    customer: str | None = None
    event_type: str | None = None
    event_id: str | None = None
    due: int | None = None


Output = (
    Trigger | Withdrawal | Unsent | StopOrder | Decision | Example | Outcome | Watermark | Chosen | Pulse | DeadLetter
)
KEPT_OF_OVERSIZE = 4096


def encode(output: Output) -> bytes:
    """The output as JSON bytes, keys in the order of the fields."""
    return _encode(output)


def trigger_id(customer: bytes, opened_at: int, opener: str, step: int) -> str:
    """From customer, log time at which the episode opened, id of the touchpoint that opened it (or ``due``), step."""
    return xxhash.xxh3_128_hexdigest(b"\0".join((customer, b"%d" % opened_at, opener.encode(), b"%d" % step)))


def output_id(*parts: str | int) -> str:
    """A deterministic id from what makes the output unique."""
    return xxhash.xxh3_128_hexdigest("\0".join(map(str, parts)).encode())


def as_text(value: bytes | None, limit: int | None = None) -> str:
    """base64 of a record's bytes, or of its first `limit`."""
    return base64.b64encode((value or b"")[:limit]).decode()


LEDGER = "ledger"
"""What a decision is about that says what was booked in a customer's account of points."""
OUTCOME = "outcome"
"""What a decision is about that says what came of a draw by the learned choice."""
IN_FORCE = "version_in_force"
"""What a decision is about that says which version came into force."""
POLICY_IN_FORCE, POLICY_WAITING = "policy_in_force", "policy_waiting"
"""What a decision is about that says which policy came into force, or will at a later boundary."""
STOPPED, RESUMED = "stopped", "resumed"
"""What a decision is about that says what an operator has stopped, or that stops are at an end."""
SETTINGS_IN_FORCE, SETTINGS_WAITING = "settings_in_force", "settings_waiting"
"""What a decision is about that says which settings came into force, or will at a later boundary."""
