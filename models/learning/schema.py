"""The schema hash of model versions: a stored version can be read only by code and settings of the same hash."""

from __future__ import annotations

import msgspec
import xxhash
from river.__version__ import __version__ as river_release

from models.churn.challengers.river_model import CHALLENGERS
from models.churn.mbg import fit
from models.churn.mixture import learner, level, probability, reservoir, trust
from models.churn.mixture.scorer import MixtureScorer
from models.churn.newton import kernels
from models.features import basis, columns
from models.learning import comparison, confidence_sequence
from models.settings import EngineSettings

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
)


def schema_of(settings: EngineSettings) -> str:
    """Names what a stored model belongs to: the model's family, its constants and features, the challengers'
    parameters, and all settings that decide.

    Settings that are not the model's own decide which examples there are, at which boundaries, and what was predicted.
    """
    constants = [
        {name: value for name, value in vars(module).items() if name.isupper() and _is_plain(value)}
        for module in _MODULES
    ]
    challengers = {name: repr(make()) for name, make in CHALLENGERS.items()}
    named = [MixtureScorer.KIND, river_release, constants, challengers, settings.deciding()]
    return xxhash.xxh3_64_hexdigest(msgspec.json.encode(named, order="sorted"))


def _is_plain(value: object) -> bool:
    return isinstance(value, int | float | str) or (isinstance(value, tuple) and all(map(_is_plain, value)))
