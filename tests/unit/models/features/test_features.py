"""What a touchpoint changes in behaviour: against direct computation, in any order, in any batch."""

from __future__ import annotations

from math import isnan, log, log1p
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.customer.layout import (
    AMOUNT_EWMA,
    AMOUNT_SUM,
    BACK,
    BASKETS_EWMA,
    COMPLAINTS,
    DAY_AMOUNT,
    DAY_BASKETS,
    DAY_QUANTITY,
    FIRST_PURCHASE,
    FIRST_TOUCH,
    GAP_EWMA,
    GAP_LOG_SQUARES,
    GAP_LOG_SUM,
    GAP_MAX,
    HALF_LIVES_PURCHASE,
    HALF_LIVES_TOUCH,
    LAST_PURCHASE,
    NEWEST,
    PENDING_CHURNED,
    PENDING_RETURNED,
    PRESENCE,
    PURCHASE_DAYS,
    PURCHASE_DECAYS,
    QUANTITY_EWMA,
    RATING_EWMA,
    RETURNED,
    SENTIMENT_EWMA,
    SPENT,
    STAYED,
    TOUCH_DECAYS,
    VISITS,
)
from models.customer.record import Record
from models.customer.schedule import tick_number
from models.engine.compiled_rules import rules_of
from models.features import COLUMNS, FEATURES, features_of
from models.features.columns import MEANS
from models.settings import DAY, HOUR, MINUTE, SECOND, EngineSettings
from models.touchpoints import Touch, read
from models.touchpoints.limits import MAX_AMOUNT, MAX_QUANTITY
from tests.support.logs import DATA, START, Data, touchpoint
from tests.support.one import basis_of, update

HORIZON = 28 * DAY
SETTINGS = EngineSettings(horizon=HORIZON, phase="aligned", anchor=START, lateness=0)
NO_MEANS = np.zeros(MEANS)
ORDERED = (GAP_LOG_SUM, GAP_LOG_SQUARES, GAP_MAX, GAP_EWMA, DAY_AMOUNT, DAY_QUANTITY, DAY_BASKETS)
EWMAS = (AMOUNT_EWMA, QUANTITY_EWMA, BASKETS_EWMA, RATING_EWMA, SENTIMENT_EWMA)
DECAYS = range(PURCHASE_DECAYS, TOUCH_DECAYS + len(HALF_LIVES_TOUCH))


def touch(kind: str, day: float, data: Data | None = None) -> Touch:
    time = START + int(day * DAY)
    outcome = read(touchpoint(kind, "c", time, data), None, time)
    assert isinstance(outcome, Touch)
    return outcome


def bought(day: float, amount: float = 10.0, quantity: float = 1.0) -> Touch:
    return touch("purchase", day, {"amount": amount, "quantity": quantity})


def after(*touches: Touch, late: bool = False) -> Record:
    record = Record(b"c")
    for one in touches:
        update(record, one, SETTINGS, late)
    return record


def at(day: float) -> int:
    return START + int(day * DAY)


def column(record: Record, name: str, day: float) -> float:
    return basis_of(record, at(day))[COLUMNS.index(name)]


@st.composite
def histories(draw: st.DrawFn) -> list[Touch]:
    """Purchases on different days, and other touchpoints at any time."""
    days = draw(st.lists(st.integers(0, 300), min_size=1, max_size=12, unique=True))
    hours = draw(st.lists(st.floats(0, 0.99), min_size=len(days), max_size=len(days)))
    amounts = draw(st.lists(st.floats(0, 1e4), min_size=len(days), max_size=len(days)))
    made = [bought(day + hour, amount) for day, hour, amount in zip(days, hours, amounts, strict=True)]
    kinds = sorted(set(DATA) - {"purchase", "expired_unsent"})
    for kind, day in draw(st.lists(st.tuples(st.sampled_from(kinds), st.floats(0, 300)), max_size=12)):
        made.append(touch(kind, day, DATA[kind](Random(len(made)))))
    return made


