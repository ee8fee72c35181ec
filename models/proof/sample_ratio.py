"""Whether as many were held out as should have been: a mismatch says that the comparison itself is broken.

A mixture e-process over other shares (Lindon and Malek, Anytime-valid inference for multinomial count data, 2022): the
chance that it ever reaches x, where the share is as it was set, is at most 1/x. So it may be watched, and stays as it
once was: what was broken is not mended by what comes later.
"""

from __future__ import annotations

from math import exp, log
from typing import Final

WARNS, BLANKS = 20.0, 1_000.0
"""Evidence from which on a mismatch is told, and from which on nothing else is shown."""
_PRIOR: Final = 200.0
"""Weight of the set share in the mixture, units."""


class SampleRatio:
    """Evidence against a set share of control. Units come one by one, each with the share that was set at its time."""

    def __init__(self) -> None:
        self.units = self.controls = 0
        self.expected = 0.0
        self._log_null = 0.0
        self._alpha = self._beta = 0.0
        self._log_mixture = 0.0
        self._greatest = 0.0

    def add(self, control: bool, share: float) -> None:
        """A unit. share: of control, set at its time; 0 < share < 1."""
        if not self.units:
            self._alpha, self._beta = _PRIOR * share, _PRIOR * (1.0 - share)
        self.units += 1
        self.controls += control
        self.expected += share
        total = self._alpha + self._beta
        self._log_mixture += log((self._alpha if control else self._beta) / total)
        self._log_null += log(share if control else 1.0 - share)
        if control:
            self._alpha += 1.0
        else:
            self._beta += 1.0
        self._greatest = max(self._greatest, self._log_mixture - self._log_null)

    @property
    def evidence(self) -> float:
        """The greatest that it ever was."""
        return exp(min(self._greatest, 700.0))

    @property
    def warns(self) -> bool:
        return self.evidence >= WARNS

    @property
    def blanks(self) -> bool:
        return self.evidence >= BLANKS
