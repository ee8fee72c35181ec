"""How a text was meant, where nobody upstream says so: by the words of a lexicon, in the languages that have one.

English is read with VADER (Hutto & Gilbert, ICWSM 2014: a lexicon with rules for negation, degree and emphasis), other
languages with the words that the policy gives, by the same rules. Where no word of the lexicon is in it, nobody knows
how it was meant, which is not the same as neutral.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final, NamedTuple

from models.numerics.valences import Analyzer

ENGLISH: Final = "en"
LONGEST: Final = 1_000
"""Characters of a text that are read: its time is bounded, and so is what a single word counts for in the end."""
LIKED: Final = 2.0
"""What a word weighs that the policy calls good, on VADER's scale of -4 to 4; what it calls bad weighs as much
below."""
DECIMALS: Final = 2


class Words(NamedTuple):
    """Of a language, in lower case. not_: that turn what follows round."""

    good: tuple[str, ...] = ()
    bad: tuple[str, ...] = ()
    not_: tuple[str, ...] = ()


def sentiment_of(text: str, language: str, words: Mapping[str, Words]) -> float | None:
    """From -1 to 1; None: it is not known.

    Args:
        text: what was said.
        language: a BCP 47 tag; only its first part counts. Empty: not known.
        words: of the policy, by language.
    """
    spoken = language.partition("-")[0].lower()
    if not text or not (spoken == ENGLISH or spoken in words):
        return None
    scores = _analyzer(spoken == ENGLISH, words.get(spoken, Words())).polarity_scores(text[:LONGEST])
    if not (scores["pos"] or scores["neg"]):
        return None
    return round(scores["compound"], DECIMALS)


@cache
def _analyzer(english: bool, words: Words) -> Analyzer:
    own = dict.fromkeys(words.good, LIKED) | dict.fromkeys(words.bad, -LIKED)
    if english:
        return Analyzer(extra_lexicon=own)
    return Analyzer(own, booster={}, negations=words.not_, special_cases={}, idioms={}, multiword={})
