"""Customers side by side: each has the bits of the plain form, whoever is in the lanes beside them."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from array import array
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.churn.crossing import Ahead, foresee, looks_for
from models.churn.mixture.probability import Mixture, parts, probabilities
from models.churn.mixture.scorer import MixtureScorer
from models.customer.layout import BASIS
from models.features import COLUMNS
from models.features.silence import rolled
from models.numerics.compiled import LANES
from models.settings import DAY
from tests.reference import crossing as plain
from tests.reference.mixture import probability
from tests.unit.models.churn.test_crossing import NOW, PLACE, customer, mixture

SEEDS = st.integers(0, 10**6)
PROGRAM = f"from {__name__} import digest; print(digest())"
ROOT = Path(__file__).resolve().parents[4]


def at_an_edge(seed: int) -> NDArray[np.float32]:
    """Somebody whose history takes another way than most."""
    basis, random = customer(seed), np.random.default_rng(seed)
    match seed % 8:
        case 0:  # no purchase at all
            basis[:] = 0.0
        case 1:  # one, and no gap
            basis[PLACE["purchase_days"]], basis[PLACE["gap_max"] : PLACE["amount_last"]] = 1.0, 0.0
        case 2:  # silent for far longer than any gap: the tail's logarithm
            gap = np.log(2.0)
            basis[:7] = 2_000.0, 2_200.0, 101.0, 2.0, 100.0 * gap, 100.0 * gap**2, gap
        case 3:  # nothing counted
            basis[PLACE["purchases_14"] :] = 0.0
        case 4:  # more than can be
            basis[PLACE["purchase_days"]], basis[PLACE["purchases_14"] :] = 1e7, 1e30
        case 5:  # within the day of the first purchase
            basis[PLACE["recency_days"]] = basis[PLACE["tenure_days"]] = 0.0
        case 6:  # a tenure that is shorter than the recency, as rounding may leave it
            basis[PLACE["tenure_days"]] = basis[PLACE["recency_days"]] * np.float32(0.999)
        case _:
            basis[PLACE["amount_last"] : PLACE["purchases_14"]] = random.choice([-50.0, 0.0, 50.0], 5)
    return basis


def crowd(seed: int, size: int) -> NDArray[np.float32]:
    return np.stack([(at_an_edge if row % 3 else customer)(seed + row) for row in range(size)])


class Foreseen(NamedTuple):
    risks: NDArray[np.float64]
    crossings: NDArray[np.int64]


def ahead_of(bases: NDArray[np.float32], seed: int, enter: float) -> Ahead:
    random, size = np.random.default_rng(seed), len(bases)
    nows = NOW + random.integers(0, DAY, size)
    ticks = np.where(random.random(size) < 0.1, 0, nows + random.integers(1, 20 * DAY, size))
    at_risk = random.random(size) < 0.2
    reached, exits = np.where(at_risk, enter, 0.0), np.where(at_risk, enter / 2, enter)
    return Ahead(bases, nows, ticks, reached, exits, np.zeros(size, dtype=np.int64))


def foreseen(version: Mixture, ahead: Ahead, *enter: float) -> Foreseen:
    found = Foreseen(np.empty(len(ahead.nows)), np.empty(len(ahead.nows), dtype=np.int64))
    ladders = np.array([[*enter, *[np.inf] * (3 - len(enter))]])
    foresee(ahead, ladders, version, looks_for(version), *found)
    return found


def digest() -> str:
    """Of scores and crossings of many."""
    hashed = hashlib.sha256()
    for seed in range(8):
        bases = crowd(100 * seed, 40)
        found = foreseen(mixture(seed), ahead_of(bases, seed, 0.6), 0.6)
        hashed.update(found.risks.tobytes() + found.crossings.tobytes())
    return hashed.hexdigest()


@settings(max_examples=40, deadline=None)
@given(SEEDS, SEEDS, st.sampled_from([28.0, 91.0]))
def test_a_score_has_the_bits_of_the_plain_form(model: int, who: int, horizon: float) -> None:
    scorer, bases = MixtureScorer(mixture(model, horizon=horizon)), crowd(who, 21)
    wanted = [probability(scorer, array("f", basis.tolist())) for basis in bases]
    assert scorer.score(bases).tolist() == wanted


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.floats(-30.0, 60.0))
def test_a_basis_is_rolled_to_the_bits_of_the_plain_form(who: int, days: float) -> None:
    bases = crowd(who, 19)
    wanted = [plain.rolled(array("f", basis.tolist()), days).tolist() for basis in bases]
    assert rolled(bases, np.full(len(bases), days)).tolist() == wanted


@settings(max_examples=25, deadline=None)
@given(SEEDS, SEEDS, st.floats(0.2, 0.9))
def test_a_crossing_is_the_one_that_the_plain_search_finds(model: int, who: int, enter: float) -> None:
    version = mixture(model, spread=0.15)
    ahead = ahead_of(crowd(who, 24), who, enter)
    found, scorer = foreseen(version, ahead, enter), MixtureScorer(version)
    for row, (basis, now, tick, reached, leave, _) in enumerate(zip(*ahead, strict=True)):
        wanted = 0
        if tick and found.risks[row] < (leave if reached else enter):
            wanted = plain.crossing(scorer, array("f", basis.tolist()), int(now), int(tick), enter)
        assert found.crossings[row] == wanted


@settings(max_examples=15, deadline=None)
@given(SEEDS, SEEDS, st.lists(st.floats(0.1, 0.9), min_size=3, max_size=3, unique=True).map(sorted))
def test_of_several_levels_the_next_is_looked_for_above_the_risk_and_what_has_asked(
    model: int, who: int, levels: list[float]
) -> None:
    version = mixture(model, spread=0.15)
    ahead = ahead_of(crowd(who, 16), who, levels[0])
    found, scorer = foreseen(version, ahead, *levels), MixtureScorer(version)
    for row, (basis, now, tick, reached, leave, _) in enumerate(zip(*ahead, strict=True)):
        risk, wanted = found.risks[row], 0
        least = risk if risk < leave else max(risk, reached)
        above = [level for level in levels if level > least]
        if tick and above:
            wanted = plain.crossing(scorer, array("f", basis.tolist()), int(now), int(tick), above[0])
        assert found.crossings[row] == wanted


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.integers(1, 3 * LANES), st.data())
def test_it_does_not_matter_who_is_in_the_lanes_beside(seed: int, size: int, data: st.DataObject) -> None:
    version, ahead = mixture(seed), ahead_of(crowd(seed, size), seed, 0.5)
    together = foreseen(version, ahead, 0.5)
    order = np.array(data.draw(st.permutations(range(size))))
    cuts = sorted(data.draw(st.lists(st.integers(0, size), max_size=4)))
    for chosen in np.split(order, cuts):
        part = Ahead(*(column[chosen] for column in ahead))
        found = foreseen(version, part, 0.5)
        assert found.risks.tobytes() == together.risks[chosen].tobytes()
        assert found.crossings.tolist() == together.crossings[chosen].tolist()
        assert probabilities(part.bases, version).tobytes() == found.risks.tobytes()


def test_what_a_probability_is_made_of_is_that_of_each_alone() -> None:
    version, bases = mixture(5), crowd(11, 37)
    together = parts(bases, version)
    for row in range(len(bases)):
        alone = parts(bases[row : row + 1], version)
        assert [one.tolist() for one in alone] == [[column[row]] for column in together]


def test_of_nobody_nothing_is_said() -> None:
    assert probabilities(np.empty((0, BASIS), dtype=np.float32), mixture(1)).tolist() == []
    assert len(COLUMNS) == BASIS


@pytest.mark.slow
def test_another_processor_computes_the_same_bits(tmp_path: Path) -> None:
    """One that has no wide registers, as the compiler knows it."""
    environment = {
        **os.environ,
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_CPU_FEATURES": "",
        "NUMBA_CACHE_DIR": str(tmp_path),
    }
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, env=environment, text=True, capture_output=True)
    assert done.stdout.strip() == digest(), done.stderr
