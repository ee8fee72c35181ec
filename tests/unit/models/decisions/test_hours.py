"""Hours in the customer's own time: quiet hours, allowed hours, and clocks that change."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.customer.tail import Tail
from models.decisions.hours import FARTHEST_DAYS, Opening, opening, zones_of
from models.decisions.person import Person
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.policy.reading import PolicyUnfit
from models.decisions.rules import rules_of
from models.decisions.zones import zone_of
from models.settings import DAY, HOUR, MINUTE, SECOND

HEAD = """
format = 1
{zone}
risk = {{ exit = 0.4, levels = [{{ name = "leaving", at = 0.8 }}] }}
channel = {{ email = {{}}, call = {{}} }}
moment = {{ risk = {{ sort = "risk" }} }}
action = {{ a = {{ kind = "useful", moments = ["risk"], content = "a" }} }}
[contact]
{contact}
"""


@cache
def policy(contact: str = "", zone: str = "") -> PolicyInForce:
    return PolicyInForce.of(1, HEAD.format(contact=contact, zone=f'zone = "{zone}"' if zone else ""))


QUIET = policy('quiet_hours = { start = "21:00", end = "08:00" }')
CALLS = policy(
    'quiet_hours = { start = "21:00", end = "08:00" }\n'
    'hours = [{ channels = ["call"], days = [1, 2, 3, 4, 5], spans = [{ start = "09:00", end = "18:00" }] }]'
)


def ms(local: str, zone: str, fold: int = 0) -> int:
    moment = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return int(moment.timestamp()) * SECOND


def found(
    rules: PolicyInForce, now: int, zone: str = "", purpose: str = "marketing", channel: str = "email", **tail: object
) -> Opening | None:
    return opening(rules, Person(b"c", Tail(time_zone=zone, **tail)), purpose, channel, now)  # type: ignore[arg-type]


def span(rules: PolicyInForce, now: int, zone: str, purpose: str = "marketing", channel: str = "email") -> list[str]:
    """From when until when, as the clock on the wall says."""
    opened = found(rules, now, zone, purpose, channel)
    assert opened is not None
    return [
        datetime.fromtimestamp(at // SECOND, ZoneInfo(zone)).isoformat(timespec="minutes")
        for at in (opened.at, opened.until)
    ]


def test_by_day_it_is_now_until_the_quiet_hours() -> None:
    now = ms("2026-06-01T12:00", "Europe/Berlin")
    assert span(QUIET, now, "Europe/Berlin") == ["2026-06-01T12:00+02:00", "2026-06-01T21:00+02:00"]


def test_at_night_it_is_the_morning() -> None:
    evening, night = ms("2026-06-01T21:00", "Europe/Berlin"), ms("2026-06-02T07:59", "Europe/Berlin")
    for now in (evening, night):
        assert span(QUIET, now, "Europe/Berlin") == ["2026-06-02T08:00+02:00", "2026-06-02T21:00+02:00"]


def test_the_last_moment_of_a_span_is_open_and_the_next_is_not() -> None:
    end = ms("2026-06-01T21:00", "Europe/Berlin")
    assert found(QUIET, end - 1, "Europe/Berlin") == Opening(end - 1, end, "Europe/Berlin, as the customer says")
    opened = found(QUIET, end, "Europe/Berlin")
    assert opened is not None
    assert opened.at == ms("2026-06-02T08:00", "Europe/Berlin")


def test_quiet_hours_bind_marketing_alone() -> None:
    night = ms("2026-06-01T23:00", "Europe/Berlin")
    for purpose in ("legal", "contract", "care"):
        assert found(QUIET, night, "Europe/Berlin", purpose) == Opening(night, 0, "Europe/Berlin, as the customer says")


def test_the_customers_quiet_hours_stand_in_place_of_the_policys() -> None:
    night = ms("2026-06-01T23:00", "Europe/Berlin")
    opened = found(QUIET, night, "Europe/Berlin", quiet=("00:00", "12:00"))
    assert opened is not None
    assert (opened.at, opened.until) == (night, night + HOUR)
    never_quiet = found(QUIET, night, "Europe/Berlin", quiet=("08:00", "08:00"))
    assert never_quiet is not None
    assert never_quiet.until == 0


def test_allowed_hours_bind_all_but_legal_where_a_row_names_them() -> None:
    friday = ms("2026-06-05T18:00", "Europe/Berlin")
    monday = ["2026-06-08T09:00+02:00", "2026-06-08T18:00+02:00"]
    for purpose in ("contract", "care", "marketing"):
        assert span(CALLS, friday, "Europe/Berlin", purpose, "call") == monday
    assert found(CALLS, friday, "Europe/Berlin", "legal", "call") == Opening(
        friday, 0, "Europe/Berlin, as the customer says"
    )
    assert span(CALLS, friday, "Europe/Berlin") == ["2026-06-05T18:00+02:00", "2026-06-05T21:00+02:00"]


def test_a_row_that_says_how_often_alone_leaves_the_hours_as_they_are() -> None:
    also = policy(
        'hours = [{ channels = ["call"], days = [1, 2, 3, 4, 5], spans = [{ start = "09:00", end = "18:00" }] },'
        ' { channels = ["call"], most = 2, within = "30d", rest = "60d" }]'
    )
    evening = ms("2026-06-05T20:00", "Europe/Berlin")
    monday = ["2026-06-08T09:00+02:00", "2026-06-08T18:00+02:00"]
    assert span(also, evening, "Europe/Berlin", "care", "call") == monday
    alone = policy('hours = [{ channels = ["call"], most = 2, within = "30d" }]')
    assert found(alone, evening, "Europe/Berlin", channel="call") == Opening(
        evening, 0, "Europe/Berlin, as the customer says"
    )


def test_a_row_that_names_nobody_binds_marketing() -> None:
    rules = policy('hours = [{ spans = [{ start = "09:00", end = "10:00" }] }]')
    noon = ms("2026-06-05T12:00", "Europe/Berlin")
    assert span(rules, noon, "Europe/Berlin") == ["2026-06-06T09:00+02:00", "2026-06-06T10:00+02:00"]
    care = found(rules, noon, "Europe/Berlin", "care")
    assert care is not None
    assert care.at == noon


def test_rows_of_the_same_are_alternatives_and_rows_of_others_must_all_allow() -> None:
    rules = policy(
        "hours = [\n"
        '{ channels = ["call"], days = [1], spans = [{ start = "09:00", end = "12:00" }] },\n'
        '{ channels = ["call"], days = [6], spans = [{ start = "10:00", end = "14:00" }] },\n'
        '{ countries = ["DE"], spans = [{ start = "11:00", end = "20:00" }] },\n]'
    )
    friday = ms("2026-06-05T12:00", "Europe/Berlin")
    saturday = found(rules, friday, "Europe/Berlin", channel="call", country="DE")
    assert saturday is not None
    assert (saturday.at, saturday.until) == (
        ms("2026-06-06T11:00", "Europe/Berlin"),
        ms("2026-06-06T14:00", "Europe/Berlin"),
    )
    abroad = found(rules, friday, "Europe/Berlin", channel="call", country="FR")
    assert abroad is not None
    assert abroad.at == ms("2026-06-06T10:00", "Europe/Berlin")


def test_a_span_across_midnight_begins_on_its_day() -> None:
    rules = policy('hours = [{ days = [5], spans = [{ start = "22:00", end = "02:00" }] }]')
    expected = ["2026-06-05T22:00+02:00", "2026-06-06T02:00+02:00"]
    assert span(rules, ms("2026-06-01T12:00", "Europe/Berlin"), "Europe/Berlin") == expected
    assert span(rules, ms("2026-06-06T01:00", "Europe/Berlin"), "Europe/Berlin") == [
        "2026-06-06T01:00+02:00",
        expected[1],
    ]


def test_nights_of_open_days_end_no_span() -> None:
    rules = policy(
        "hours = [{ days = [1, 2, 3],"
        ' spans = [{ start = "12:00", end = "00:00" }, { start = "00:00", end = "12:00" }] }]'
    )
    expected = ["2026-06-08T00:00+02:00", "2026-06-11T00:00+02:00"]
    assert span(rules, ms("2026-06-05T12:00", "Europe/Berlin"), "Europe/Berlin") == expected


def test_hours_that_never_meet_are_none() -> None:
    rules = policy(
        'quiet_hours = { start = "21:00", end = "08:00" }\n'
        'hours = [{ channels = ["call"], spans = [{ start = "22:00", end = "23:00" }] }]'
    )
    now = ms("2026-06-05T12:00", "Europe/Berlin")
    assert found(rules, now, "Europe/Berlin", channel="call") is None
    person = Person(b"c", Tail(time_zone="Europe/Berlin"))
    assert opening(rules, person, "marketing", "call", now) is None
    assert opening(rules, person, "care", "call", now) is not None
    assert opening(rules, person, "marketing", "email", now) is not None


# -- clocks that change


def at_two_thirty(start: str = "02:30", end: str = "02:45") -> PolicyInForce:
    return policy(f'hours = [{{ spans = [{{ start = "{start}", end = "{end}" }}] }}]')


def test_a_time_that_the_clock_skips_is_the_first_moment_after_it() -> None:
    # Berlin, 2026-03-29: from 02:00 to 03:00
    before = ms("2026-03-29T01:30", "Europe/Berlin")
    late = at_two_thirty(end="03:15")
    assert span(late, before, "Europe/Berlin") == ["2026-03-29T03:00+02:00", "2026-03-29T03:15+02:00"]
    skipped_whole = at_two_thirty()
    assert span(skipped_whole, before, "Europe/Berlin") == ["2026-03-30T02:30+02:00", "2026-03-30T02:45+02:00"]
    quiet = policy('quiet_hours = { start = "21:00", end = "02:30" }')
    assert span(quiet, before, "Europe/Berlin")[0] == "2026-03-29T03:00+02:00"


def test_a_time_that_the_clock_repeats_is_the_first_of_both() -> None:
    # Berlin, 2026-10-25: from 03:00 back to 02:00
    before = ms("2026-10-25T01:30", "Europe/Berlin")
    assert span(at_two_thirty(), before, "Europe/Berlin") == ["2026-10-25T02:30+02:00", "2026-10-25T02:45+02:00"]
    second = ms("2026-10-25T02:35", "Europe/Berlin", fold=1)
    assert span(at_two_thirty(), second, "Europe/Berlin")[0] == "2026-10-26T02:30+01:00"
    over = at_two_thirty("01:00", "03:00")
    assert span(over, before, "Europe/Berlin") == ["2026-10-25T01:30+02:00", "2026-10-25T03:00+01:00"]


def test_quiet_hours_on_the_nights_of_change() -> None:
    for day, opens in (("2026-03-29", "2026-03-29T08:00+02:00"), ("2026-10-25", "2026-10-25T08:00+01:00")):
        now = ms(f"{day}T00:30", "Europe/Berlin")
        assert span(QUIET, now, "Europe/Berlin")[0] == opens


def test_a_clock_that_changes_by_half_an_hour() -> None:
    # Lord Howe, 2026-10-04: from 02:00 to 02:30; 2026-04-05: from 02:00 back to 01:30
    spring = policy('hours = [{ spans = [{ start = "02:15", end = "04:00" }] }]')
    zone = "Australia/Lord_Howe"
    assert span(spring, ms("2026-10-04T01:00", zone), zone) == ["2026-10-04T02:30+11:00", "2026-10-04T04:00+11:00"]
    autumn = policy('hours = [{ spans = [{ start = "01:45", end = "04:00" }] }]')
    assert span(autumn, ms("2026-04-05T01:00", zone), zone) == ["2026-04-05T01:45+11:00", "2026-04-05T04:00+10:30"]


def test_a_zone_of_three_quarters_of_an_hour() -> None:
    now = ms("2026-06-01T23:00", "Asia/Kathmandu")
    assert span(QUIET, now, "Asia/Kathmandu") == ["2026-06-02T08:00+05:45", "2026-06-02T21:00+05:45"]


def test_a_day_that_a_country_left_out() -> None:
    # Samoa had no 30 December 2011.
    rules = policy('hours = [{ days = [5], spans = [{ start = "09:00", end = "10:00" }] }]')
    now = ms("2011-12-29T12:00", "Pacific/Apia")
    assert span(rules, now, "Pacific/Apia")[0] == "2012-01-06T09:00+14:00"


# -- which zone


@pytest.mark.parametrize(
    ("stated", "country", "of_policy", "keys", "words"),
    [
        ("Asia/Tokyo", "DE", "UTC", ["Asia/Tokyo"], "Asia/Tokyo, as the customer says"),
        ("Mars/Olympus", "NL", "UTC", ["Europe/Amsterdam"], "Europe/Amsterdam, the only one of NL"),
        ("", "DE", "UTC", ["Europe/Berlin"], "Europe/Berlin, the only one of DE"),
        ("", "PT", "Asia/Tokyo", ["Asia/Tokyo"], "Asia/Tokyo, the policy's"),
        ("", "PT", "", ["Europe/Lisbon", "Atlantic/Azores"], "all 2 of PT"),
        ("", "", "Europe/Berlin", ["Europe/Berlin"], "Europe/Berlin, the policy's"),
        ("", "", "", ["UTC"], "UTC, for want of a better"),
        ("", "XX", "Mars/Olympus", ["UTC"], "UTC, for want of a better"),
    ],
)
def test_the_customers_zone_counts_then_the_countrys_then_the_policys(
    stated: str, country: str, of_policy: str, keys: list[str], words: str
) -> None:
    zones, found_words = zones_of(stated, country, of_policy)
    assert [zone.key for zone in zones] == keys
    assert found_words == words


def test_where_a_country_has_many_zones_the_hour_is_right_in_all() -> None:
    assert len(zones_of("", "US", "")[0]) > 5
    opened = found(QUIET, ms("2026-06-01T12:00", "UTC"), country="US")
    assert opened is not None
    # Hawaii gets up last, New York goes to bed first.
    assert opened.at == ms("2026-06-01T08:00", "Pacific/Honolulu")
    assert opened.until == ms("2026-06-01T21:00", "America/New_York")


def test_where_no_hour_is_right_in_all_zones_there_is_none() -> None:
    short = policy('quiet_hours = { start = "12:00", end = "09:00" }')
    now = ms("2026-06-01T12:00", "UTC")
    assert found(short, now, country="US") is None
    assert opening(short, Person(b"c", Tail(country="US")), "marketing", "email", now) is None
    assert found(short, now, country="DE") is not None


# -- whatever the hours

ZONES = st.sampled_from(
    ("Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "America/New_York", "America/Havana", "UTC")
)
CLOCKS = st.builds(lambda hour, minute: f"{hour:02}:{minute:02}", st.integers(0, 23), st.sampled_from((0, 15, 30, 59)))
SPANS = st.tuples(CLOCKS, CLOCKS).filter(lambda span: span[0] != span[1])
WINTER, SUMMER = ms("2026-10-24T00:00", "UTC"), ms("2026-03-28T00:00", "UTC")
TIMES = st.one_of(
    st.integers(WINTER, WINTER + 10 * DAY),
    st.integers(SUMMER, SUMMER + 10 * DAY),
    st.integers(ms("2026-01-01T00:00", "UTC"), ms("2027-01-01T00:00", "UTC")),
)


def wall(at: int, zone: str) -> tuple[int, int, bool]:
    """Weekday, minute of the day, and whether a clock repeats or has just skipped near it."""
    known = zone_of(zone)
    assert known is not None
    moment = datetime.fromtimestamp(at // SECOND, UTC)
    local = moment.astimezone(known)
    near = {(moment + timedelta(hours=by)).astimezone(known).utcoffset() for by in (-26, 0, 26)}
    return local.weekday(), local.hour * 60 + local.minute, len(near) > 1


def minute(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def is_in(start: str, end: str, at: int) -> bool:
    if minute(start) < minute(end):
        return minute(start) <= at < minute(end)
    return at >= minute(start) or at < minute(end)


@given(SPANS, ZONES, TIMES)
def test_an_answer_is_open_never_before_now_and_nothing_open_lies_between(
    quiet: tuple[str, str], zone: str, now: int
) -> None:
    opened = found(policy(), now, zone, quiet=quiet)
    assert opened is not None
    assert opened.at >= now
    assert opened.at == now or opened.at % SECOND == 0
    assert opened.until % SECOND == 0
    assert opened.at < opened.until
    for at in (opened.at, opened.until - SECOND):
        _, local, changing = wall(at, zone)
        assert changing or not is_in(*quiet, local)
    _, local, changing = wall(opened.until, zone)
    assert changing or is_in(*quiet, local)
    for at in range(now, opened.at, 5 * MINUTE):
        _, local, changing = wall(at, zone)
        assert changing or is_in(*quiet, local)


@settings(max_examples=40)
@given(SPANS, SPANS, st.sets(st.integers(1, 7), min_size=1), ZONES, TIMES)
def test_the_same_of_allowed_hours(
    allowed: tuple[str, str], quiet: tuple[str, str], days: set[int], zone: str, now: int
) -> None:
    start, end = allowed
    rules = policy(f'hours = [{{ days = {sorted(days)}, spans = [{{ start = "{start}", end = "{end}" }}] }}]')

    def is_open(at: int) -> bool | None:
        day, local, changing = wall(at, zone)
        if changing:
            return None
        over_midnight = minute(end) < minute(start) and local < minute(end)
        begun = (day if not over_midnight else (day - 1) % 7) + 1
        return begun in days and is_in(start, end, local) and not is_in(*quiet, local)

    opened = found(rules, now, zone, quiet=quiet)
    until = now + FARTHEST_DAYS * DAY if opened is None else opened.at
    assert not any(is_open(at) for at in range(now, until, 47 * MINUTE))
    if opened is not None:
        assert now <= opened.at < opened.until
        assert is_open(opened.at) is not False
        assert is_open(opened.until - SECOND) is not False
        assert not is_open(opened.until)


@given(CLOCKS, ZONES, TIMES)
def test_asking_again_within_a_span_gives_the_same_end(end: str, zone: str, now: int) -> None:
    quiet = ("21:00", end)
    first = found(policy(), now, zone, quiet=quiet)
    assert first is not None
    if first.until:
        for at in (first.at, (first.at + first.until) // 2, first.until - 1_000):
            again = found(policy(), at, zone, quiet=quiet)
            assert again is not None
            assert again.until == first.until
            assert again.at == at


MOMENTS = st.integers(ms("2026-03-20T00:00", "UTC"), ms("2026-04-05T00:00", "UTC"))


@given(
    st.lists(st.tuples(MOMENTS, st.sampled_from(("Europe/Berlin", "America/New_York", ""))), min_size=2, max_size=12)
)
def test_what_was_found_for_one_customer_is_what_is_found_for_the_next(asked: list[tuple[int, str]]) -> None:
    for policy_in_force, purpose, channel in ((QUIET, "marketing", "email"), (CALLS, "care", "call")):
        together = [found(policy_in_force, now, zone, purpose, channel, country="US") for now, zone in asked]
        for (now, zone), opened in zip(asked, together, strict=True):
            rules_of(policy_in_force).openings.clear()
            assert opened == found(policy_in_force, now, zone, purpose, channel, country="US")


# -- calendars

HOLIDAYS = """
hours = [
    { channels = ["call"], days = [1, 2, 3, 4, 5], spans = [{ start = "09:00", end = "18:00" }], holidays = ["ours"] },
    { channels = ["email"], holidays = ["ours"] },
]
[holidays.ours]
dates = ["12-25", "12-26", "2026-12-28"]
"""


def test_on_a_holiday_nothing_goes_out_and_the_day_after_it_does() -> None:
    rules, zone = policy(HOLIDAYS), "Europe/Berlin"

    def first(local: str, *more: str) -> list[str]:
        return [one[:16] for one in span(rules, ms(local, zone), zone, *more)]

    assert first("2026-12-24T12:00", "care", "call") == ["2026-12-24T12:00", "2026-12-24T18:00"]
    # Friday, Saturday, Sunday, and a Monday of this year only.
    assert first("2026-12-24T19:00", "care", "call") == ["2026-12-29T09:00", "2026-12-29T18:00"]
    assert first("2027-12-24T19:00", "care", "call") == ["2027-12-27T09:00", "2027-12-27T18:00"]
    assert first("2026-12-25T19:00") == ["2026-12-27T00:00", "2026-12-28T00:00"]
    legal = found(rules, ms("2026-12-25T19:00", zone), zone, "legal")
    assert legal is not None
    assert legal.at == ms("2026-12-25T19:00", zone)


@given(st.integers(0, 20 * 24 * 60), st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kathmandu"]))
@settings(max_examples=60, deadline=None)
def test_no_contact_is_ever_on_a_holiday(minutes: int, zone: str) -> None:
    now = ms("2026-12-15T00:00", zone) + minutes * MINUTE
    opened = found(policy(HOLIDAYS), now, zone, channel="email")
    assert opened is not None
    day = f"{datetime.fromtimestamp(opened.at // SECOND, ZoneInfo(zone)):%m-%d}"
    assert day not in ("12-25", "12-26", "12-28")


def test_without_a_country_an_hour_is_right_in_all_markets() -> None:
    zones, words = zones_of("", "", "", ("DE", "GB", "PT"))
    assert words == f"all {len(zones)} of the policy's markets"
    assert {zone.key for zone in zones} >= {"Europe/Berlin", "Europe/London", "Atlantic/Azores"}
    assert (
        zones_of("", "DE", "", ("GB",))[1] == "Europe/Berlin, the only one of DE" or len(zones_of("", "DE", "")[0]) > 1
    )
    assert zones_of("", "", "Europe/Paris", ("GB",))[1] == "Europe/Paris, the policy's"


@pytest.mark.parametrize(
    ("contact", "says"),
    [
        ('hours = [{ channels = ["call"] }]', "contact.hours[0].spans is missing; give spans of the day, or holidays"),
        (
            'hours = [{ channels = ["call"], days = [1], rest = "9d" }]',
            "contact.hours[0].spans is missing; give spans of the day, or holidays",
        ),
        ('hours = [{ holidays = ["x"] }]', 'contact.hours[0].holidays[0] is "x"; add a table holidays.x'),
        ('[holidays.a]\ndates = ["02-30"]', 'holidays.a.dates[0] is "02-30"; give a day that there is'),
        ('[holidays.a]\ndates = ["01-01", "01-01"]', 'holidays.a.dates[1] is "01-01"; give it once'),
    ],
)
def test_a_calendar_that_makes_no_sense_is_refused(contact: str, says: str) -> None:
    with pytest.raises(PolicyUnfit, match=re.escape(says)):
        policy(contact)
