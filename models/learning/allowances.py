"""Who may take how much of the policy's budgets: the one place where that is handed out.

A shard tells at each version boundary what it has taken of each budget, and under which version (`outputs.Pulse`); a
version says what each shard may have taken in all of a period. A shard takes up to the greater of the two. So what a
shard *holds* is, at most, the greater of what it has taken, as of its last pulse, and of the largest allowance in any
version from the one on that it named: it may yet come into force there, an earlier one never again. The sum of what all
hold is never more than the budget, whatever versions come late, and an allowance that is lowered is given to another
shard only when its holder's pulse shows that it is gone.

Where another learner's versions are in force too, each hands out only of periods in which no shard has named one of the
other's while they were the running one or the next.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import xxhash

from models.outputs import BudgetPulse, Pulse
from models.timeline.boundaries import UNTRAINED

MOST_ISSUED = 64
"""Allowances that are remembered of a period: beyond, the two oldest become one, of the larger of each."""
LEAST_A_SHARE = 4
"""Of a budget with fewer lots a shard nothing is handed out but to who has asked for it. A lot is what the dearest
trigger takes: with less a shard may be able to do nothing."""


class Issued(msgspec.Struct):
    """What the version of a boundary allows, units by shard."""

    boundary: int
    units: list[int]


class PeriodState(msgspec.Struct):
    """A period of a budget. taken: by shard, as of its last pulse. issued: by version, oldest first. foreign: another
    learner may have handed out of it. ends: log time, ms. over: when no shard told of it any more, since a policy has
    other periods; 0: one does. before: units of this time that may have been taken by such a policy."""

    ends: int
    taken: list[int]
    issued: list[Issued]
    foreign: bool = False
    over: int = 0
    before: int = 0


class AllowanceState(msgspec.Struct):
    """All of it, as the learner keeps it.

    policy: number and sha256 of the highest that a shard has named. most: units of a period, by budget of that policy.
    periods: by budget and start. named: the version that each shard's last pulse named.
    """

    policy: tuple[int, str]
    most: dict[str, int]
    periods: dict[str, dict[int, PeriodState]]
    named: list[int]


Allowances = dict[str, dict[int, list[int]]]
"""As in `Version.allowances`."""


def heard(
    state: AllowanceState | None, pulses: Sequence[Pulse], shards: int, lineage: str, late: bool = False
) -> AllowanceState | None:
    """The state with what shards have told at a boundary.

    Args:
        state: None: no shard has told anything yet.
        pulses: of the boundary; of a shard the later counts.
        shards: how many there are.
        lineage: of this learner.
        late: it has not read all examples from the first on, so somebody may have handed out before it.
    """
    if not pulses:
        return state
    if state is None:
        state = AllowanceState((0, ""), {}, {}, [UNTRAINED] * shards)
    newest = max(pulses, key=lambda pulse: pulse.rank)
    if (newest.policy, newest.sha256) >= state.policy:
        state.policy = newest.policy, newest.sha256
        state.most = {one.name: one.most for one in newest.budgets}
    for pulse in pulses:
        foreign = pulse.version != UNTRAINED and pulse.lineage != lineage
        if not foreign:
            state.named[pulse.shard] = pulse.version
        for one in pulse.budgets:
            _hear(state, pulse.shard, one, shards, foreign or late)
    told = {(one.name, start) for pulse in pulses for one in pulse.budgets for start in (one.period, one.next)}
    for name, periods in state.periods.items():
        for start, period in periods.items():
            period.over = 0 if (name, start) in told else period.over or newest.time
        for start in {one.period for pulse in pulses for one in pulse.budgets if one.name == name}:
            periods[start].before = max(periods[start].before, _taken_otherwise(state, periods, start))
    return state


def issue(state: AllowanceState | None, boundary: int, pulses: Sequence[Pulse], shards: int) -> Allowances | None:
    """What the version of a boundary allows; None: no policy has a budget. `state` remembers it.

    pulses: of the boundary. Where a shard is still in its history nothing is handed out.
    """
    if state is None:
        return None
    _forget(state, boundary)
    told = {one.name: one for pulse in pulses if (pulse.policy, pulse.sha256) == state.policy for one in pulse.budgets}
    unmet = {(pulse.shard, one.name): one.unmet for pulse in pulses for one in pulse.budgets}
    quiet = any(pulse.quiet for pulse in pulses)
    for name, periods in state.periods.items():
        for start, period in periods.items():
            one = told.get(name)
            most = state.most.get(name, 0)
            if one is None or start not in (one.period, one.next) or period.foreign or quiet:
                units = [0] * shards
            else:
                running = start == one.period
                asked = [unmet.get((shard, name), 0) if running else 0 for shard in range(shards)]
                otherwise = max(period.before, _taken_otherwise(state, periods, start))
                units = _handed_out(state, period, name, start, most - otherwise, one, asked)
            period.issued.append(Issued(boundary, units))
            _shorten(period)
    return last_issued(state)


def last_issued(state: AllowanceState) -> Allowances:
    """What the last version allows."""
    return {
        name: {start: list(period.issued[-1].units) for start, period in periods.items()}
        for name, periods in state.periods.items()
    }


def held(period: PeriodState, named: Sequence[int]) -> list[int]:
    """What each shard may have taken of a period, or may yet take, whatever has come into force there."""
    return [
        max([taken, *(issued.units[shard] for issued in period.issued if issued.boundary >= named[shard])])
        for shard, taken in enumerate(period.taken)
    ]


def _hear(state: AllowanceState, shard: int, one: BudgetPulse, shards: int, foreign: bool) -> None:
    periods = state.periods.setdefault(one.name, {})
    length = one.next - one.period
    for start, ends in ((one.period, one.next), (one.next, one.next + length)):
        period = periods.setdefault(start, PeriodState(ends, [0] * shards, []))
        period.foreign = period.foreign or foreign
    periods[one.period].ends = one.next
    periods[one.period].taken[shard] = one.reserved


def _forget(state: AllowanceState, boundary: int) -> None:
    """Periods that are over. What nobody can adopt any more is no longer held."""
    for name, periods in list(state.periods.items()):
        state.periods[name] = {start: one for start, one in periods.items() if one.ends > boundary}
        if not state.periods[name]:
            del state.periods[name]
    oldest = min(state.named)
    for periods in state.periods.values():
        for period in periods.values():
            period.issued = [one for one in period.issued if one.boundary >= oldest]


def _taken_otherwise(state: AllowanceState, periods: dict[int, PeriodState], start: int) -> int:
    """What may have been taken in a period's time of other periods of the budget: another policy had other days."""
    ends = periods[start].ends
    return sum(
        sum(held(other, state.named))
        for begins, other in periods.items()
        if begins != start and begins < ends and start < other.ends and not 0 < other.over <= start
    )


