"""What is booked in an account of points is told: to support, to the customer, and line by line."""

from __future__ import annotations

import msgspec
import pytest

from models.customer.record import unpack
from models.loyalty.booking import FULL, NOT_COVERED, NOT_WHOLE, REDEEMED, UNKNOWN_ORDER, UNKNOWN_REWARD
from models.outputs import Decision, encode
from models.outputs.ledger_entry import LedgerEntry
from models.settings import DAY
from streams.cli.output_lines import line
from streams.operations.access.export import Held, export
from streams.operations.access.phrases import POINTS, REFUSED
from streams.operations.customer.points import points_view
from streams.operations.customer.portrait import lines, profile_view
from streams.operations.why.for_customer import Words
from streams.operations.why.outputs import Outputs
from streams.operations.why.past import past
from streams.operations.why.phrases import LANGUAGES
from streams.operations.why.text import entry_lines
from tests.unit.models.engine.test_life_of_a_moment import BOUGHT, POLICY, SETTINGS, Story
from tests.unit.models.engine.test_points import KEPT

TOLD = (
    Story(KEPT, days=9)
    .then(1, "review", rating=5)
    .then(8, "purchase", amount=3)
    .then(8.5, "reward_redeemed", reward="cup", points=60)
    .then(8.6, "reward_redeemed", reward="car", points=9_000)
)


def told() -> tuple[bytes, list[Decision]]:
    world = TOLD.run()
    said = [msgspec.json.decode(one.value, type=Decision) for one in world.kept.outputs if one.role == "decisions"]
    return world.kept.records[b"c"], [one for one in said if one.ledger is not None]


def test_support_sees_balance_lots_what_is_pending_and_the_next_expiry() -> None:
    record = unpack(b"c", told()[0])
    assert points_view(record) == {
        "balance": 80,
        "pending": 30,
        "owed": 0,
        "next_expiry": "2000-03-03T23:00:00Z",
        "lots": ["30 until 2000-03-03T23:00:00Z", "50 until 2000-03-08T23:00:00Z"],
        "becoming_active": ["30 on 2000-01-18T12:00:00Z, until 2000-03-13T23:00:00Z"],
        "rewards_that_can_be_cancelled": ["60 until 2000-01-22T00:00:00Z"],
    }
    shown = list(lines(profile_view("c", 0, record, SETTINGS)))
    assert "  balance: 80" in shown
    without = unpack(b"c", Story(POLICY, days=9).run().kept.records[b"c"])
    assert points_view(without) is None


def test_each_entry_is_a_line_and_an_entry_of_why() -> None:
    decisions = told()[1]
    entries = past(Outputs(decisions, {}), 2**62)
    text = [next(entry_lines(one)) for one in entries]
    words = [
        "90 points earned by purchases, pending; balance 0, 90 pending",
        "50 points earned by reviews; balance 50, 90 pending",
        "90 points activated; balance 140",
        "30 points earned by purchases, pending; balance 140, 30 pending",
        "60 points spent; balance 80, 30 pending",
        "9,000 points refused: not covered; balance 80, 30 pending",
    ]
    assert [one.partition("  ")[2] for one in text] == words
    assert [one["ledger"]["words"] for one in entries] == words
    assert entries[4]["ledger"]["lots"] == [{"expires": "2000-03-03T23:00:00Z", "points": -60}]
    assert line(encode(decisions[0])).endswith(f"c  ledger  {words[0]}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_customer_is_told_each_change_in_words(language: str) -> None:
    stored, decisions = told()
    record = unpack(b"c", stored)
    held = Held("c", record, Outputs(decisions, {}), [], Words(record, None, BOUGHT + 9 * DAY, language), [], [], [])
    said = [one["what"] for one in export(held)["decisions"]]
    at = LANGUAGES.index(language)
    assert said[4] == POINTS["spent"][at].format(points=60, balance=80)
    assert all("{" not in one for one in said)


WORDS = [
    (LedgerEntry("taken_back", asked=90), "0 points taken back, 90 forgiven; balance 0"),
    (LedgerEntry("taken_back", lots=((1, -30),), owed=60, asked=90, balance=-60), "90 points taken back; balance -60"),
    (LedgerEntry("adjusted", lots=((1, -5),), balance=85), "-5 points adjusted; balance 85"),
    (LedgerEntry("closed", owed=-85), "-85 points closed; balance 0"),
]


@pytest.mark.parametrize(("entry", "words"), WORDS)
def test_words_say_what_was_done_and_not_what_was_asked(entry: LedgerEntry, words: str) -> None:
    assert entry.words == words


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_of_a_refusal_has_words(language: str) -> None:
    at = LANGUAGES.index(language)
    reasons = (NOT_COVERED, NOT_WHOLE, FULL, UNKNOWN_REWARD, UNKNOWN_ORDER, REDEEMED)
    assert set(REFUSED) == set(reasons)
    assert "_" not in "".join(told_why[at] for told_why in REFUSED.values())
