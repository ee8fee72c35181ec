"""Table of a policy file that says when a customer is at which stage of the loyalty loop, and what weighs how much."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from models.decisions.policy.parts import Duration, Identifier, Part

Weight = Annotated[float, Meta(ge=0, le=100)]


Spoken = Annotated[str, Meta(pattern="^[a-z]{2,8}$", max_length=8, description='a language such as "de"')]
Word = Annotated[str, Meta(pattern="^[^A-Z\\s]+$", max_length=40, description="a word in lower case")]
SomeWords = Annotated[tuple[Word, ...], Meta(max_length=300)]


class LanguageWords(Part, frozen=True, kw_only=True):
    """Words of a language by which a text is good or bad, as far as upstream does not say how it was meant.

    good: words. bad: words. negations: words that turn round what follows within three words.
    """

    good: SomeWords = ()
    bad: SomeWords = ()
    negations: SomeWords = ()


class LoyaltyRules(Part, frozen=True, kw_only=True):
    """The loyalty loop. With this table a stage and an index are kept of every customer, without it they are not.

    half_life: what an experience weighs halves in so long. losses: a bad one weighs so many times what a good one of
    its size does. weights: by type of touchpoint, what one weighs at its best or worst, in place of the usual; 0: it
    does not count. active_from: from so many days with a purchase on a customer is no longer new. advocate_from: from
    so many times on that they spoke well of us they are an advocate. advocate_for: for so long after the last time that
    they did. lapses_after: they are lapsed after so long a silence; without it after two horizons; where `alive`
    is contract, once they have cancelled, too. won_back_for: who had slipped or lapsed and buys is won back for so
    long. texts: whether what a customer says is read for its words where no sentiment comes with it, in English and in
    the languages of `words`. words: by language, such as de; of en beside the lexicon's own.
    """

    half_life: Duration = "90d"
    losses: Annotated[float, Meta(ge=1, le=10)] = 2.0
    weights: dict[Identifier, Weight] = msgspec.field(default_factory=dict)
    active_from: Annotated[int, Meta(ge=1, le=100)] = 2
    advocate_from: Annotated[int, Meta(ge=1, le=1_000)] = 2
    advocate_for: Duration = "365d"
    lapses_after: Duration | None = None
    won_back_for: Duration = "90d"
    texts: bool = True
    words: Annotated[dict[Spoken, LanguageWords], Meta(max_length=32)] = msgspec.field(default_factory=dict)
