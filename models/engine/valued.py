"""What customers are worth, as they are scored: bucket and tier by the version in force; and how many lie in each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from struct import Struct
from typing import Any, Final

import numpy as np
from msgspec import UNSET, UnsetType
from msgspec.structs import replace
from numpy.typing import NDArray

from models.churn import MixtureScorer, Scorer
from models.churn.snapshot import lineage_name
from models.customer.layout import BASIS, PENDING_CHURNED, UNLEARNED
from models.customer.schedule import tick_time
from models.customer.worth import FIELDS, HELD, WORTH
from models.decisions.policy.in_force import PolicyInForce
from models.engine.compiled_rules import CLASSES
from models.numerics.compiled import LANES, compiled, linked
from models.numerics.float16 import float16_bits
from models.outputs import Pulse
from models.settings import EngineSettings
from models.timeline.shard_state import ShardState, Values
from models.touchpoints import Kind
from models.value.appraisal import Appraisal, appraisal_of, bucket_in, nothing_to_appraise_with, tier_in
from models.value.columns import RETURNED_COLUMN, SPENT_COLUMN, returned_a_day, spent_a_day
from models.value.scoring import value, value_workspace_for

UNKNOWN: Final = nothing_to_appraise_with(len(CLASSES))
_pack = Struct("<2H").pack
_PURCHASE, _RETURN = int(Kind.PURCHASE), int(Kind.RETURN)


def appraisal_by(scorer: Scorer, settings: EngineSettings, policy: PolicyInForce | None) -> Appraisal:
    """By what a version says of values, and the tiers of a policy."""
    if getattr(scorer, "values", None) is None:
        return UNKNOWN
    scored_by: Any = scorer
    return _appraisal(scored_by, settings, policy.shares if policy is not None else ())


@lru_cache(maxsize=16)
def _appraisal(scorer: Any, settings: EngineSettings, shares: tuple[float, ...]) -> Appraisal:
    mixture = scorer.mixture if isinstance(scorer, MixtureScorer) else None
    return appraisal_of(scorer.values, mixture, settings, CLASSES, shares)


@linked
def appraise(records: Any, lanes: Any, asking: Any, rules: Any, appraisal: Appraisal) -> None:
    """Bucket and tier of the lanes that are scored; of those of whom nothing is learned none is kept.

    Args:
        records, lanes: as of `models.engine.waves.waves`.
        asking: which lanes, shape (any,).
        rules: dtype RULES.
        appraisal: of the version in force.
    """
    if rules.values == 0 or not appraisal.on[0]:
        for i in range(asking.shape[0]):
            _untiered(lanes[asking[i]])
        return
    room = value_workspace_for(appraisal.mixture)
    for first in range(0, asking.shape[0], LANES):
        used = min(asking.shape[0] - first, LANES)
        for k in range(LANES):
            index = asking[first + min(k, used - 1)]
            lane, numbers = lanes[index], records[index].numbers
            for i in range(BASIS):
                room.work.bases[i, k] = lane.basis[i]
            room.money[SPENT_COLUMN, k], room.money[RETURNED_COLUMN, k] = spent_a_day(numbers), returned_a_day(numbers)
        value(appraisal.mixture, appraisal.valuation, appraisal.course, room)
        for k in range(used):
            index = asking[first + k]
            _place(lanes[index], records[index].flags, room.values[k], appraisal.cuts)


@compiled
def _place(lane: Any, flags: int, worth: float, cuts: Any) -> None:
    if flags & UNLEARNED:
        _untiered(lane)
        return
    bucket = bucket_in(worth)
    old = int(lane.tier) - 1 if lane.counted == lane.of_class else -1
    tier = tier_in(bucket, cuts[lane.of_class], old)
    lane.bucket, lane.tier, lane.counted = bucket + 1, tier + 1, lane.of_class


@compiled
def _untiered(lane: Any) -> None:
    lane.bucket, lane.tier, lane.counted = 0, 0, 0


@compiled
def observe_money(lane: Any, numbers: Any, label_kind: int, rules: Any) -> None:
    """An example begins: what was spent and returned so far, a purchase day, goes with it."""
    spent, returned = 0, 0
    if rules.values:
        spent, returned = float16_bits(spent_a_day(numbers)) + 1, float16_bits(returned_a_day(numbers))
    if label_kind == PENDING_CHURNED:
        lane.net, lane.spent_0, lane.returned_0 = 0.0, spent, returned
    else:
        lane.spent_1, lane.returned_1 = spent, returned


@compiled
def count_money(lane: Any, pending_tick: int, kind: int, time: int, amount: float, rules: Any) -> None:
    """A purchase or a return within the horizon of the pending example of churn enters what came of it."""
    if lane.spent_0 == 0 or (kind != _PURCHASE and kind != _RETURN):
        return
    observed_at = tick_time(rules, lane.phase, pending_tick)
    if observed_at <= time < observed_at + rules.horizon:
        lane.net += amount if kind == _PURCHASE else -amount


@compiled
def tell_money(lane: Any, label_kind: int, effect: Any) -> None:
    """An example is over: what goes with its label, if anything does, leaves the lane."""
    if label_kind == PENDING_CHURNED:
        spent, returned, net = np.int64(lane.spent_0), np.int64(lane.returned_0), lane.net
        lane.net, lane.spent_0, lane.returned_0 = 0.0, 0, 0
    else:
        spent, returned, net = np.int64(lane.spent_1), np.int64(lane.returned_1), 0.0
        lane.spent_1, lane.returned_1 = 0, 0
    effect.money[0], effect.money[1], effect.money[2] = spent, returned, net


def money_in(money: NDArray[np.float64]) -> tuple[bytes, float | None]:
    """Of an effect's money what goes with an example of churn: as the learner reads it, and net; nothing where the
    example was begun without."""
    spent, returned, net = money.tolist()
    return (_pack(int(spent) - 1, int(returned)), net) if spent else (b"", None)


def drop_money(lane: Any, label_kind: int) -> None:
    """An example is given up: nothing goes with it any more."""
    lane["spent_0" if label_kind == PENDING_CHURNED else "spent_1"] = 0
    lane["returned_0" if label_kind == PENDING_CHURNED else "returned_1"] = 0
    if label_kind == PENDING_CHURNED:
        lane["net"] = 0.0


def forget_worth(lane: Any) -> None:
    """Nothing is held of the customer's value."""
    for name in FIELDS:
        lane[name] = 0
    lane["held"] = 0