@given(histories(), st.randoms(use_true_random=False))
def test_counts_sums_firsts_and_lasts_do_not_depend_on_order(history: list[Touch], random: Random) -> None:
    one = after(*history)
    random.shuffle(history)
    other = after(*history)
    assert list(one.seconds) == list(other.seconds)
    for time in (NEWEST, LAST_PURCHASE):
        assert one.times[time] == other.times[time]
    assert one.numbers[PURCHASE_DAYS] == other.numbers[PURCHASE_DAYS]
    for number in (SPENT, RETURNED, *DECAYS):
        assert one.numbers[number] == pytest.approx(other.numbers[number], rel=1e-4, abs=1e-30)
    sums = [record.numbers[AMOUNT_SUM] + log1p(record.numbers[DAY_AMOUNT]) for record in (one, other)]
    assert sums[0] == pytest.approx(sums[1], rel=1e-4)


@given(histories())
def test_an_older_purchase_enters_only_counts_and_sums(history: list[Touch]) -> None:
    record = after(*history)
    before = list(record.numbers)
    older = bought(-20, 50.0)
    update(record, older, SETTINGS, late=True)
    for number in (*ORDERED, *EWMAS):
        assert record.numbers[number] == before[number]
    assert record.numbers[PURCHASE_DAYS] == before[PURCHASE_DAYS] + 1
    assert record.numbers[SPENT] == pytest.approx(before[SPENT] + 50.0, rel=1e-6)
    assert record.seconds[FIRST_PURCHASE] == record.seconds[FIRST_TOUCH] == older.time // SECOND
    assert record.times[LAST_PURCHASE] > older.time


def test_baskets_of_one_day_are_one_purchase_day() -> None:
    record = after(bought(0.1, 10, 2), bought(0.5, 20, 3), bought(0.3, 30, 4))
    assert record.numbers[PURCHASE_DAYS] == 1
    assert record.numbers[DAY_BASKETS] == 3
    assert record.numbers[DAY_AMOUNT] == record.numbers[SPENT] == 60
    assert record.numbers[DAY_QUANTITY] == 9
    assert record.numbers[PURCHASE_DECAYS] == pytest.approx(1, rel=0.05)
    assert record.times[LAST_PURCHASE] == at(0.5)
    update(record, bought(1.0), SETTINGS, late=False)
    assert record.numbers[AMOUNT_EWMA] == record.numbers[AMOUNT_SUM] == pytest.approx(log1p(60))
    assert record.numbers[BASKETS_EWMA] == pytest.approx(log(3))
    assert record.numbers[DAY_BASKETS] == 1


def test_the_day_begins_at_midnight_utc() -> None:
    just_before, midnight = 1 - MINUTE / DAY, 1.0
    assert after(bought(just_before), bought(midnight)).numbers[PURCHASE_DAYS] == 2
    assert after(bought(midnight), bought(2 - MINUTE / DAY)).numbers[PURCHASE_DAYS] == 1


@pytest.mark.parametrize(("place", "half_life"), list(enumerate(HALF_LIVES_PURCHASE)))
def test_a_purchase_counts_half_after_the_half_life(place: int, half_life: float) -> None:
    record = after(bought(0))
    assert basis_of(record, at(0))[COLUMNS.index("purchases_14") + place] == 1.0
    assert basis_of(record, at(half_life))[COLUMNS.index("purchases_14") + place] == 0.5
    update(record, touch("search", half_life, {"query": "x"}), SETTINGS, late=False)
    assert record.numbers[PURCHASE_DECAYS + place] == 0.5
    assert basis_of(record, at(2 * half_life))[COLUMNS.index("purchases_14") + place] == 0.25


