"""VADER's analyzer, whose valences add up to the same on every Python."""

from __future__ import annotations

import math
from typing import Final

from vader import SentimentIntensityAnalyzer
from vader.analyzer import normalize

DECIMALS: Final = 9
"""Of a sum of valences. They have two themselves, times factors of three: what is below is rounding alone."""


class Analyzer(SentimentIntensityAnalyzer):
    """The library adds with `sum`, which rounds otherwise from Python 3.12 on, and goes by the sign of what comes out:
    exclamation marks strengthen a sum of 5e-17 that is none. Here they are added exactly (`math.fsum`) and rounded, so
    that a replay gives the same bytes on every Python, and words that cancel out are neutral."""

    def _score_valence(self, sentiments: list[float], text: str) -> dict[str, float]:
        scores = super()._score_valence(sentiments, text)
        total = round(math.fsum(sentiments), DECIMALS)
        if total:
            total += math.copysign(self._punctuation_emphasis(text), total)
        return {**scores, "compound": round(normalize(total, self.alpha), 4)}
