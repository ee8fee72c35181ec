"""A touchpoint counts in the loyalty loop, in compiled code: `models.loyalty.loop` for one lane.

What it does is what `models.loyalty.loop.weigh`, `note_sign` and `looked_at` do, one after the other, and then storing.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from models.customer.layout import EPISODE, LAST_PURCHASE, LEFT, PURCHASE_DAYS
from models.customer.moments import LAST
from models.engine.arrivals import Arrivals
from models.engine.compiled_rules import SIGN
from models.engine.customer_steps import report
from models.engine.lanes import Effect
from models.loyalty.loop import LEVEL_STAGE, MOST, PARTS, STAGE_BITS, STAGE_MASK, STAGES
from models.numerics.compiled import compiled
from models.numerics.maths import exp2
from models.settings import SECOND

_STAGED: Final = int(Effect.STAGED)
_PROSPECT, _NEW, _ACTIVE, _ADVOCATE, _SLIPPING, _LAPSED, _WON_BACK = range(1, len(STAGES) + 1)
_LAST: Final = LAST
_LEVEL_STAGE: Final = np.frombuffer(LEVEL_STAGE, dtype=np.uint8)


@compiled
def count_in_loop(
    record: Any, lane: Any, index: int, arrivals: Arrivals, rules: Any, estimate: float, effects: Any, n: int
) -> int:
    """Let the touchpoint of this step count; a stage that is another one now is reported. Returns how many effects are
    written. The record is as after the step."""
    row, now, last_sign = lane.row, lane.now, int(record.times[LAST_PURCHASE])
    at, sign, back = lane.loop_at * SECOND, lane.loop_sign * SECOND, lane.loop_back * SECOND
    slipped, level, weight = lane.loop_slipped * SECOND, np.float64(lane.loop_index), arrivals.felt[row]
    time = min(_second(arrivals.times[row]) * SECOND, now)
    if weight != 0.0:
        found = level / PARTS
        if time >= at:
            found = found * exp2(-np.float64(time - at) / rules.half_life) + weight if at else weight
            at = time
        else:
            found += weight * exp2(-np.float64(at - time) / rules.half_life)
        level = np.rint(min(max(found, -MOST), MOST) * PARTS)
    if rules.signs[arrivals.kinds[row]] == SIGN and time >= sign:
        if (sign and time - sign > rules.lapses_after) or 0 < slipped <= time:
            back = time
        slipped = 0
    sign = max(sign, last_sign // SECOND * SECOND)
    faded = np.rint(level * exp2(-np.float64(max(now - at, 0)) / rules.half_life)) if at else np.float64(0.0)
    stage = _stage(record, lane, rules, last_sign, back, faded, now)
    if slipped == 0 and stage in (_SLIPPING, _LAPSED):
        slipped = now // SECOND * SECOND
    kept = np.int64(lane.loop_stage)
    former, before = kept & STAGE_MASK, kept >> STAGE_BITS
    if not rules.by_stage or stage not in (_SLIPPING, _LAPSED):
        before = np.int64(0)
    elif former not in (_SLIPPING, _LAPSED):
        before = former
    lane.loop_index, lane.loop_at, lane.loop_sign = int(level), _second(at), _second(sign)
    lane.loop_back, lane.loop_slipped = _second(back), _second(slipped)
    lane.loop_stage = stage | before << STAGE_BITS
    if rules.by_stage:
        lane.level_stage = _LEVEL_STAGE[lane.loop_stage]
    if stage == former:
        return n
    n = report(effects, n, lane, index, _STAGED, estimate, 0)
    effects[n - 1].flag = stage | former << 4
    effects[n - 1].money[0] = faded / PARTS + 0.0 if at else np.nan  # no zero with a sign
    effects[n - 1].money[1] = _praised(lane)
    effects[n - 1].money[2] = lane.loop_blame
    return n


@compiled
def _stage(record: Any, lane: Any, rules: Any, last_sign: int, back: int, faded: float, now: int) -> int:
    """As `models.loyalty.loop.stage_of`, by its number. faded: the index now, in `PARTS`."""
    if last_sign == 0:
        return _PROSPECT
    if record.flags & LEFT or now - last_sign > rules.lapses_after:
        return _LAPSED
    if record.times[EPISODE] != 0.0:
        return _SLIPPING
    if back and now < back + rules.won_back_for:
        return _WON_BACK
    often = _praised(lane) >= rules.advocate_from
    if often and now < lane.loop_spoke * SECOND + rules.advocate_for and faded >= 0.0:
        return _ADVOCATE
    return _NEW if record.numbers[PURCHASE_DAYS] < rules.active_from else _ACTIVE


@compiled
def _praised(lane: Any) -> int:
    praised = 0
    for way in range(lane.loop_praise.shape[0]):
        praised += lane.loop_praise[way]
    return praised


@compiled
def _second(ms: int) -> int:
    """As `models.customer.moments.second_of`."""
    return min(max(ms // SECOND, 1), _LAST) if ms else 0