def test_a_counted_touchpoint_counts_half_after_its_half_life() -> None:
    half_life = HALF_LIVES_TOUCH[VISITS]
    record = after(touch("visit", 0), touch("complaint", half_life, {"case_id": "1"}))
    assert (record.numbers[TOUCH_DECAYS + VISITS], record.numbers[TOUCH_DECAYS + COMPLAINTS]) == (0.5, 1.0)
    late_visit = after(touch("complaint", half_life, {"case_id": "1"}), touch("visit", 0), late=True)
    assert late_visit.numbers[TOUCH_DECAYS + VISITS] == 0.5


def test_of_presence_only_coming_online_counts() -> None:
    went = [touch("presence", 0, {"state": state, "channel": "web"}) for state in ("online", "offline")]
    assert after(*went).numbers[TOUCH_DECAYS + PRESENCE] == 1.0


@given(histories(), st.lists(st.floats(0, 100), max_size=5))
def test_ticks_do_not_re_base_what_decays(history: list[Touch], ticks: list[float]) -> None:
    record = after(*history)
    stored = record.pack()
    end = basis_of(record, at(500))
    for tick in ticks:
        basis_of(record, at(300 + tick))
    assert basis_of(record, at(500)) == end
    assert record.pack() == stored


@given(st.lists(st.integers(1, 200), min_size=1, max_size=20), st.lists(st.floats(0, 1e5), min_size=21, max_size=21))
def test_gap_and_amount_statistics_equal_direct_computation(gaps: list[int], amounts: list[float]) -> None:
    days = [0, *np.cumsum(gaps).tolist()]
    record = after(*(bought(day + 0.3, amount) for day, amount in zip(days, amounts, strict=False)))
    logs = [log(gap) for gap in gaps]
    assert record.numbers[GAP_MAX] == max(gaps)
    assert record.numbers[GAP_LOG_SUM] == pytest.approx(sum(logs), rel=1e-5)
    assert record.numbers[GAP_LOG_SQUARES] == pytest.approx(sum(x * x for x in logs), rel=1e-5)
    mean = 0.0
    for number, x in enumerate(logs, start=1):
        mean += max(0.2, 1 / number) * (x - mean)
    assert record.numbers[GAP_EWMA] == pytest.approx(mean, rel=1e-5, abs=1e-6)
    amount = 0.0
    for number, x in enumerate(map(log1p, amounts[: len(days)]), start=1):
        amount += max(0.2, 1 / number) * (x - amount)
    last = days[-1] + 0.3
    assert column(record, "amount_ewma", last) == pytest.approx(amount, rel=1e-4, abs=1e-5)
    assert column(record, "amount_mean", last) == pytest.approx(
        sum(map(log1p, amounts[: len(days)])) / len(days), rel=1e-4
    )
    # Counted from the purchase day's midnight.
    assert column(record, "recency_days", last + 2) == pytest.approx(2.3)
    assert column(record, "tenure_days", last + 2) == pytest.approx(last + 2, rel=1e-6)


def test_ratings_and_sentiment_are_averaged_and_a_neutral_one_is_not_a_missing_one() -> None:
    record = after(touch("review", 0, {"rating": 5}), touch("mention", 1), touch("mention", 2, {"sentiment": 0.0}))
    assert record.numbers[RATING_EWMA] == 5
    assert record.sentiments == 2
    assert record.numbers[SENTIMENT_EWMA] == 0.5


def test_a_late_touchpoint_is_counted_and_changes_no_average() -> None:
    record = after(touch("review", 5, {"rating": 5, "sentiment": 1.0}))
    update(record, touch("review", 4, {"rating": 1, "sentiment": -1.0}), SETTINGS, late=True)
    assert (record.numbers[RATING_EWMA], record.numbers[SENTIMENT_EWMA]) == (5, 1)
    update(record, touch("visit", 4), SETTINGS, late=True)
    assert record.numbers[TOUCH_DECAYS + VISITS] == pytest.approx(2 ** (-1 / HALF_LIVES_TOUCH[VISITS]))


def test_open_cases_are_part_of_the_basis() -> None:
    record = after(bought(0))
    record.open_cases = 2
    update(record, touch("visit", 1), SETTINGS, late=False)
    assert record.open_cases == column(record, "open_cases", 1) == 2


