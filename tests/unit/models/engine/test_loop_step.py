"""What compiled code does of the loyalty loop, held against the plain functions, bit by bit."""

from __future__ import annotations

from math import isnan
from typing import Any

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from models.customer.layout import EPISODE, LAST_PURCHASE, LEFT, PURCHASE_DAYS, SLAB
from models.customer.moments import whole
from models.engine.arrivals import Arrivals
from models.engine.compiled_rules import RULES, SIGN
from models.engine.lanes import EFFECT, LANE, Effect, loops_of
from models.engine.loop_step import count_in_loop
from models.loyalty.loop import (
    MOST,
    PARTS,
    STAGES,
    Facts,
    Loop,
    LoopRules,
    index_at,
    level_stage_in,
    looked_at,
    note_sign,
    pack_loop,
    unpack_loop,
    weigh,
    weighed,
)
from models.settings import DAY, SECOND
from models.touchpoints.kinds import Kind

START, SILENCE = 1_700_000_000_000, 56 * DAY
KIND = int(Kind.PURCHASE)
moments = st.integers(-100 * DAY, 100 * DAY).map(lambda ms: START + ms)
stored = moments.map(whole) | st.just(0)
loops = st.builds(
    Loop,
    st.integers(int(-MOST * PARTS), int(MOST * PARTS)),
    stored,
    stored,
    stored,
    stored,
    stored,
    st.integers(0, len(STAGES)),
    st.lists(st.integers(0, 3), min_size=5, max_size=5),
    st.integers(0, 9),
    st.integers(0, len(STAGES)),
)
rules = st.builds(
    LoopRules,
    st.integers(SECOND, 400 * DAY),
    st.floats(1.0, 5.0),
    st.sampled_from([{}, {KIND: 2.0}, {KIND: 100.0}]),
    st.integers(0, 5),
    st.integers(1, 5),
    st.integers(0, 100 * DAY),
    st.just(0) | st.integers(1, 100 * DAY),
    st.integers(0, 100 * DAY),
    st.booleans(),
)
facts = st.builds(
    Facts, st.integers(0, 9), moments | st.just(0), st.booleans(), st.booleans(), silence=st.just(SILENCE)
)


def one_of(dtype: np.dtype[Any]) -> Any:
    return np.zeros(1, dtype=dtype)


def compiled(loop: Loop, rules: LoopRules, facts: Facts, stays: bool, felt: float, time: int, now: int) -> Any:
    """The lane's bytes after it, and the effect; None: none was reported."""
    lanes, records, effects, read = one_of(LANE), one_of(SLAB), one_of(EFFECT), one_of(RULES)
    loops_of(lanes)[0] = np.void(pack_loop(loop))
    lanes["now"] = now
    records["times"][0, [LAST_PURCHASE, EPISODE]] = facts.last_sign, facts.at_risk
    records["numbers"][0, PURCHASE_DAYS], records["flags"] = facts.days, LEFT if facts.left else 0
    for name in ("half_life", "won_back_for", "advocate_for", "advocate_from", "active_from"):
        read[name] = getattr(rules, name)
    read["lapses_after"] = rules.lapses_after or facts.silence
    read["by_stage"] = rules.keeps_before
    read["signs"][0, KIND] = SIGN if stays else 0
    column = {field: np.zeros(1) for field in Arrivals._fields}
    column |= {"kinds": np.array([KIND], dtype=np.uint8), "times": np.array([time]), "felt": np.array([felt])}
    written = count_in_loop(records[0], lanes[0], 0, Arrivals(**column), read[0], np.nan, effects, 0)
    stored = loops_of(lanes)[0].tobytes()
    assert lanes["level_stage"][0] == (level_stage_in(stored) if rules.keeps_before else 0)
    return stored, effects[0] if written else None


@settings(max_examples=400, deadline=None)
@given(loops, rules, facts, st.booleans(), st.floats(-1.0, 1.0), moments, moments)
@example(
    Loop(),
    LoopRules(DAY, 2.0, {KIND: 2.0}, 3, 2, DAY, 0, DAY),
    Facts(0, 0, False, False, SILENCE),
    False,
    1.0,
    START,
    START,
)
@example(
    Loop(-1, whole(START - 2 * DAY)),
    LoopRules(DAY, 2.0, {}, 3, 2, DAY, 0, DAY),
    Facts(1, START, False, False, SILENCE),
    True,
    1.0,
    START,
    START,
)
def test_it_does_what_the_plain_functions_do(
    loop: Loop, rules: LoopRules, facts: Facts, stays: bool, value: float, time: int, now: int
) -> None:
    loop = unpack_loop(pack_loop(loop))
    found, effect = compiled(loop, rules, facts, stays, weighed(rules, KIND, value), time, now)
    former, at = loop.stage, min(whole(time), now)
    plain = replace(loop, praise=[*loop.praise])
    weigh(plain, rules, KIND, at, value)
    if stays:
        note_sign(plain, facts, rules, at)
    stage = looked_at(plain, facts, rules, now)
    assert found == pack_loop(plain)
    if plain.stage == former:
        assert effect is None
        return
    assert (effect["what"], effect["flag"]) == (Effect.STAGED, STAGES.index(stage) + 1 | former << 4)
    index, praised, blame = effect["money"].tolist()
    assert repr(None if isnan(index) else index) == repr(index_at(plain, rules, now))  # a zero has no sign
    assert (praised, blame) == (plain.praised, plain.blame)
