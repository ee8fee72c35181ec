"""What customers tell about themselves, in order and out of order, and what is chosen for them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.customer.consent import MARKETING, MAX_STATEMENTS, Answer, answer, unpack_register
from models.customer.layout import NO_CONSENT, UNLEARNED, UNSCORED
from models.customer.profile import PROFILE_KINDS, take_in, tells
from models.customer.record import Record
from models.customer.tail import MAX_LIST, MAX_OPEN_CASES
from models.decisions import choose
from models.settings import DAY
from models.touchpoints import Kind, Touch, read
from tests.support.logs import START, Data, touchpoint


def touch(kind: str, day: float, data: Data | None = None) -> Touch:
    time = START + int(day * DAY)
    outcome = read(touchpoint(kind, "c", time, data), None, time)
    assert isinstance(outcome, Touch)
    assert tells(outcome.kind, outcome.data)
    return outcome


def tell(record: Record, kind: str, day: float, data: Data | None = None, late: bool = False) -> Record:
    told = touch(kind, day, data)
    take_in(record, told.kind, told.time, told.data, late, told.time)
    return record


def at(day: float) -> int:
    return START + int(day * DAY)


def said(record: Record, channel: str, day: float = 99) -> Answer:
    return answer(unpack_register(record.tail.consents), MARKETING, channel, at(day))


def chosen(record: Record, day: float = 99) -> tuple[str, str]:
    return choose(record, at(day))[:2]


def consent(record: Record, day: float, given: bool, late: bool = False, **data: Any) -> Record:
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
        ("subscription_started", {"plan": "monthly"}),
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
    record = consent(Record(b"c"), 5, True, channels=["sms"])
    consent(record, 4, False, late=True, channels=["sms"])
    assert said(record, "sms") == Answer.GRANTED
    assert not consent(record, 4, False, late=True).flags & NO_CONSENT


@given(st.permutations([(1.0, True), (2.0, False), (3.0, True), (4.0, False), (5.0, True)]), st.integers(0, 5))
def test_the_newest_word_on_consent_counts_whatever_order_it_comes_in(
    words: list[tuple[float, bool]], count: int
) -> None:
    record = Record(b"c")
    for day, granted in words[:count]:
        consent(record, day, granted, channels=["sms"])
    newest = max(words[:count], default=(0, None))
    assert said(record, "sms") == {None: Answer.NEVER_ASKED, True: Answer.GRANTED, False: Answer.REFUSED}[newest[1]]


def test_consent_for_named_channels_makes_them_the_preferred_ones() -> None:
    record = consent(Record(b"c"), 1, True, channels=["sms"])
    assert record.tail.channels == ("sms",)


def test_consent_withdrawn_for_a_channel_does_not_make_it_the_preferred_one() -> None:
    record = consent(Record(b"c"), 1, False, channels=["sms"])
    assert record.tail.channels == ()
    consent(record, 2, True, channels=["email"])
    assert said(record, "sms") == Answer.REFUSED
    assert chosen(record) == ("win_back", "email")


@pytest.mark.parametrize("late", [False, True])
def test_nothing_is_sent_on_a_channel_the_customer_unsubscribed_from(late: bool) -> None:
    record = tell(Record(b"c"), "preferences_updated", 1, {"channels": ["email", "sms"]})
    tell(record, "message_unsubscribed", 2, {"channel": "email"}, late)
    assert chosen(record) == ("win_back", "sms")
    tell(record, "message_unsubscribed", 3, {"channel": "sms"}, late)
    told = "wants nothing by email, and no other channel is known"
    assert choose(record, at(4)) == ("leave_alone", "", told)


UNSUBSCRIBED = ("message_unsubscribed", {"channel": "email"})
WITHDRAWN = ("consent_changed", {"marketing": False})


@pytest.mark.parametrize("refusal", [UNSUBSCRIBED, WITHDRAWN])
@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("preferences_updated", {"channels": ["email"]}),
        ("consent_changed", {"marketing": True}),
        ("consent_changed", {"marketing": True, "channels": ["sms"]}),
        ("consent_changed", {"marketing": True, "channels": ["email"], "purpose": "conversation"}),
    ],
)
def test_only_a_grant_that_names_the_channel_lifts_a_refusal(refusal: tuple[str, Data], kind: str, data: Data) -> None:
    record = tell(Record(b"c"), refusal[0], 1, refusal[1])
    assert chosen(record)[0] == "leave_alone"
    tell(record, kind, 2, data)
    assert said(record, "email") == Answer.REFUSED
    assert chosen(record)[1] != "email"
    consent(record, 3, True, channels=["email"])
    assert chosen(record) == ("win_back", "email")


def test_a_grant_that_is_no_newer_than_the_refusal_lifts_nothing() -> None:
    record = tell(Record(b"c"), *(UNSUBSCRIBED[0], 2, UNSUBSCRIBED[1]))
    for day in (1, 2):
        assert said(consent(record, day, True, channels=["email"]), "email") == Answer.REFUSED
        assert record.tail.channels == ()


def test_a_grant_for_one_channel_opens_no_other() -> None:
    record = consent(Record(b"c"), 1, True, channels=["sms"])
    tell(record, "preferences_updated", 2, {"channels": ["email", "app"]})
    assert [said(record, channel) for channel in ("email", "app", "sms")] == [Answer.OTHERS_ONLY] * 2 + [Answer.GRANTED]
    assert chosen(record) == ("win_back", "sms")


def test_a_withdrawal_for_named_channels_closes_those_alone() -> None:
    record = consent(Record(b"c"), 1, False, channels=["email"])
    assert not record.flags & NO_CONSENT
    assert (said(record, "email"), said(record, "sms")) == (Answer.REFUSED, Answer.NEVER_ASKED)


def test_a_grant_that_has_expired_opens_nothing() -> None:
    record = consent(Record(b"c"), 1, True, channels=["email"], expires="2000-02-01T00:00:00Z")
    assert chosen(record, 20) == ("win_back", "email")
    assert choose(record, at(60)).reason == "consented to email for a time that is over, and no other channel is known"


def test_what_a_consent_rests_on_is_kept() -> None:
    record = consent(
        Record(b"c"), 1, True, channels=["email"], basis="existing_customer", source="shop", wording="w", confirmed=True
    )
    kept = unpack_register(record.tail.consents)[MARKETING, "email"]
    assert (kept.basis, kept.confirmed, kept.time, kept.reference != 0) == ("existing_customer", True, at(1), True)


@pytest.mark.parametrize("failure", ["hard", "no_address"])
def test_where_nothing_arrives_nothing_is_sent_until_a_grant_names_it(failure: str) -> None:
    data = {"trigger_id": "1", "channel": "email", "failure": failure}
    record = tell(Record(b"c"), "offer_failed", 1, data, late=True)
    assert chosen(record)[0] == "leave_alone"
    assert tell(Record(b"c"), "offer_failed", 1, {**data, "failure": "soft"}).pack() == Record(b"c").pack()


def test_who_calls_a_message_spam_wants_none_on_that_channel() -> None:
    assert said(tell(Record(b"c"), "spam_reported", 1, {"channel": "sms"}, late=True), "sms") == Answer.REFUSED


@pytest.mark.parametrize("data", [{"max_per_week": 0}, {"silent_until": "2000-06-01T00:00:00Z"}])
def test_who_wants_no_marketing_gets_care_alone(data: Data) -> None:
    record = tell(Record(b"c"), "preferences_updated", 1, data)
    assert choose(record, at(2)).reason.startswith("wants no marketing")
    assert chosen(tell(record, "case_opened", 2, {"case_id": "T-1"})) == ("care", "email")
    tell(record, "case_resolved", 3, {"case_id": "T-1"})
    again = {"max_per_week": 1, "silent_until": "2000-01-04T00:00:00Z"}
    assert chosen(tell(record, "preferences_updated", 4, again)) == ("win_back", "email")


def test_silence_ends_by_itself() -> None:
    record = tell(Record(b"c"), "preferences_updated", 1, {"silent_until": "2000-02-01T00:00:00Z"})
    assert [chosen(record, day)[0] for day in (28, 29)] == ["leave_alone", "win_back"]


def test_who_refuses_more_channels_than_can_be_remembered_refuses_all() -> None:
    record = Record(b"c")
    for i in range(MAX_STATEMENTS):
        tell(record, "message_unsubscribed", i, {"channel": f"channel-{i}"})
        assert not record.flags & NO_CONSENT
    tell(record, "message_unsubscribed", 99, {"channel": "one more"})
    assert record.flags & NO_CONSENT
    assert list(unpack_register(record.tail.consents)) == [(MARKETING, "")]


@pytest.mark.parametrize("reason", ["minor", "deceased", "do_not_contact", "dispute"])
def test_who_is_restricted_is_left_alone_whatever_they_agreed_to(reason: str) -> None:
    record = consent(Record(b"c"), 1, True, channels=["email"])
    tell(record, "case_opened", 1, {"case_id": "T-1"})
    tell(record, "restricted", 2, {"reason": reason, "until": "2000-02-01T00:00:00Z"}, late=True)
    assert choose(record, at(10)) == ("leave_alone", "", f"restricted: {reason}")
    assert record.flags & UNLEARNED
    assert chosen(record, 29) == ("care", "email")


def test_a_restriction_for_marketing_leaves_care() -> None:
    record = tell(Record(b"c"), "restricted", 1, {"reason": "debt", "purposes": ["marketing"]})
    assert chosen(record)[0] == "leave_alone"
    assert chosen(tell(record, "case_opened", 2, {"case_id": "T-1"})) == ("care", "email")


def test_from_a_test_customer_nothing_is_kept_and_nothing_is_learned() -> None:
    record = tell(Record(b"c"), "restricted", 1, {"reason": "test"})
    assert (chosen(record), record.flags) == (("win_back", "email"), UNLEARNED)


def test_the_newest_word_on_a_reason_counts_and_one_that_has_ended_lifts_it() -> None:
    record = tell(Record(b"c"), "restricted", 2, {"reason": "fraud"})
    over = {"reason": "fraud", "until": "2000-01-05T00:00:00Z"}
    assert tell(record, "restricted", 1, over).tail.restrictions
    assert tell(record, "restricted", 3, over, late=True).tail.restrictions
    assert not tell(record, "restricted", 4, over).tail.restrictions
    assert not record.flags


def test_any_touchpoint_ends_what_has_come_to_its_end() -> None:
    record = tell(Record(b"c"), "restricted", 1, {"reason": "debt", "until": "2000-02-01T00:00:00Z"})
    assert tell(record, "presence", 28, {"state": "offline", "channel": "app"}).flags == UNLEARNED
    assert tell(record, "presence", 30, {"state": "offline", "channel": "app"}).pack() == Record(b"c").pack()


def test_of_a_birthday_only_the_end_of_childhood_is_kept() -> None:
    record = tell(Record(b"c"), "profile_updated", 1, {"birthday": "1984-02-29"})
    assert choose(record, at(10)).reason == "restricted: not_of_age"
    assert chosen(record, 787)[0] == "leave_alone"  # 2002-02-28
    assert chosen(record, 788)[0] == "win_back"
    assert tell(record, "profile_updated", 2, {"birthday": "1970-02-28"}).pack() == Record(b"c").pack()


def test_an_objection_to_profiling_counts_until_it_is_taken_back() -> None:
    record = consent(Record(b"c"), 2, False, purpose="profiling", channels=["email"])
    assert record.flags == UNLEARNED | UNSCORED
    assert consent(record, 1, True, purpose="profiling").flags == UNLEARNED | UNSCORED
    assert said(record, "email") == Answer.NEVER_ASKED
    assert not consent(record, 3, True, purpose="profiling").flags


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
    assert (len(record.tail.cases), record.tail.more_cases) == (MAX_OPEN_CASES, 5)
    assert record.tail.channels == tuple(f"x{i}" for i in range(MAX_LIST))
    assert len(record.tail.topics) == MAX_LIST


def test_more_open_cases_than_can_be_named_keep_promotions_away() -> None:
    record = Record(b"c")
    for i in range(MAX_OPEN_CASES + 1):
        tell(record, "case_opened", i, {"case_id": f"T-{i}"})
    for i in range(MAX_OPEN_CASES):
        tell(record, "case_resolved", 20 + i, {"case_id": f"T-{i}"})
    assert not record.tail.cases
    assert chosen(record)[0] == "care"
    assert chosen(tell(record, "case_resolved", 50, {"case_id": "T-16"}))[0] == "win_back"


def test_presence_is_where_the_customer_is_online() -> None:
    record = tell(Record(b"c"), "presence", 1, {"state": "online", "channel": "app"})
    assert (record.tail.presence, record.tail.presence_at) == ("app", at(1))
    assert tell(record, "presence", 2, {"state": "offline", "channel": "app"}).tail.presence == ""


def test_profile_and_programme_are_kept() -> None:
    record = tell(Record(b"c"), "profile_updated", 1, {"customer_class": "partner"})
    tell(record, "profile_updated", 2, {"country": "NL", "language": "nl-NL", "account": "acc-1", "role": "buyer"})
    tell(record, "profile_updated", 2, {"name": "Zoë"})
    tell(record, "programme_joined", 3)
    tail = record.tail
    assert (tail.customer_class, tail.programme) == ("partner", "default")
    assert (tail.country, tail.language, tail.account, tail.role) == ("NL", "nl-NL", "acc-1", "buyer")


def test_who_has_an_open_case_is_cared_for_before_anything_is_sold() -> None:
    record = tell(Record(b"c"), "case_opened", 1, {"case_id": "T-1"})
    assert chosen(record)[0] == "care"
    tell(record, "case_resolved", 2, {"case_id": "T-1"})
    assert chosen(record)[0] == "win_back"


def test_who_took_back_consent_is_left_alone_whatever_else_there_is() -> None:
    record = consent(Record(b"c"), 1, False)
    tell(record, "case_opened", 2, {"case_id": "T-1"})
    assert chosen(record) == ("leave_alone", "")


def test_the_kinds_that_tell_are_customers() -> None:
    assert Kind.CLOCK not in PROFILE_KINDS
    assert Kind.PURCHASE not in PROFILE_KINDS
    assert touch("purchase", 1, {"amount": 5, "topic": "tea"}).kind == Kind.PURCHASE


def test_a_case_opens_and_closes_however_late_the_word_comes() -> None:
    record = tell(Record(b"c"), "case_opened", 1, {"case_id": "T-1"}, late=True)
    assert list(record.tail.cases) == ["T-1"]
    assert not tell(record, "case_resolved", 2, {"case_id": "T-1"}, late=True).tail.cases


def test_open_cases_of_long_ids_are_counted_where_there_is_no_room_for_their_names() -> None:
    record = Record(b"c")
    for i in range(MAX_OPEN_CASES):
        tell(record, "case_opened", i, {"case_id": f"{i:02}" + "\U0001f600" * 198})
    assert (len(record.tail.cases), record.tail.more_cases) == (10, 6)
