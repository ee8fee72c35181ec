"""The engine, plainly: the rules as a marketer would tell them, one customer and one touchpoint at a time.

It shares with the engine what is neither compiled nor batched: the reading of touchpoints, the profile, the choice of
an action, the words of the outputs, and the three functions of models.numerics.maths. Everything else is told a second
time, so that a difference between the two is found by comparing their bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.churn import MixtureScorer, Version
from models.churn.crossing import Ahead, crossings_of, foresee, looks_for
from models.churn.mixture.probability import Mixture
from models.customer.bands import Band, Change
from models.customer.layout import (
    BACK,
    BASIS,
    DUE,
    EPISODE,
    PENDING_CHURNED,
    PENDING_RETURNED,
    PENDING_RISK,
    REARMED,
    RISK,
    STAYED,
    TICK,
)
from models.customer.record import unpack
from models.customer.schedule import phase_of
from models.decisions.given import Asks, Touched
from models.decisions.policy.in_force import PolicyInForce
from models.engine.by_policy import Customer, by_policy
from models.engine.changes import Changes, committed
from models.engine.decide import RUNS, Row, ask, choose_champion, emit_decision, emit_entry, label, take_choice
from models.engine.loyal import keep_loyalty
from models.engine.output_buffer import Work, dead_record
from models.engine.piece_input import PieceInput, Scoring
from models.outputs import CHURNED, RETURNED
from models.settings import DAY
from models.timeline.order import NEVER
from models.timeline.partitioning import misplaced
from models.timeline.shard_state import ShardState
from models.touchpoints import Code, Kind, Rejected
from tests.reference.lane import Arrival, Lane, Step
from tests.reference.mixture import probability
from tests.reference.risk import assess
from tests.reference.value import appraise

TOTAL_OF = {
    **dict.fromkeys(("label", "return", "tick", "crossing", "timer", "lapse", "forgotten"), "due"),
    **{"duplicate": "duplicate", "beyond": "duplicate", "late": "late", "late leaving": "late"},
}


def apply(given: PieceInput, scoring: Scoring) -> Changes:
    """What `models.engine.apply.apply` does, when nothing goes wrong."""
    state, work = given.state, Work.of(given, scoring)
    lanes = _lanes(state, work, given.loaded)
    while (lane := _first(lanes.values())) is not None:
        if lane.record is None and _turned_away(state, work, lane):
            continue
        upcoming = lane.upcoming()
        if upcoming is None:
            raise ValueError(f"{lane.customer!r} has no step")
        step = lane.step(*upcoming)
        estimate = _estimate(work, step)
        stood = lane.record.numbers[RISK] if estimate is not None and lane.record is not None else 0.0
        if step.basis is not None and lane.record is not None:
            lane.hold_tier()
            appraise(work, lane, step.basis)
        crossing = _crossing(work, lane, step, estimate)
        _decide(work, lane, step, estimate)
        lane.learn(step, estimate, crossing)
        if work.policy is not None:
            _by_policy(work, work.policy, lane, step, estimate, stood)
        lane.finish(step)
    return _gather(state, work, lanes, given.dues, scoring.adopted)


def _first(lanes: Iterable[Lane]) -> Lane | None:
    """Whose step stands first in the line; None: all are done."""
    ahead = [(upcoming[0], lane) for lane in lanes if (upcoming := lane.upcoming()) is not None]
    return min(ahead, key=lambda one: one[0])[1] if ahead else None


def _lanes(state: ShardState, work: Work, loaded: Mapping[bytes, bytes | None]) -> dict[bytes, Lane]:
    piece, batch = work.piece, work.batch
    times: list[int] = []
    lanes = {name: Lane(name, unpack(name, value) if value else None, work, times) for name, value in loaded.items()}
    now = state.time
    for index in range(piece.first, piece.last):
        entry = batch.record(index)
        now = max(now, entry.timestamp)
        times.append(now)
        content = entry.content
        if index in work.arrived.again:
            work.counts["duplicate"] += 1
        elif index in work.arrived.refused:
            dead_record(work, index, str(Code.BAD_FIELD), work.arrived.refused[index])
        elif isinstance(content, Rejected):
            dead_record(work, index, str(content.code), content.reason)
        elif content.kind == Kind.CLOCK:
            work.counts["clocks"] += 1
        elif content.kind == Kind.MODEL_CHOSEN:
            choose_champion(work, index, now)
        elif content.kind in (Kind.SETTINGS_CHOSEN, Kind.POLICY_CHOSEN, Kind.STOPPED, Kind.RESUMED):
            take_choice(work, index)
        else:
            lanes[content.customer.encode()].arrivals.append(Arrival(index, now, content))
    return lanes


def _turned_away(state: ShardState, work: Work, lane: Lane) -> bool:
    """True when a customer without a record is not of this shard: a dead letter takes their touchpoint's place."""
    arrival = lane.arrivals[0]
    entry = work.batch.record(arrival.index)
    reason = misplaced(arrival.touch.customer, entry.key, state.partition, state.partitions)
    if reason is None:
        return False
    lane.arrivals.popleft()
    dead_record(work, arrival.index, str(Code.WRONG_PARTITION), reason)
    return True


