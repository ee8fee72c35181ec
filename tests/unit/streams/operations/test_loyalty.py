"""Where a customer is in the loyalty loop is told: to support, to the customer, and line by line."""

from __future__ import annotations

import msgspec
import pytest

from models.customer.record import unpack
from models.decisions.policy.in_force import PolicyInForce
from models.outputs import Decision, encode
from models.settings import DAY
from streams.cli.output_lines import line
from streams.operations.access.export import Held, export
from streams.operations.access.phrases import STAGES, VOICES
from streams.operations.customer.standing import standing_view
from streams.operations.why.for_customer import Words
from streams.operations.why.outputs import Outputs
from streams.operations.why.past import past
from streams.operations.why.phrases import LANGUAGES
from streams.operations.why.text import entry_lines
from tests.unit.models.engine.test_life_of_a_moment import BOUGHT, POLICY, SETTINGS, Story
from tests.unit.models.engine.test_loyalty import KEPT

STORY = Story(KEPT, days=9).then(1, "review", rating=5).then(2, "mention", sentiment=-0.5).then(3, "referral")


def told() -> tuple[bytes, list[Decision]]:
    world = STORY.run()
    said = [msgspec.json.decode(one.value, type=Decision) for one in world.kept.outputs if one.role == "decisions"]
    return world.kept.records[b"c"], [one for one in said if one.loyalty is not None]


def test_support_sees_stage_index_and_how_they_spoke_of_us() -> None:
    record, now = unpack(b"c", told()[0]), BOUGHT + 9 * DAY
    shown = standing_view("c", record, PolicyInForce.of(1, KEPT), SETTINGS, now)["loyalty"]
    index = shown.pop("index")
    assert 10 < index < 17
    assert shown == {
        "stage": "advocate",
        "last_experience": "2000-01-06T12:00:00Z",
        "won_back": None,
        "spoke_well": 2,
        "spoke_well_by": {"referral": 1, "review": 1},
        "spoke_well_last": "2000-01-06T12:00:00Z",
        "spoke_ill": 1,
    }
    later = standing_view("c", record, PolicyInForce.of(1, KEPT), SETTINGS, now + 60 * DAY)["loyalty"]
    assert (later["stage"], later["index"]) == ("new", round(index / 4, 2))
    assert standing_view("c", record, PolicyInForce.of(1, POLICY), SETTINGS, now)["loyalty"] is None


def test_each_entry_is_a_line_and_an_entry_of_why() -> None:
    decisions = told()[1]
    entries = past(Outputs(decisions, {}), 2**62)
    words = [
        "stage new; loyalty index +2.0",
        "stage new; loyalty index +12.0; spoke of us (review): good; spoke well 1 time",
        "stage new; loyalty index +1.7; spoke of us (mention): bad; spoke well 1 time",
        "stage advocate, was new; loyalty index +16.6; spoke of us (referral): good; spoke well 2 times",
    ]
    assert [next(entry_lines(one)).partition("  ")[2] for one in entries] == words
    assert (entries[3]["loyalty"]["stage"], entries[3]["loyalty"]["former"]) == ("advocate", "new")
    assert line(encode(decisions[0])).endswith(f"c  loyalty  {words[0]}  p=0.01")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_customer_is_told_each_step_in_words(language: str) -> None:
    stored, decisions = told()
    record = unpack(b"c", stored)
    held = Held("c", record, Outputs(decisions, {}), [], Words(record, None, BOUGHT + 9 * DAY, language), [], [], [])
    said, at = [one["what"] for one in export(held)["decisions"]], LANGUAGES.index(language)
    assert said[1] == VOICES["good"][at]
    assert STAGES["advocate"][at] in said[3]
    assert all(said)
