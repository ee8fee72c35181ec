"""Whatever a customer is told has its words in English and in German."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from models.customer.consent import PURPOSES
from models.decisions.counterfactuals import COUNTERFACTUALS, would_have_changed
from models.decisions.german import GERMAN, GERMAN_KINDS
from models.decisions.policy.parts import KINDS
from models.decisions.words import BECAME, PLANS, SENTENCES, SHARED, WAITS, kind_told, told
from models.touchpoints.kinds import RESERVED, Kind
from streams.operations.why.for_customer import Words
from streams.operations.why.phrases import LANGUAGES, OCCASIONS, OURS, PHRASES, Phrases, language_of
from tests.unit.streams.operations.why.test_story import CODE, stories

GERMAN_LETTERS = re.compile("[äöüßÄÖÜ]")


def fields(phrase: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(phrase) if name is not None}


def test_every_gate_wait_outcome_and_plan_has_its_sentence_in_both_languages() -> None:
    assert set(GERMAN) == {*SENTENCES, *WAITS, *BECAME, *PLANS, *SHARED}
    for code in GERMAN:
        both = {told(code, True, language) for language in LANGUAGES}
        assert len(both) == 2
        assert all(one.endswith(".") for one in both)
        assert told(code, False, "de") == told(code)
    assert set(GERMAN_KINDS) == set(KINDS)
    assert all(kind_told(kind, "de") != kind_told(kind, "en") for kind in KINDS)


def test_what_would_have_changed_it_is_said_of_every_gate_and_wait_in_both_languages() -> None:
    beside = {"drawn", "control", "risk", "occasion", "objection"}
    assert set(COUNTERFACTUALS) == {*SENTENCES, *WAITS, *beside}
    for code in COUNTERFACTUALS:
        english, german = (would_have_changed(code, language) for language in LANGUAGES)
        assert english != german
        assert english.endswith(".")
        assert german.endswith(".")
    assert would_have_changed("no such code", "en") == ""


def test_every_phrase_has_the_same_fields_in_both_languages() -> None:
    for name, (english, german) in PHRASES.items():
        assert fields(english) == fields(german), name
    assert set(PURPOSES) <= set(PHRASES)


def test_every_type_of_touchpoint_that_may_ask_is_an_occasion_in_german() -> None:
    assert {kind.type for kind in Kind if kind not in RESERVED} <= set(OCCASIONS)
    of_nobody = {"clock", "model_chosen", "settings_chosen", "policy_chosen", "stopped", "resumed"}
    assert {kind.type for kind in Kind if kind in RESERVED} - {*OCCASIONS} - {*OURS} <= of_nobody


@pytest.mark.parametrize(
    ("tag", "language"), [("de", "de"), ("de-CH", "de"), ("DE", "de"), ("den", "en"), ("nl", "en")]
)
def test_the_language_is_the_customers_where_we_write_it(tag: str, language: str) -> None:
    assert language_of(tag) == language


def test_a_story_in_german_has_as_many_lines_and_no_english_and_no_code() -> None:
    english = {phrase[0] for phrase in PHRASES.values() if not fields(phrase[0]) and len(phrase[0]) > 12}
    for story in stories():
        words = Words(story.record, story.policy, story.time, "de")
        told_in = list(words.lines(story.now, story.past, "2000-01-01T00:00:00Z"))
        text = "\n".join(told_in)
        assert not CODE.search(text), CODE.search(text)
        assert GERMAN_LETTERS.search(text)
        assert not [phrase for phrase in english if phrase in text]
        assert len(told_in) == len(story.words)


def test_a_channel_and_an_occasion_without_words_of_ours_are_told_by_their_name() -> None:
    assert Phrases("de").channel("web_chat") == "web chat"
    assert Phrases("de").occasion("something_new") == "something new"
    assert Phrases("en").occasion("payment_failed") == "payment failed"