def _handed_out(
    state: AllowanceState,
    period: PeriodState,
    name: str,
    start: int,
    most: int,
    told: BudgetPulse,
    unmet: Sequence[int],
) -> list[int]:
    """The allowances of a period in the next version.

    Each shard is to have room for a share of the tranche, and for what it had no room for of late; what it has beyond
    is taken back. Where there is not enough for all, each gets its part of what there is, in whole lots; and of those
    who get none, who holds less than a lot gives it up, so that many rests become one of which something can be done.

    unmet: by shard.
    """
    shards, lot = len(period.taken), max(told.lot, 1)
    holds = held(period, state.named)
    free = max(0, most - sum(holds))
    share = _up_to(-(-told.tranche // shards), lot) if most >= LEAST_A_SHARE * lot * shards else 0
    targets = [taken + share + asked for taken, asked in zip(period.taken, unmet, strict=True)]
    more = [max(0, target - holding) for target, holding in zip(targets, holds, strict=True)]
    order = _order(name, start, shards)
    given = _shared_out(more, free, lot, order)
    if sum(more) > free:
        rests = [holding - taken for holding, taken in zip(holds, period.taken, strict=True)]
        asking = [shard for shard in order if unmet[shard] and more[shard] and not given[shard] and rests[shard] < lot]
        first = next((shard for shard in order if more[shard]), None)
        for shard in asking:
            targets[shard] = targets[shard] if shard == first else period.taken[shard]
    return [
        holding + extra if extra else min(target, holding)
        for target, holding, extra in zip(targets, holds, given, strict=True)
    ]


def _up_to(units: int, lot: int) -> int:
    """Whole lots, not fewer units."""
    return -(-units // lot) * lot


def _shared_out(wanted: Sequence[int], free: int, lot: int, order: Sequence[int]) -> list[int]:
    """Each what it wants, or its part of what is free in whole lots; what is left over by lots, in an order, and what
    is no lot any more to the first who wants it."""
    total = sum(wanted)
    if total <= free:
        return list(wanted)
    given = [want * free // total // lot * lot for want in wanted]
    left = free - sum(given)
    for shard in order:
        step = min(lot, wanted[shard] - given[shard])
        if step <= left:
            given[shard] += step
            left -= step
    for shard in order:
        rest = min(left, wanted[shard] - given[shard])
        given[shard] += rest
        left -= rest
    return given


def _order(name: str, start: int, shards: int) -> list[int]:
    """Of the shards, another one for each budget and period."""
    return sorted(
        range(shards), key=lambda shard: (xxhash.xxh3_64_intdigest(f"{name}\0{start}\0{shard}".encode()), shard)
    )


def _shorten(period: PeriodState) -> None:
    while len(period.issued) > MOST_ISSUED:
        first, second = period.issued[:2]
        joined = Issued(second.boundary, list(map(max, first.units, second.units)))
        period.issued[:2] = [joined]
