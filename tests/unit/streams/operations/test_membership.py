"""What changes in a membership is told: to support, to the customer, and line by line."""

from __future__ import annotations

import msgspec
import pytest

from models.customer.record import unpack
from models.decisions.policy.in_force import PolicyInForce
from models.outputs import Decision, encode
from models.outputs.membership_entry import MembershipEntry
from models.settings import DAY
from streams.cli.output_lines import line
from streams.operations.access.export import Held, export
from streams.operations.access.phrases import LEVELS
from streams.operations.customer.membership import membership_view
from streams.operations.customer.portrait import lines, profile_view
from streams.operations.why.for_customer import Words
from streams.operations.why.outputs import Outputs
from streams.operations.why.past import past
from streams.operations.why.phrases import LANGUAGES
from streams.operations.why.text import entry_lines
from tests.unit.models.engine.test_life_of_a_moment import BOUGHT, POLICY, SETTINGS, Story
from tests.unit.models.engine.test_membership import POINTS, SPENT

TOLD = Story(SPENT, days=9).then(1, "purchase", amount=12).then(2, "return", amount=2)
NOW = BOUGHT + 9 * DAY


def told() -> tuple[bytes, list[Decision]]:
    world = TOLD.run()
    said = [msgspec.json.decode(one.value, type=Decision) for one in world.kept.outputs if one.role == "decisions"]
    return world.kept.records[b"c"], [one for one in said if one.membership is not None]


def test_support_sees_the_level_what_counts_and_what_comes_next() -> None:
    record, policy = unpack(b"c", told()[0]), PolicyInForce.of(1, SPENT)
    assert membership_view(record, policy, NOW) == {
        "level": "silver",
        "earned": "silver",
        "paid": None,
        "counts": "spent",
        "counted": 19.0,
        "lost_at": "2000-01-15T12:00:00Z",
        "lapses": ["9.0 on 2000-03-13T23:00:00Z", "10.0 on 2000-03-18T23:00:00Z"],
        "points_times": 1.0,
        "next_level": "gold",
        "to_next": 31.5,
        "ends": "2000-01-15T12:00:00Z",
    }
    shown = list(lines(profile_view("c", 0, record, SETTINGS, None, None, policy, NOW)))
    assert "  level: silver" in shown
    assert membership_view(record, None, NOW) is not None
    without = unpack(b"c", Story(POLICY, days=9).run().kept.records[b"c"])
    assert membership_view(without, policy, NOW) is None


def test_what_is_paid_for_is_seen_where_nothing_counts() -> None:
    text = POINTS.replace('"points"\nwindow', '"purchases"\nwindow').replace("at = 20 ", "at = 9 ")
    record = unpack(b"c", Story(text, days=9).then(1, "subscription_started", plan="plus").run().kept.records[b"c"])
    view = membership_view(record, PolicyInForce.of(1, text), NOW)
    assert view is not None
    assert (view["level"], view["earned"], view["paid"], view["points_times"]) == ("gold", None, "plus", 2.0)


def test_each_entry_is_a_line_and_an_entry_of_why() -> None:
    decisions = told()[1]
    entries = past(Outputs(decisions, {}), 2**62)
    text = [next(entry_lines(one)) for one in entries]
    words = [
        "9.00 spent counted; 9.00 spent count, no membership level",
        "12.00 spent counted; 21.00 spent count, no membership level",
        "membership level silver reached",
        "2.00 spent taken back; 19.00 spent count, membership level silver",
        "membership level silver: grace, 19.00 spent count",
    ]
    assert [one.partition("  ")[2] for one in text] == words
    assert [one["membership"]["words"] for one in entries] == words
    assert line(encode(decisions[2])).endswith(f"c  membership  {words[2]}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_customer_is_told_each_change_in_words(language: str) -> None:
    stored, decisions = told()
    record = unpack(b"c", stored)
    held = Held("c", record, Outputs(decisions, {}), [], Words(record, None, NOW, language), [], [], [])
    said = [one["what"] for one in export(held)["decisions"]]
    at = LANGUAGES.index(language)
    assert said[2] == LEVELS["reached"][at].format(level="silver")
    assert all("{" not in one for one in said)
    assert "2000-01-15" in said[4]


WORDS = [
    (MembershipEntry("lowered", "points", level="silver", before="gold"), "membership level gold lowered to silver"),
    (MembershipEntry("lowered", "points", before="silver"), "membership level silver lowered to none"),
    (MembershipEntry("renamed", "points", level="gold", before="best"), "membership level best is now gold"),
    (
        MembershipEntry("merged", "purchases", ((1, -2), (2, 2)), 3, "gold"),
        "2 purchases merged; 3 purchases count, membership level gold",
    ),
    (MembershipEntry("closed", "points", ((1, -2),)), "membership closed"),
]


@pytest.mark.parametrize(("entry", "words"), WORDS)
def test_words_of_an_entry(entry: MembershipEntry, words: str) -> None:
    assert entry.words == words