def _estimate(work: Work, step: Step) -> float | None:
    if step.basis is None:
        return None
    if isinstance(work.scorer, MixtureScorer):
        return probability(work.scorer, step.basis)
    return float(work.scorer.score(np.array([step.basis], dtype=np.float32))[0])


def _crossing(work: Work, lane: Lane, step: Step, estimate: float | None) -> int:
    """When the risk, below the next threshold now, will cross it; the search is held against brute force elsewhere."""
    record, enter = lane.record, None
    if estimate is not None:
        least = estimate if estimate < lane.exit else max(estimate, lane.reached)
        enter = next((level for level in lane.levels if least < level < 1.0), None)
    if enter is None or step.basis is None or record is None or not record.times[TICK]:
        return 0
    basis, tick = np.array(step.basis, dtype=np.float32), record.times[TICK]
    if isinstance(work.scorer, MixtureScorer):
        return foreseen(work.scorer.mixture, basis, step.now, int(tick), enter)
    [found] = crossings_of(work.scorer, basis[None], np.array([step.now]), np.array([tick]), enter).tolist()
    return int(found)


def foreseen(mixture: Mixture, basis: NDArray[np.float32], now: int, tick: int, enter: float) -> int:
    """The crossing, looked for of one customer alone."""
    risks, crossings = np.empty(1), np.empty(1, dtype=np.int64)
    ahead = Ahead(basis[None], np.array([now]), np.array([tick]), np.zeros(1), np.zeros(1), np.zeros(1, dtype=np.int64))
    foresee(ahead, np.array([[enter]]), mixture, looks_for(mixture), risks, crossings)
    return int(crossings[0])


def _decide(work: Work, lane: Lane, step: Step, estimate: float | None) -> None:
    """Everything that follows from one step."""
    work.counts[TOTAL_OF.get(step.what, "applied")] += 1
    work.counts["beyond"] += step.what == "beyond"
    work.counts["crossings"] += step.what == "crossing"
    work.counts["skewed"] += step.touch is not None and step.touch.skewed
    record = lane.record
    if record is None:
        return
    row = Row(step.at, step.now, lane.customer, estimate)
    if step.what == "label":
        snapshot = np.array(record.pending_bases[PENDING_CHURNED], dtype=np.uint16)
        churned = not record.flags & STAYED
        net, risk = record.worth.net, record.numbers[PENDING_RISK]
        money = lane.money(PENDING_CHURNED)
        taken = lane.taken(PENDING_CHURNED)
        of = lane.weighed(PENDING_CHURNED, step)
        label(work, row, CHURNED, taken, snapshot, churned, risk, money, net if money else None, of)
        lane.drop_money(PENDING_CHURNED)
        record.pending_ticks[PENDING_CHURNED] = 0
    elif step.what == "return":
        snapshot = np.array(record.pending_bases[PENDING_RETURNED], dtype=np.uint16)
        money = lane.money(PENDING_RETURNED)
        of, back = lane.weighed(PENDING_RETURNED, step), bool(record.flags & BACK)
        label(work, row, RETURNED, lane.taken(PENDING_RETURNED), snapshot, back, money=money, of=of)
        lane.drop_money(PENDING_RETURNED)
        record.pending_ticks[PENDING_RETURNED] = 0
    elif step.what == "lapse":
        stands = bool(record.tail.standing)
        if lane.lapse():
            lane.end_episode(step)
            emit_decision(work, row, "episode_closed", "silent for two horizons")
            _look(work, lane, step, stands)
    elif step.what.endswith("leaving"):
        if lane.lapse():
            lane.end_episode(step)
            emit_decision(work, row, "episode_closed", "cancelled")
    elif step.what == "forgotten":
        band = record.band
        lane.forget()
        if band not in (Band.PROSPECT, Band.ERASED):
            days = work.settings.forget_after / DAY
            emit_decision(work, row, "forgotten", f"silent for two horizons and {days:g} days")
    elif step.what.endswith("reopened"):
        emit_decision(work, row, "reopened", "consented to be contacted after the erasure")
    elif step.what == "erased":
        emit_decision(work, row, "erased", "the customer asked to be forgotten")
    elif step.what == "rearmed":
        emit_decision(work, row, "rearmed", "the trigger expired before it could be sent")
    unscored = Row(step.at, step.now, lane.customer)
    if lane.objected:
        lane.end_episode(step)
        emit_decision(work, unscored, "episode_closed", "objects to profiling")
    if lane.entry is not None:
        emit_entry(work, unscored, *lane.entry)
    if estimate is None or step.basis is None:
        return
    work.counts["scored"] += 1
    change = assess(record, lane.levels[0], lane.exit, estimate, step.now, step.may_open)
    if record.band != Band.AT_RISK:
        record.worth.held = 0
    if change == Change.CLOSED:
        stands = bool(record.tail.standing)
        lane.end_episode(step)
        why = RUNS if lane.under_contract else "risk fell below the exit threshold"
        emit_decision(work, row, "episode_closed", why)
        _look(work, lane, step, stands)
        return
    quiet = step.now < work.quiet_until
    if work.policy is not None:
        work.counts["episodes"] += change == Change.OPENED
        return
    again = bool(record.flags & REARMED) and estimate >= work.settings.enter and step.may_open and not quiet
    if change != Change.OPENED and not again:
        return
    what = "episode_continued"
    if change == Change.OPENED:
        what = "episode_opened"
        work.counts["episodes"] += 1
        record.tail.opener = step.touch.id if step.touch else "due"
    record.flags = record.flags | REARMED if quiet else record.flags & ~REARMED
    ask(work, row, what, record, int(record.times[EPISODE]), np.array(step.basis, dtype=np.float32))


