"""Spans of the day by the clocks of a zone, through gaps and folds."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.decisions.periods import period_at
from streams.operations.audit.wall_time import next_start, period, within, zone, zones_of


def ms(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * 1000)


@pytest.mark.parametrize(
    ("name", "span", "moment", "inside"),
    [
        # 02:30 does not come on 29 March: the span ends when the clocks go forward
        ("Europe/Berlin", ("00:00", "02:30"), "2026-03-29T00:59:59Z", True),
        ("Europe/Berlin", ("00:00", "02:30"), "2026-03-29T01:00:00Z", False),
        # and one that begins in the gap begins there
        ("Europe/Berlin", ("02:30", "05:00"), "2026-03-29T01:00:00Z", True),
        # 02:30 comes twice on 25 October: the first one counts
        ("Europe/Berlin", ("00:00", "02:30"), "2026-10-25T00:29:59Z", True),
        ("Europe/Berlin", ("00:00", "02:30"), "2026-10-25T01:10:00Z", False),
        ("Europe/Berlin", ("02:30", "05:00"), "2026-10-25T01:10:00Z", True),
        # half an hour of daylight saving: 02:00 to 02:30 is left out on 4 October
        ("Australia/Lord_Howe", ("01:00", "02:15"), "2026-10-03T15:29:59Z", True),
        ("Australia/Lord_Howe", ("01:00", "02:15"), "2026-10-03T15:30:00Z", False),
        ("Asia/Kathmandu", ("21:00", "08:00"), "2026-03-02T15:15:00Z", True),
        ("Asia/Kathmandu", ("21:00", "08:00"), "2026-03-02T15:14:59Z", False),
        ("Asia/Kathmandu", ("21:00", "08:00"), "2026-03-03T02:15:00Z", False),
    ],
)
def test_a_moment_lies_in_a_span(name: str, span: tuple[str, str], moment: str, inside: bool) -> None:
    assert within([span], ms(moment), name) == inside


def test_a_span_across_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    friday_night = ms("2026-03-07T01:00:00Z")  # Saturday, two in the morning
    assert within([("22:00", "04:00")], friday_night, "Europe/Berlin", days=(5,))
    assert not within([("22:00", "04:00")], friday_night, "Europe/Berlin", days=(6,))


def test_the_next_start_is_the_next_days_when_it_has_begun() -> None:
    assert next_start([("21:00", "08:00")], ms("2026-03-28T21:00:00Z"), "Europe/Berlin") == ms("2026-03-29T19:00:00Z")


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "Europe", "zone.tab"])
def test_what_is_no_zone(name: str) -> None:
    assert zone(name) is None


@pytest.mark.parametrize(
    ("stated", "country", "of_policy", "zones"),
    [
        ("Asia/Tokyo", "NL", "Europe/Berlin", ("Asia/Tokyo",)),
        ("Mars/Olympus", "NL", "Europe/Berlin", ("Europe/Amsterdam",)),
        ("", "DE", "America/New_York", ("Europe/Berlin",)),  # Büsingen has the same time
        ("", "PT", "Europe/Madrid", ("Europe/Madrid",)),
        ("", "PT", "", ("Europe/Lisbon", "Atlantic/Azores")),  # Madeira has the time of Lisbon
        ("", "", "", ("UTC",)),
    ],
)
def test_where_a_customer_may_be(stated: str, country: str, of_policy: str, zones: tuple[str, ...]) -> None:
    assert zones_of(stated, country, of_policy) == zones


ZONES = ("", "Europe/Berlin", "America/Sao_Paulo", "America/Havana", "Pacific/Apia", "Asia/Kathmandu", "Asia/Beirut")


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(ZONES), st.sampled_from(("day", "week", "month")), st.integers(10**12, 4 * 10**12))
@example("Pacific/Apia", "day", ms("2011-12-30T12:00:00Z"))
@example("America/Sao_Paulo", "day", ms("2018-11-04T03:00:00Z"))
@example("America/Havana", "day", ms("2026-11-01T04:30:00Z"))
def test_a_period_is_that_of_the_engine(name: str, per: str, now: int) -> None:
    start, end = period(per, now, name)
    assert (start, end) == period_at(per, name or None, now)
    assert start <= now < end
