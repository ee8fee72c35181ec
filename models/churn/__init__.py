"""The churn model: its port, its versions, and the model in use."""

from models.churn.contest import Contest
from models.churn.drivers import Driver, drivers
from models.churn.mixture_learner import MixtureLearner
from models.churn.mixture_scorer import MixtureScorer
from models.churn.port import Learner, Outcomes, Scorer
from models.churn.river_model import RiverModel, RiverScorer
from models.churn.snapshot import UNTRAINED, Promotion, SnapshotRefused, Version, seal, unseal
from models.churn.version import schema_of, scorer_of

__all__ = [
    "UNTRAINED",
    "Contest",
    "Driver",
    "Learner",
    "MixtureLearner",
    "MixtureScorer",
    "Outcomes",
    "Promotion",
    "RiverModel",
    "RiverScorer",
    "Scorer",
    "SnapshotRefused",
    "Version",
    "drivers",
    "schema_of",
    "scorer_of",
    "seal",
    "unseal",
]
