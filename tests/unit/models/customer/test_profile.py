"""What customers tell about themselves, in order and out of order, and what is chosen for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.customer.layout import NO_CONSENT
from models.customer.profile import PROFILE_KINDS, take_in
from models.customer.record import Record
from models.customer.tail import MAX_LIST, MAX_OPEN_CASES, MAX_REFUSED
from models.decisions import choose
from models.settings import DAY
from models.touchpoints import Kind, Touch, read
from tests.support.logs import START, Data, touchpoint


def touch(kind: str, day: float, data: Data | None = None) -> Touch:
    time = START + int(day * DAY)
    outcome = read(touchpoint(kind, "c", time, data), None, time)
    assert isinstance(outcome, Touch)
    assert outcome.kind in PROFILE_KINDS
    return outcome


def tell(record: Record, kind: str, day: float, data: Data | None = None, late: bool = False) -> Record:
    told = touch(kind, day, data)
    take_in(record, told.kind, told.time, told.data, late)
    return record


def consent(record: Record, day: float, given: bool, late: bool = False, **data: list[str]) -> Record:
    return tell(record, "consent_changed", day, {"marketing": given, **data}, late)


def test_preferences_replace_what_they_name_and_leave_the_rest() -> None:
    record = Record(b"c")
    tell(
        record,
        "preferences_updated",
        1,
        {
            "channels": ["sms", "app"],
            "topics": ["tea"],
            "rewards": ["free-shipping"],
            "max_per_week": 2,
            "quiet_hours": {"start": "22:00", "end": "07:30"},
            "time_zone": "Europe/Amsterdam",
        },
    )
    tell(record, "preferences_updated", 2, {"topics": []})
    tail = record.tail
    assert (tail.channels, tail.topics, tail.rewards) == (("sms", "app"), (), ("free-shipping",))
    assert (tail.max_per_week, tail.quiet, tail.time_zone) == (2, ("22:00", "07:30"), "Europe/Amsterdam")


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("preferences_updated", {"channels": ["sms"]}),
        ("profile_updated", {"customer_class": "business"}),
        ("programme_joined", {"programme": "x"}),
        ("presence", {"state": "online", "channel": "app"}),
        ("consent_changed", {"marketing": True, "channels": ["sms"]}),
    ],
)
def test_a_late_word_does_not_overwrite_what_was_said_since(kind: str, data: Data) -> None:
    assert tell(Record(b"c"), kind, 1, data, late=True).pack() == Record(b"c").pack()
    assert tell(Record(b"c"), kind, 1, data, late=False).pack() != Record(b"c").pack()


def test_consent_withdrawn_counts_when_it_arrives_late() -> None:
    assert consent(Record(b"c"), 1, False, late=True).flags & NO_CONSENT


def test_consent_given_late_does_not_count() -> None:
    record = consent(Record(b"c"), 1, False)
    assert consent(record, 2, True, late=True).flags & NO_CONSENT


def test_a_withdrawal_older_than_a_newer_consent_does_not_count_even_late() -> None:
    record = consent(Record(b"c"), 5, True)
    assert not consent(record, 4, False, late=True).flags & NO_CONSENT


@given(st.permutations([(1.0, True), (2.0, False), (3.0, True), (4.0, False), (5.0, True)]), st.integers(0, 5))
def test_the_newest_word_on_consent_counts_whatever_order_it_comes_in(
    words: list[tuple[float, bool]], count: int
) -> None:
    record = Record(b"c")
    for day, granted in words[:count]:
        consent(record, day, granted)
    newest = max(words[:count], default=(0, True))
    assert bool(record.flags & NO_CONSENT) == (not newest[1])


def test_consent_for_named_channels_makes_them_the_preferred_ones() -> None:
    record = consent(Record(b"c"), 1, True, channels=["sms"])
    assert record.tail.channels == ("sms",)


def test_consent_withdrawn_for_a_channel_does_not_make_it_the_preferred_one() -> None:
    record = consent(Record(b"c"), 1, False, channels=["sms"])
    assert record.tail.channels == ()
    assert consent(record, 2, True, channels=["email"]).tail.refused == ("sms",)
    assert choose(record).channel == "email"


@pytest.mark.parametrize("late", [False, True])
def test_nothing_is_sent_on_a_channel_the_customer_unsubscribed_from(late: bool) -> None:
    record = tell(Record(b"c"), "preferences_updated", 1, {"channels": ["email", "sms"]})
    tell(record, "message_unsubscribed", 2, {"channel": "email"}, late)
    assert choose(record).channel == "sms"
    tell(record, "message_unsubscribed", 3, {"channel": "sms"}, late)
    assert choose(record) == ("leave_alone", "", "wants nothing by email, and no other channel is known")


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("preferences_updated", {"channels": ["email"]}),
        ("consent_changed", {"marketing": True, "channels": ["email"]}),
        ("consent_changed", {"marketing": True}),
    ],
)
def test_a_customer_can_take_an_unsubscription_back(kind: str, data: Data) -> None:
    record = tell(Record(b"c"), "message_unsubscribed", 1, {"channel": "email"})
    assert choose(record).action == "leave_alone"
    assert choose(tell(record, kind, 2, data)).channel == "email"


def test_who_refuses_more_channels_than_can_be_remembered_refuses_all() -> None:
    record = Record(b"c")
    for i in range(MAX_REFUSED):
        tell(record, "message_unsubscribed", i, {"channel": f"channel-{i}"})
        assert not record.flags & NO_CONSENT
    tell(record, "message_unsubscribed", 99, {"channel": "one more"})
    assert record.flags & NO_CONSENT
    assert len(record.tail.refused) == MAX_REFUSED


def test_cases_open_and_close_by_their_id() -> None:
    record = Record(b"c")
    tell(record, "case_opened", 1, {"case_id": "T-1"})
    tell(record, "case_opened", 2, {"case_id": "T-2"})
    tell(record, "case_resolved", 3, {"case_id": "T-1"})
    tell(record, "case_resolved", 3, {"case_id": "T-9"})
    assert record.tail.cases == {"T-2": START + 2 * DAY}


def test_lists_and_open_cases_are_bounded() -> None:
    record = Record(b"c")
    for i in range(MAX_OPEN_CASES + 5):
        tell(record, "case_opened", i, {"case_id": f"T-{i}"})
    tell(record, "preferences_updated", 1, {"channels": [f"x{i}" for i in range(16)], "topics": ["t"] * 64})
    assert len(record.tail.cases) == MAX_OPEN_CASES
    assert record.tail.channels == tuple(f"x{i}" for i in range(MAX_LIST))
    assert len(record.tail.topics) == MAX_LIST


def test_presence_is_where_the_customer_is_online() -> None:
    record = tell(Record(b"c"), "presence", 1, {"state": "online", "channel": "app"})
    assert record.tail.presence == "app"
    assert tell(record, "presence", 2, {"state": "offline", "channel": "app"}).tail.presence == ""


def test_profile_and_programme_are_kept() -> None:
    record = tell(Record(b"c"), "profile_updated", 1, {"customer_class": "partner"})
    tell(record, "profile_updated", 2, {"country": "NL"})
    tell(record, "programme_joined", 3)
    assert (record.tail.customer_class, record.tail.programme) == ("partner", "default")


def test_who_has_an_open_case_is_cared_for_before_anything_is_sold() -> None:
    record = tell(Record(b"c"), "case_opened", 1, {"case_id": "T-1"})
    assert choose(record).action == "care"
    tell(record, "case_resolved", 2, {"case_id": "T-1"})
    assert choose(record).action == "win_back"


def test_who_took_back_consent_is_left_alone_whatever_else_there_is() -> None:
    record = consent(Record(b"c"), 1, False)
    tell(record, "case_opened", 2, {"case_id": "T-1"})
    assert choose(record)[:2] == ("leave_alone", "")


def test_the_kinds_that_tell_are_customers() -> None:
    assert Kind.CLOCK not in PROFILE_KINDS
    assert Kind.PURCHASE not in PROFILE_KINDS


def test_a_case_opens_and_closes_however_late_the_word_comes() -> None:
    record = tell(Record(b"c"), "case_opened", 1, {"case_id": "T-1"}, late=True)
    assert list(record.tail.cases) == ["T-1"]
    assert not tell(record, "case_resolved", 2, {"case_id": "T-1"}, late=True).tail.cases
