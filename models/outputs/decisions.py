"""Why and why not: decisions, and what they are about."""

from __future__ import annotations

import msgspec

from models.outputs.ledger_entry import LedgerEntry
from models.outputs.loyalty_entry import LoyaltyEntry
from models.outputs.membership_entry import MembershipEntry
from models.outputs.triggers import Position


class Candidate(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """An action that a decision looked at: by which channel, which gates held it, its score in money, and its chance
    in the draw as a multiple of 2^-32 (`leave_alone` is one of them).

    By the learned choice: `score` is what it is expected to bring, `sd` the standard deviation of that, `arm` the
    name of its content, `state` how it stood (`models.decisions.choosing.caution.State`), `price` what has been
    taken from its score for what it takes from budgets."""

    action: str
    channel: str = ""
    gates: tuple[str, ...] = ()
    score: float = 0.0
    chance: int = 0
    sd: float = 0.0
    arm: str = ""
    state: str = ""
    price: float = 0.0


class Drawn(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a draw by the learned choice was made from.

    why: a code (`models.decisions.choosing.choose.Reason`). worth: the value at stake, money. features: of the
    customer, by `models.decisions.choosing.described.DESCRIBED`, as they are learned from. price: what contact that is
    not proven had to bring beside its cost, money. tried: the chance that such contact would have had if only
    `unproven_each` held it, as a multiple of 2^-32. prices: of a unit of each budget that the actions take from, money.
    """

    why: str
    worth: float
    features: tuple[float, ...]
    price: float = 0.0
    tried: int = 0
    prices: dict[str, float] = {}


class Ended(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What came of a draw by the learned choice within its window.

    decision: of the draw. arm: what was drawn; empty: leaving alone. control: of the control group. delivered: what
    was drawn has arrived. worth: the value at stake. net: bought less returned. given: discounts redeemed. gain: what
    is learned: what is earned of net (`models.decisions.response.earned`), less harm. All money. bought: there was a
    purchase. harms: ``declined``, ``unsubscribed``, ``complained``, ``spam``. unlearned: why nothing is learned of it:
    ``erased``, ``restricted`` (or objects to profiling), ``alarm``, ``merged`` (the window of another id of the
    customer is older).
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
    customer's `REQUESTS`, `LEDGER`, `LOYALTY`, `MEMBERSHIP`, `MERGED`, `TAKEN_OVER`, `REVIVED`. By a policy:
    ``decided`` (a moment is answered: triggered, left alone, or held for good), ``waits`` (said once for each gate;
    until `until`, or longer), ``void`` (the risk has fallen), ``settled``, ``given_back`` and ``withdrawn`` (what
    became of a trigger), ``shadow`` (what would have been chosen if actions in shadow were live), ``may_contact``
    (another sender has asked), ``previewed``, ``plan_started``, ``plan_ended`` and ``step_left_out`` (`moment` is the
    plan, or its step), ``resent`` and ``not_resent`` (what was stopped), ``outcome`` (what came of a draw by the
    learned choice), ``shared_proposed``, ``shared_reserved``, ``shared_refused`` and ``shared_ended`` (of what is to be
    offered to two who talk with each other: `gate` says why not), ``policy_in_force`` and ``policy_waiting``. Of
    operators: ``stopped`` and ``resumed``. moment, level: what asked. candidates: what was looked at. gate: what held
    the customer as a whole. control: the customer is of the control group, so `action` is what would have been done.
    policy: its name. value, tier: what was known of the customer's value. levels_of: where levels of risk go by the
    tier of value, the tier by whose level it was asked: that of the estimate before, or the one at which the episode
    opened. levels_of_stage: the same of the loyalty loop, where they go by its stage. exempt: the customer is exempt
    from the control group by their plan, programme or tier of value. late: of a version that came into force not at a
    boundary but before the record at `at` and the due items that stand before that: the last boundary that the line had
    crossed there. timer: of a late one that came into force between two of these due items: the first that it decides,
    as its timer position (`models.timeline.order`) and its customer. champion: of a version that is the first in force
    here since this model was promoted. lineage: of a version that another learner than the application's first has
    made: that learner's schema. Two of them may have made versions of one boundary; `model_version` of the decisions
    that follow means this one's. settings: what an operator's settings change, by name: the old value and the new one.
    test: it is about somebody who tries things out, or for them. drawn: what the learned choice drew by. ended: of what
    ``outcome``, what came of a draw. ledger: of `LEDGER`, what was booked in the customer's account of points. loyalty:
    of `LOYALTY`, where they are in the loyalty loop. membership: of `MEMBERSHIP`, what changed in their membership of
    the loyalty programme. group: names what two customers are offered together; of both it is the same.
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
    membership: MembershipEntry | None = None
    drawn: Drawn | None = None
    ended: Ended | None = None
    loyalty: LoyaltyEntry | None = None
    levels_of: str = ""
    levels_of_stage: str = ""
    exempt: bool = False
    group: str = ""


TASK = "task_for_a_person"
"""In place of an action: something is due to the customer (`Decision.reason` has the action), and on no channel of it
does anything arrive; or the customer has asked for what only a person can answer (`REQUESTS`)."""
MERGED, TAKEN_OVER, REVIVED = "merged", "taken_over", "revived"
"""What a decision is about that says that an id is another customer's, and what was known of it their own; and that it
is somebody's own again."""
MERGE_REFUSED = "merge_refused"
"""What a decision is about that says that the customer is not another's, though it was told at another id of theirs."""
REQUESTS = ("access_requested", "restriction_requested", "decision_contested")
"""What a decision is about by which a customer's request becomes a `TASK`."""
LEDGER = "ledger"
"""What a decision is about that says what was booked in a customer's account of points."""
LOYALTY = "loyalty"
"""What a decision is about that says where a customer is in the loyalty loop, or that they spoke of us."""
MEMBERSHIP = "membership"
"""What a decision is about that says what changed in a customer's membership of the loyalty programme."""
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