def worth_in(lanes: NDArray[Any], exists: NDArray[np.bool_]) -> NDArray[Any]:
    """What lanes hold, as it is stored; nothing of customers who have left. Shape (lanes,)."""
    found = np.zeros(len(lanes), dtype=WORTH)
    for name in FIELDS:
        found[name] = np.where(exists, lanes[name], 0)
    found["tier"] |= np.where(exists, lanes["held"] << HELD, 0).astype(np.uint8)
    return found


def moves(before: NDArray[Any], after: NDArray[Any]) -> list[tuple[int, int, int, int]]:
    """Who is counted elsewhere now: class and bucket before, and after, as `WORTH` has them."""
    moved = np.flatnonzero((before["bucket"] != after["bucket"]) | (before["counted"] != after["counted"]))
    if not moved.size:
        return []
    columns = [part[name][moved].tolist() for part in (before, after) for name in ("counted", "bucket")]
    return list(zip(*columns, strict=True))


def recounted(values: Values | UnsetType, moved: Sequence[tuple[int, int, int, int]]) -> Values | UnsetType:
    """The histograms after some moves (`moves`); classes, and buckets in each, in order. Unset: nobody is counted."""
    if not moved:
        return values
    found: Values = {} if isinstance(values, UnsetType) else {name: dict(counts) for name, counts in values.items()}
    for old_class, old, new_class, new in moved:
        for number, bucket, change in ((old_class, old, -1), (new_class, new, 1)):
            if bucket:
                counts = found.setdefault(CLASSES[number], {})
                counts[bucket - 1] = counts.get(bucket - 1, 0) + change
    kept = {
        name: {bucket: counts[bucket] for bucket in sorted(counts) if counts[bucket]} for name, counts in found.items()
    }
    return {name: kept[name] for name in sorted(kept) if kept[name]} or UNSET  # wherever commits cut the line


def with_values(
    pulse: Pulse | None, state: ShardState, policy: PolicyInForce, boundary: int, quiet: bool
) -> Pulse | None:
    """A pulse that says what customers are worth, too; the same where the policy does not ask for values.

    Args:
        pulse: of the budgets; None: the policy has none.
        state: of the shard, after the piece that ends at the boundary.
        policy: in force.
        boundary: log time, ms.
        quiet: what was decided so far is history.
    """
    rules = policy.policy.value
    if rules is None:
        return pulse
    if pulse is None:
        lineage = lineage_name(state.lineage)
        pulse = Pulse(state.partition, boundary, policy.number, policy.sha256, state.version, lineage, quiet)
    values = {} if isinstance(state.values, UnsetType) else state.values
    counts = {name: tuple(counts.items()) for name, counts in values.items()}
    return replace(pulse, shares=policy.shares, fewest=rules.fewest, values=counts)
