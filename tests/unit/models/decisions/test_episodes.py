"""Bands and episodes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from models.customer.bands import Band, Change
from models.customer.layout import EPISODE, REARMED, RISK
from models.customer.record import Record
from models.settings import EngineSettings
from tests.support.one import assess, close

SETTINGS = EngineSettings(enter=0.8, exit=0.65)
estimates = st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=40)


@given(estimates)
def test_an_episode_opens_at_enter_closes_below_exit_and_nowhere_between(estimates: list[tuple[float, bool]]) -> None:
    record, open_ = Record(b"c"), False
    for now, (probability, may_open) in enumerate(estimates, start=1):
        change = assess(record, SETTINGS, probability, now, may_open)
        expected = Change.NONE
        if open_ and probability < SETTINGS.exit:
            expected = Change.CLOSED
        elif not open_ and probability >= SETTINGS.enter and may_open:
            expected = Change.OPENED
        assert change == expected
        open_ = (open_ and change != Change.CLOSED) or change == Change.OPENED
        assert open_ == (record.band == Band.AT_RISK) == bool(record.times[EPISODE])
        if change == Change.OPENED:
            assert record.times[EPISODE] == now
        if not open_:
            assert record.band == (Band.SAFE if probability < SETTINGS.exit else Band.WATCH)


@given(st.lists(st.floats(0.65, 0.8), max_size=40), st.booleans())
def test_a_risk_that_trembles_between_the_thresholds_changes_nothing(tremble: list[float], open_: bool) -> None:
    record = Record(b"c")
    assess(record, SETTINGS, 0.9 if open_ else 0.1, 1, may_open=True)
    for now, probability in enumerate(tremble, start=2):
        if probability < SETTINGS.enter:
            assert assess(record, SETTINGS, probability, now, may_open=True) == Change.NONE
    assert (record.band == Band.AT_RISK) == open_


def test_a_late_touchpoint_never_opens_an_episode_but_may_close_one() -> None:
    record = Record(b"c")
    assert assess(record, SETTINGS, 0.99, 1, may_open=False) == Change.NONE
    assert record.band == Band.WATCH
    assert assess(record, SETTINGS, 0.99, 2, may_open=True) == Change.OPENED
    assert assess(record, SETTINGS, 0.1, 3, may_open=False) == Change.CLOSED


def test_the_record_keeps_the_latest_estimate() -> None:
    record = Record(b"c")
    assess(record, SETTINGS, 0.5, 1, may_open=True)
    assert record.numbers[RISK] == 0.5


def test_closing_leaves_nothing_of_the_episode() -> None:
    record = Record(b"c")
    assess(record, SETTINGS, 0.9, 7, may_open=True)
    record.tail.opener, record.tail.trigger, record.tail.step = "x", b"y", 3
    record.flags |= REARMED
    close(record, Band.LAPSED)
    blank = Record(b"c")
    blank.band, blank.numbers[RISK] = Band.LAPSED, record.numbers[RISK]
    assert record.pack() == blank.pack()