def _look(work: Work, lane: Lane, step: Step, stands: bool) -> None:
    """At a timer at which an episode ends the stage of the loyalty loop is looked at; of whom we stand with in no way
    at the next occasion."""
    record, policy = lane.record, work.policy
    if record is None or policy is None or step.touch is not None or not stands or policy.policy.loyalty is None:
        return
    slab = (record.flags, record.times, record.numbers, record.seconds)
    person = Customer(lane.customer, record.tail, *slab, 0).person(None, work.settings, policy)
    keep_loyalty(work, policy, Row(step.at, step.now, lane.customer), person, None)


def _count(work: Work, policy: PolicyInForce, lane: Lane, step: Step, estimate: float | None) -> None:
    """A touchpoint counts in the loyalty loop, and no decision is made."""
    record, touch = lane.record, step.touch
    if record is None or touch is None:
        return
    slab = (record.flags, record.times, record.numbers, record.seconds)
    person = Customer(lane.customer, record.tail, *slab, 0).person(None, work.settings, policy)
    seen = Touched(touch.kind, touch.id, touch.time, touch.data)
    keep_loyalty(work, policy, Row(step.at, step.now, lane.customer, estimate), person, seen)


def _by_policy(work: Work, policy: PolicyInForce, lane: Lane, step: Step, estimate: float | None, stood: float) -> None:
    """What the policy in force says, of a level that has not asked, a timer, or a touchpoint."""
    record, why = lane.record, step.asks
    if record is None:
        return
    at_risk = estimate is not None and record.band == Band.AT_RISK and step.may_open and step.now >= work.quiet_until
    if at_risk and any(estimate >= level > lane.reached for level in lane.levels):
        why |= Asks.LEVEL
    if not why:
        return
    if why == Asks.LOOP:
        _count(work, policy, lane, step, estimate)
        return
    touch = None
    if step.touch is not None:
        data = step.touch.data
        moments = lane.moments(step.touch) if step.now >= work.quiet_until else ()
        came = work.batch.columns.between.get(step.at[0]) if moments else None
        told_at = "" if came is None else came.path[0]
        touch = Touched(step.touch.kind, step.touch.id, step.touch.time, data, moments, step.touch.id_hash, told_at)
    slab = (record.flags, record.times, record.numbers, record.seconds)
    worth = record.worth
    customer = Customer(
        lane.customer, record.tail, *slab, phase_of(work.settings, lane.hash), worth.bucket, worth.tier, worth.held
    )
    standing = lane.standing
    row, basis = (
        Row(step.at, step.now, lane.customer, estimate),
        np.array(step.basis or [0.0] * BASIS, dtype=np.float32),
    )
    by_policy(work, policy, row, customer, standing, why, touch, basis, stood)
    lane.keep(standing)


def _gather(
    state: ShardState, work: Work, lanes: Mapping[bytes, Lane], dues: Sequence[Any], adopted: Version | None
) -> Changes:
    records: dict[bytes, bytes] = {}
    due_set: dict[bytes, float | None] = {}
    listed = {customer for _, customer in dues}
    bands, removed = list(state.bands), []
    moved = []
    staged = [(lane.loaded_stage, lane.stage) for lane in lanes.values() if lane.loaded_stage != lane.stage]
    work.counts["unsure"] = sum(lane.unsure for lane in lanes.values())
    for customer, lane in lanes.items():
        record = lane.record
        due = record.times[DUE] if record else NEVER
        left = record is None and lane.loaded_band is not None
        before, now = lane.loaded_value, (record.worth.counted, record.worth.bucket) if record else (0, 0)
        if before != now:
            moved.append((*before, *now))
        if customer in listed or due < lane.loaded_due or due == NEVER != lane.loaded_due:
            due_set[customer] = due if due != NEVER else None
        if left and lane.loaded_band is not None:
            removed.append(customer)
            bands[lane.loaded_band] -= 1
        if record is None or not lane.changed:
            continue
        records[customer] = record.pack()
        if lane.loaded_band is not None:
            bands[lane.loaded_band] -= 1
        bands[record.band] += 1
    return committed(state, work, adopted, work.counts, bands, records, due_set, removed, moved, staged)
