"""What compiled code needs to put a price on customers as they are scored: a version's value model, and where its tiers
begin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.churn.mixture.probability import NO_MIXTURE, Mixture
from models.churn.mixture.scorer import MixtureScorer
from models.churn.snapshot import SnapshotRefused
from models.numerics.compiled import compiled
from models.settings import DAY, EngineSettings
from models.value.pyramid import BAND, EDGES, MOST
from models.value.schema import value_schema
from models.value.scorer import valuation_of
from models.value.scoring import CORRECTION, Valuation
from models.value.visits import Course, course_of

MOST_TIERS: Final = 8
"""That a policy has, the lowest among them."""
_EDGES = np.array(EDGES, dtype=np.int64)
_MOST = float(MOST)


class Appraisal(NamedTuple):
    """mixture, valuation, course: as for `models.value.scoring.values_of`. cuts: lowest buckets by class of customers,
    from the top, for all tiers but the lowest, -1 where there are no more; shape (classes, MOST_TIERS - 1). on: whether
    there is a value model; shape (1,)."""

    mixture: Mixture
    valuation: Valuation
    course: Course
    cuts: NDArray[np.int64]
    on: NDArray[np.bool_]


def nothing_to_appraise_with(classes: int) -> Appraisal:
    """Nobody's value is known. classes: of customers."""
    empty = Valuation(np.ones(4), np.zeros(CORRECTION), np.ones(4), np.ones(3))
    cuts = np.full((classes, MOST_TIERS - 1), -1, dtype=np.int64)
    return Appraisal(NO_MIXTURE, empty, course_of(7.0), cuts, np.zeros(1, dtype=np.bool_))


def appraisal_of(
    stated: Mapping[str, Any],
    mixture: Mixture | None,
    settings: EngineSettings,
    classes: Sequence[str],
    shares: Sequence[float],
) -> Appraisal:
    """From what a version says of values (`models.churn.snapshot.Version.value`).

    Args:
        stated: plain data. Where it is of another value model than this release's, nobody's value is known.
        mixture: the churn model that the version scores with, where it is this one; else the version names it.
        settings: the engine's.
        classes: of customers, by number.
        shares: of the policy's tiers. Of others than those that the cuts are of there are no tiers.

    Raises:
        SnapshotRefused: a field does not fit.
    """
    found = nothing_to_appraise_with(len(classes))
    if stated.get("scorer") != value_schema():
        return found
    if isinstance(named := stated.get("mixture"), Mapping):
        mixture = MixtureScorer.of(named, settings).mixture
    if mixture is None:
        raise SnapshotRefused("the values of a version name no model of silence, and it has none of its own")
    tiers = stated.get("tiers")
    if isinstance(tiers, Mapping) and list(tiers.get("shares", ())) == list(shares):
        for name, cuts in tiers["cuts"].items():
            if name in classes:
                found.cuts[list(classes).index(name), : len(cuts)] = cuts
    course = course_of(settings.horizon / DAY, settings.tick / DAY)
    return found._replace(mixture=mixture, valuation=valuation_of(stated), course=course, on=np.ones(1, dtype=np.bool_))


@compiled
def bucket_in(value: float) -> int:
    """`models.value.pyramid.bucket_of`."""
    if not value > 0.0:
        return 0
    hundredths = np.int64(min(value * 100.0, _MOST))
    low, high = 0, _EDGES.shape[0]
    while low < high:
        middle = (low + high) // 2
        if hundredths < _EDGES[middle]:
            high = middle
        else:
            low = middle + 1
    return low - 1


@compiled
def tier_in(bucket: int, cuts: Any, old: int) -> int:
    """`models.value.pyramid.tier_of`. cuts: a row of `Appraisal.cuts`; -1 where there are no tiers. old: -1: none."""
    plain, upper, lower, tiers = 0, 0, 0, 0
    for i in range(cuts.shape[0]):
        if cuts[i] >= 0:
            tiers += 1
            plain += bucket < cuts[i]
            upper += bucket < cuts[i] + BAND
            lower += bucket < cuts[i] - BAND
    if tiers == 0:
        return -1
    if old < 0 or old > tiers or plain == old:
        return plain
    if plain > old:
        return max(lower, old)
    return min(upper, old)
