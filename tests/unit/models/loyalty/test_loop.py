"""The loyalty loop: an index that is bounded, fades, and minds losses more; stages that follow from what is known."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.loyalty.experiences import EXPERIENCES, VOICES, Mood, mood_of
from models.loyalty.loop import (
    MOST,
    MOST_COUNTED,
    PARTS,
    STAGES,
    VOICED,
    Facts,
    Loop,
    LoopRules,
    index_at,
    looked_at,
    note_sign,
    note_voice,
    pack_loop,
    stage_of,
    unpack_loop,
    weigh,
)
from models.settings import DAY, SECOND
from models.touchpoints.kinds import Kind

NOW = 1_700_000_000_000
HALF_LIFE = 90 * DAY
RULES = LoopRules(
    HALF_LIFE, 2.0, {int(kind): one.weight for kind, one in EXPERIENCES.items()}, 2, 2, 365 * DAY, 0, 90 * DAY
)
SILENCE = 180 * DAY
ACTIVE = Facts(5, NOW - 10 * DAY, False, False, SILENCE)

times = st.integers(NOW - 700 * DAY, NOW).map(lambda time: time // SECOND * SECOND)
felt = st.lists(st.tuples(st.sampled_from(sorted(RULES.weights)), times, st.floats(-1, 1)), max_size=40)


def of(*experiences: tuple[int, int, float], rules: LoopRules = RULES) -> Loop:
    loop = Loop()
    for kind, time, value in experiences:
        weigh(loop, rules, kind, time, value)
    return loop


def known(loop: Loop, now: int = NOW) -> float:
    found = index_at(loop, RULES, now)
    assert found is not None
    return found


@given(felt)
def test_the_index_is_bounded_whatever_happens(experiences: list[tuple[int, int, float]]) -> None:
    loop = Loop()
    for kind, time, value in experiences:
        weigh(loop, RULES, kind, time, value)
        assert abs(loop.index) <= MOST * PARTS
        assert abs(index_at(loop, RULES, NOW) or 0.0) <= MOST


@given(felt)
def test_it_fades_and_never_changes_its_sign_by_itself(experiences: list[tuple[int, int, float]]) -> None:
    loop = of(*experiences)
    course = [index_at(loop, RULES, NOW + n * 30 * DAY) or 0.0 for n in range(10)]
    assert all(abs(later) <= abs(sooner) for sooner, later in pairwise(course))
    assert all(one * course[0] >= 0.0 for one in course)


def test_half_of_it_is_left_after_a_half_life() -> None:
    loop = of((Kind.REVIEW, NOW, 1.0))
    assert [known(loop, NOW + n * HALF_LIFE) for n in range(3)] == [10.0, 5.0, 2.5]


@given(st.sampled_from(sorted(RULES.weights)), st.floats(0.01, 1))
def test_a_bad_experience_weighs_twice_what_a_good_one_of_its_size_does(kind: int, size: float) -> None:
    good, bad = of((kind, NOW, size)), of((kind, NOW, -size))
    assert bad.index == pytest.approx(-2 * good.index, abs=2)
    assert of((kind, NOW, size), (kind, NOW, -size)).index < 0


@given(felt.filter(lambda many: len(many) < 5))
def test_what_comes_late_counts_as_if_it_had_come_in_time(experiences: list[tuple[int, int, float]]) -> None:
    small = RULES._replace(weights=dict.fromkeys(RULES.weights, 1.0))
    in_order = of(*sorted(experiences, key=lambda one: one[1]), rules=small)
    turned = of(*sorted(experiences, key=lambda one: -one[1]), rules=small)
    assert turned.index == pytest.approx(in_order.index, abs=5)
    assert turned.at == in_order.at


def test_one_below_zero_fades_to_zero_and_holds_no_advocate_back_for_ever() -> None:
    sore = of((Kind.COMPLAINT, NOW, -0.25), (Kind.NPS, NOW, 1.0), (Kind.CSAT, NOW, -0.25))
    sore.praise, sore.spoke = [2, 0, 0, 0, 0], NOW
    at = [NOW + half_lives * HALF_LIFE for half_lives in (0, 12, 17)]
    assert [str(index_at(sore, RULES, now)) for now in at] == ["-5.0", "-0.0012", "0.0"]
    for_long = RULES._replace(advocate_for=10_000 * DAY)
    facts = [ACTIVE._replace(last_sign=now) for now in at]
    assert [stage_of(sore, known, for_long, now) for known, now in zip(facts, at, strict=True)] == [
        "active",
        "active",
        "advocate",
    ]


def test_what_weighs_nothing_leaves_no_index() -> None:
    loop = of((Kind.VISIT, NOW, 1.0), (Kind.NPS, NOW, 0.0))
    assert index_at(loop, RULES, NOW) is None


def test_stages_as_docs_loyalty_tells_them() -> None:
    def stage(loop: Loop = Loop(), days: float = 0, **facts: object) -> str:  # noqa: B008 (it is not changed)
        return stage_of(loop, ACTIVE._replace(**facts), RULES, NOW + int(days * DAY))

    praised = Loop(praise=[1, 1, 0, 0, 0], spoke=NOW)
    assert stage(last_sign=0) == "prospect"
    assert stage_of(Loop(), ACTIVE._replace(days=1), RULES, NOW) == "new"
    assert stage() == "active"
    assert stage(praised) == "advocate"
    assert stage(Loop(praise=[1, 0, 0, 0, 0], spoke=NOW)) == "active"
    assert stage(Loop(praise=[1, 1, 0, 0, 0], spoke=NOW - 366 * DAY)) == "active"
    assert stage(Loop(praise=[1, 1, 0, 0, 0], spoke=NOW, index=-1, at=NOW)) == "active"
    assert stage(praised, at_risk=True) == "slipping"
    assert stage(praised, left=True) == "lapsed"
    assert stage(praised, at_risk=True, last_sign=NOW - SILENCE - 1) == "lapsed"
    assert stage(Loop(back=NOW)) == "won_back"
    assert stage(Loop(back=NOW), days=90) == "active"


def test_who_slipped_or_lapsed_and_buys_is_won_back() -> None:
    for facts in (ACTIVE._replace(at_risk=True), ACTIVE._replace(left=True)):
        loop = Loop()
        looked_at(loop, facts, RULES, NOW)
        looked_at(loop, ACTIVE, RULES, NOW + DAY)  # a tick at which the risk has fallen: they have not bought
        assert loop.back == 0
        bought = NOW + 2 * DAY
        note_sign(loop, ACTIVE._replace(last_sign=bought), RULES, bought)
        assert looked_at(loop, ACTIVE._replace(last_sign=bought), RULES, bought) == "won_back"
        note_sign(loop, ACTIVE, RULES, bought + 100 * DAY)
        assert loop.back == bought


def test_a_silence_that_nobody_looked_at_is_one_too_and_a_late_purchase_wins_nobody_back() -> None:
    loop = Loop(sign=NOW)
    note_sign(loop, ACTIVE, RULES, NOW - DAY)
    assert not loop.back
    note_sign(loop, ACTIVE, RULES, NOW + SILENCE + SECOND)
    assert loop.back == NOW + SILENCE + SECOND


def test_a_purchase_from_before_they_were_seen_slipping_wins_nobody_back_and_says_that_they_had_not_slipped() -> None:
    loop, seen = Loop(sign=NOW - 30 * DAY), NOW // SECOND * SECOND
    looked_at(loop, ACTIVE._replace(at_risk=True), RULES, NOW)
    assert loop.slipped == seen
    note_sign(loop, ACTIVE, RULES, seen - DAY)
    assert (loop.back, loop.slipped) == (0, 0)
    looked_at(loop, ACTIVE._replace(at_risk=True), RULES, NOW)
    looked_at(loop, ACTIVE._replace(at_risk=True), RULES, NOW + DAY)
    note_sign(loop, ACTIVE, RULES, seen)
    assert (loop.back, loop.slipped) == (seen, 0)


def test_voices_are_counted_up_to_what_the_record_holds() -> None:
    loop = Loop(praise=[MOST_COUNTED] * VOICED, blame=MOST_COUNTED)
    note_voice(loop, 0, good=True, time=NOW)
    note_voice(loop, 0, good=False, time=NOW)
    assert unpack_loop(pack_loop(loop)) == loop
    assert len(VOICES) == VOICED


@given(felt, st.sampled_from(range(len(STAGES) + 1)), st.booleans())
def test_what_is_stored_comes_back(experiences: list[tuple[int, int, float]], stage: int, slipped: bool) -> None:
    loop = of(*experiences)
    second = NOW - NOW % SECOND
    loop.stage, loop.slipped, loop.back, loop.sign = stage, second * slipped, second, second - DAY
    assert unpack_loop(pack_loop(loop)) == loop
    assert len(pack_loop(loop)) == 37


def test_moods() -> None:
    assert [mood_of(one) for one in (1.0, -0.05, 0.049, None)] == [Mood.GOOD, Mood.BAD, Mood.NEUTRAL, Mood.UNKNOWN]
