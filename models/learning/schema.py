"""The schemas of the model: of the learner, and of what scores with its versions.

A learner goes on from a stored state only with the same *learner schema*. A version, whoever learned it, can be scored
with the same *scorer schema*, which changes much more seldom: a new release may learn otherwise and still score with
what the old one left, until what it learns itself has come as far.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import msgspec
import xxhash
from river.__version__ import __version__ as river_release

from models.churn.challengers.river_model import CHALLENGERS, FLOOR, RiverScorer
from models.churn.mbg import fit
from models.churn.mixture import learner, level, probability, reservoir, trust
from models.churn.mixture.scorer import MixtureScorer
from models.churn.newton import kernels
from models.features import basis, columns
from models.learning import comparison, confidence_sequence
from models.numerics.constants import constants_of
from models.settings import EngineSettings
from models.value import columns as money
from models.value import correction, counts, scoring, spend, visits
from models.value import learner as value_learner
from models.value import level as value_level

_MODULES = (
    basis,
    columns,
    comparison,
    confidence_sequence,
    level,
    fit,
    probability,
    learner,
    kernels,
    reservoir,
    trust,
    money,
    correction,
    counts,
    value_learner,
    value_level,
    scoring,
    spend,
    visits,
)


_SCORED_BY = (probability,)

SCORING: Final = 1
"""To be raised where the code that scores reads a stored version otherwise, and no constant tells."""

FIRST: Final = {MixtureScorer.KIND: "5a06ff5b1ae6d4de", RiverScorer.KIND: "7ff42d99d48e8035"}
"""What was scored by before versions said so: a version of these says nothing."""


def schema_of(settings: EngineSettings) -> str:
    """The learner schema: names what a stored model belongs to: the model's family, its constants and features, the
    challengers' parameters, and all settings that decide.

    Settings that are not the model's own decide which examples there are, at which boundaries, and what was predicted.
    """
    constants = constants_of(_MODULES)
    named = [MixtureScorer.KIND, river_release, constants, _challengers(), settings.deciding()]
    return xxhash.xxh3_64_hexdigest(msgspec.json.encode(named, order="sorted"))


@cache
def _challengers() -> dict[str, str]:
    """By name, with all parameters. To make a forest takes a millisecond."""
    return {name: repr(make()) for name, make in CHALLENGERS.items()}


def scorer_schema(kind: str) -> str:
    """The scorer schema of versions of a kind of model: what this release scores them by; empty for the `FIRST`."""
    modules = (basis, columns, *(_SCORED_BY if kind == MixtureScorer.KIND else ()))
    named: list[object] = [kind, SCORING, constants_of(modules)]
    if kind == RiverScorer.KIND:
        named += [river_release, FLOOR]
    found = xxhash.xxh3_64_hexdigest(msgspec.json.encode(named, order="sorted"))
    return "" if found == FIRST.get(kind) else found
