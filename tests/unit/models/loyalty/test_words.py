"""How a text was meant, by its words: known where the language is and a word was hit, and the same everywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.loyalty.words import LONGEST, Words, sentiment_of

GERMAN = {"de": Words(("gut", "toll"), ("schlecht",), ("nicht",))}


@pytest.mark.parametrize(
    ("text", "language", "found"),
    [
        ("I love this shop, great service!", "en", 0.86),
        ("I love this shop, great service!", "en-GB", 0.86),
        ("Not good at all, terrible delivery.", "EN-us", -0.67),
        ("The parcel came on Tuesday.", "en", None),  # no word was hit: unknown, and not neutral
        ("", "en", None),
        ("I love it", "", None),
        ("I love it", "fr", None),
        ("Das war gut", "de", 0.46),
        ("Das war nicht gut", "de-AT", -0.34),
        ("Das war GUT!", "de", 0.62),
        ("I love it", "de", None),
    ],
)
def test_what_is_known_of_a_text(text: str, language: str, found: float | None) -> None:
    said = sentiment_of(text, language, GERMAN)
    assert said == (None if found is None else pytest.approx(found, abs=0.03))


def test_words_of_the_policy_stand_beside_those_of_the_english_lexicon() -> None:
    own = {"en": Words(("crema",), ("burnt",))}
    assert sentiment_of("Such a crema", "en", {}) is None
    assert sentiment_of("Such a crema", "en", own) == 0.46
    assert sentiment_of("I love it", "en", own) == sentiment_of("I love it", "en", {})


@pytest.mark.parametrize(
    "words", ["aboard affronted accidental", "aboard adopt absentees", "aboard ability accidentally"]
)
def test_words_that_cancel_out_are_neutral_however_a_python_rounds_their_sum(words: str) -> None:
    text = " and then ".join(words.split())
    assert sentiment_of(f"{text} ever!!!", "en", {}) == 0.0


@given(st.text(max_size=300), st.sampled_from(["en", "de", "fr", ""]))
def test_any_text_gives_a_number_in_bounds_or_none_and_always_the_same(text: str, language: str) -> None:
    said = sentiment_of(text, language, GERMAN)
    assert said is None or -1.0 <= said <= 1.0
    assert said == sentiment_of(text, language, GERMAN)


def test_no_more_of_a_text_is_read_than_is_bounded() -> None:
    assert sentiment_of("x " * (LONGEST // 2) + "love", "en", {}) is None
    assert sentiment_of("great " * 10_000, "en", {}) == sentiment_of(("great " * 10_000)[:LONGEST], "en", {})
