"""What a shard's customers share, from one commit to the next: its part of the budgets, and the alarm."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from models.churn import Version
from models.churn.snapshot import lineage_name
from models.decisions.alarm import alarmed_share, boundary_passed, under_new_policy
from models.decisions.ask import Common
from models.decisions.periods import period_at
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.purse import Purse
from models.decisions.rules import rules_of
from models.engine.piece_input import PieceInput, Scoring
from models.outputs import BudgetPulse, Pulse
from models.timeline.shard_state import ShardState
from models.timeline.shared import Alarm, Shared, Units
from models.timeline.stops import in_force


@dataclass(slots=True)
class SharedState:
    """What is shared while a piece is applied.

    policy: in force. purse: what may be spent; changed by decisions. alarm: its state; None: the policy has none. It
    moves at version boundaries only, so it is the same for all of a piece.
    """

    policy: PolicyInForce
    purse: Purse
    alarm: Alarm | None
    common: Common = field(init=False)

    def __post_init__(self) -> None:
        self.common = Common(self.purse, self.alarm is not None and self.alarm.holds)

    def is_learned(self, begins: int, ends: int) -> bool:
        """Whether an outcome of this window (log time, ms) may teach: not where the alarm held for much of it."""
        rules = rules_of(self.policy).alarm
        if self.alarm is None or rules is None:
            return True
        return alarmed_share(self.alarm, begins, ends) <= rules.unlearned

    def kept(self, state: ShardState) -> ShardState:
        """The state of the shard after the piece, with this in it."""
        purse = self.purse
        found = Shared(
            purse.allowed, purse.reserved, purse.unmet, UNSET if self.alarm is None else self.alarm, purse.wanted
        )
        return replace(state, shared=UNSET if found == Shared() else found)

    def pulse(self, state: ShardState, boundary: int, quiet: bool) -> Pulse | None:
        """What the learner is told at a version boundary; None: the policy has no budget. Unmet demand begins
        anew, and what is wanted.

        state: after the piece that ends there. quiet: what was decided so far is history.
        """
        rules, told = rules_of(self.policy), []
        for name, budget in rules.budgets.items():
            period = period_at(budget.per, budget.zone, boundary)
            tranche = -(-budget.most * budget.tranche // (period.end - period.start))
            reserved = self.purse.reserved.get(name, {}).get(period.start, 0)
            unmet = self.purse.unmet.get(name, 0)
            told.append(BudgetPulse(name, budget.most, tranche, period.start, period.end, reserved, unmet, budget.lot))
        self.purse.forget(rules, boundary)
        if not told:
            return None
        policy, lineage = self.policy, lineage_name(state.lineage)
        return Pulse(
            state.partition, boundary, policy.number, policy.sha256, state.version, lineage, quiet, tuple(told)
        )

    def pass_boundary(self, state: ShardState, boundary: int, longest: int) -> None:
        """Move the alarm on. longest: windows of outcomes are no longer, ms."""
        rules = rules_of(self.policy).alarm
        if self.alarm is not None and rules is not None:
            totals = state.totals
            self.alarm = boundary_passed(self.alarm, rules, boundary, totals.applied, totals.episodes, longest)


def held_at(policy: PolicyInForce, state: ShardState, boundary: int) -> tuple[str, ...]:
    """What keeps something from going out at a version boundary: the operators' stops, a freeze, the alarm."""
    found = [f"stop {one.number}" for one in in_force(state).standing]
    found += ["freeze"] * any(one.starts <= boundary < one.ends for one in rules_of(policy).frozen)
    alarm = UNSET if state.shared is UNSET else state.shared.alarm
    found += ["alarm"] * (alarm is not UNSET and alarm.holds)
    return tuple(found)


def shared_in(given: PieceInput, scoring: Scoring) -> SharedState | None:
    """As a piece begins; None: the policy has neither a budget nor an alarm, and nothing is left of one that had.

    A version that comes into force with the piece brings its own allowances. A policy that does begins to learn anew
    what is usual: other levels make other crossings.
    """
    policy, state = scoring.policy, given.state
    if policy is None:
        return None
    rules = rules_of(policy)
    stored = Shared() if isinstance(state.shared, UnsetType) else state.shared
    if not rules.budgets and rules.alarm is None and stored == Shared():
        return None
    allowed = stored.allowed if scoring.adopted is None else _allowed(scoring.adopted, state.partition)
    alarm = None
    if rules.alarm is not None:
        alarm = Alarm() if isinstance(stored.alarm, UnsetType) else stored.alarm
        change = given.policy_change
        if change is not None and change.in_force:
            reached = int(given.batch.reached[given.piece.first])
            alarm = under_new_policy(alarm, max(state.time, reached) if change.at_record else state.boundary)
    return SharedState(policy, Purse.of(allowed, stored.reserved, stored.unmet, stored.wanted), alarm)


def _allowed(version: Version, partition: int) -> Units:
    """What a version allows one shard."""
    if isinstance(version.allowances, UnsetType):
        return {}
    return {
        name: {period: units[partition] for period, units in periods.items() if partition < len(units)}
        for name, periods in version.allowances.items()
    }
