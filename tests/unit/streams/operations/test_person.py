"""What is known of a person, in words."""

from __future__ import annotations

from models.customer.merged import left_of
from models.customer.profile import take_in
from models.customer.record import Record
from models.settings import DAY
from models.touchpoints import Touch, read
from streams.operations.customer.person import person_view
from streams.operations.customer.portrait import lines, profile_view
from tests.support.logs import START, Data, touchpoint

WORDS: list[tuple[str, Data]] = [
    (
        "consent_changed",
        {
            "marketing": True,
            "channels": ["email"],
            "basis": "existing_customer",
            "confirmed": True,
            "expires": "2001-01-01T00:00:00Z",
            "evidence": "log/7",
        },
    ),
    ("message_unsubscribed", {"channel": "sms"}),
    ("restricted", {"reason": "dispute", "purposes": ["marketing", "care"], "until": "2000-06-01T00:00:00Z"}),
    ("profile_updated", {"language": "nl", "country": "NL", "account": "acc-7", "role": "buyer"}),
    ("preferences_updated", {"max_per_week": 0, "silent_until": "2000-05-01T00:00:00Z"}),
    ("subscription_started", {"plan": "coffee", "amount": 18, "term": "month", "auto_renews": True}),
    ("payment_failed", {}),
    ("presence", {"state": "online", "channel": "app"}),
    ("search", {"query": "x", "topic": "tea"}),
]


def known(words: list[tuple[str, Data]]) -> Record:
    record = Record(b"c")
    for day, (kind, data) in enumerate(words):
        time = START + day * DAY
        touch = read(touchpoint(kind, "c", time, data), None, time)
        assert isinstance(touch, Touch)
        take_in(record, touch.kind, time, touch.data, False, time)
    return record


def test_all_that_is_known_of_a_person_is_told() -> None:
    told = list(lines(person_view(known(WORDS))))
    for line in (
        "account: acc-7",
        "role: buyer",
        "language: nl",
        "country: NL",
        "marketing: none a week, by preference",
        "  marketing, sms: refused 2000-01-04T00:00:00Z",
        "  dispute: care, marketing, since 2000-01-05T00:00:00Z, until 2000-06-01T00:00:00Z",
        "learned from: no",
        "scored: yes",
        "most contacts per week: 0",
        "silent until: 2000-05-01T00:00:00Z",
        "  plan: coffee",
        "  state: active",
        "  renewed: by itself",
        "  payment open since: 2000-01-09T00:00:00Z",
        "  price: 18.0",
        "  tea: 1.0",
        "online: app",
        "online since: 2000-01-10T00:00:00Z",
    ):
        assert line in told
    [consent] = [line for line in told if line.startswith("  marketing, email: ")]
    said = "granted 2000-01-03T00:00:00Z, basis existing customer, confirmed, until 2001-01-01T00:00:00Z, rests on "
    assert consent.startswith(f"  marketing, email: {said}")


def test_of_who_is_not_known_nothing_is_told_but_that() -> None:
    assert list(lines(person_view(Record(b"c")))) == [
        "marketing: where nothing below closes it",
        "learned from: yes",
        "scored: yes",
        "erased: no",
    ]
    assert person_view(known([("consent_changed", {"marketing": False})]))["marketing"] == "none: refused"


def test_of_an_id_that_is_anothers_nothing_says_that_it_was_erased() -> None:
    told = list(lines(profile_view("old", 0, left_of(known(WORDS), b"old", "new"), None)))
    assert "  band: merged" in told
    assert [line for line in told if "erased" in line and line.strip() != "erased: no"] == []