WINDOW = 2


@pytest.mark.parametrize(
    ("sort", "flag", "window"), [(PENDING_CHURNED, STAYED, HORIZON), (PENDING_RETURNED, BACK, SETTINGS.tick)]
)
@pytest.mark.parametrize(
    ("time", "counts"),
    [(-1, False), (0, True), (WINDOW - 1, True), (WINDOW, False)],
)
def test_a_purchase_answers_the_open_snapshot_if_it_happened_within_its_window(
    sort: int, flag: int, window: int, time: int, counts: bool
) -> None:
    record = after(bought(-3))
    time = time % WINDOW + window * (time // WINDOW)
    record.pending_ticks[sort] = tick_number(rules_of(SETTINGS), 0, START)
    one = bought((time + 0.5) / DAY if time >= 0 else time / DAY)
    assert one.time == START + time
    update(record, one, SETTINGS, late=time < 0)
    assert bool(record.flags & flag) == counts


@st.composite
def extreme_records(draw: st.DrawFn) -> tuple[Record, int]:
    record = Record(b"c")
    day = 0.0
    update(record, bought(0, draw(st.sampled_from([0.0, 1e-9, 10.0, MAX_AMOUNT]))), SETTINGS, late=False)
    for _ in range(draw(st.integers(0, 15))):
        day += draw(st.sampled_from([0.0, 1 / DAY, 0.5, 30.0, 4000.0]))
        kind = draw(st.sampled_from(["purchase", "visit", "chat", "case_opened", "nps", "return"]))
        data = DATA[kind](Random(1))
        if "amount" in data:
            data["amount"] = draw(st.sampled_from([0.0, 1e-9, 10.0, MAX_AMOUNT]))
        if kind == "purchase":
            data["quantity"] = draw(st.sampled_from([0.0, 1.0, MAX_QUANTITY]))
        back = draw(st.sampled_from([0.0, 0.0, 1.0, 400.0]))
        update(record, touch(kind, max(day - back, 0.0), data), SETTINGS, late=back > 0)
    return record, at(day + draw(st.sampled_from([0.0, 1.0, 7.0, 10_000.0])))


@given(extreme_records())
def test_features_are_finite_for_whatever_customers_do(made: tuple[Record, int]) -> None:
    record, now = made
    basis = basis_of(record, now)
    assert np.isfinite(np.array(basis)).all()
    columns = features_of(np.array([basis], dtype=np.float32), NO_MEANS)
    assert columns.shape == (1, len(FEATURES))
    for name, values in zip(FEATURES, columns.T, strict=True):
        assert np.isfinite(values).all(), name
        assert np.abs(values).max() < 100, name


def test_the_bits_of_a_row_do_not_depend_on_the_batch() -> None:
    random = np.random.default_rng(3)
    bases = random.lognormal(1, 2, size=(1_000, len(COLUMNS))).astype(np.float32)
    bases[:, COLUMNS.index("purchase_days")] = random.integers(1, 50, 1_000)
    together = features_of(bases, NO_MEANS)
    for size in (1, 7, 333):
        for first in range(0, 1_000, size):
            assert (
                together[first : first + size].tobytes() == features_of(bases[first : first + size], NO_MEANS).tobytes()
            )


def test_a_touchpoint_without_sentiment_says_nothing_about_it() -> None:
    assert touch("visit", 0).sentiment != touch("visit", 0).sentiment  # nan
    assert not any(isnan(number) for number in after(touch("visit", 0)).numbers)
    assert after(touch("visit", 0)).sentiments == 0


def test_time_between_touchpoints_of_an_hour_hardly_decays() -> None:
    record = after(bought(0), touch("visit", HOUR / DAY))
    assert record.numbers[PURCHASE_DECAYS] == pytest.approx(2 ** (-1 / 24 / 14), rel=1e-6)
