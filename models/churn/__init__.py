"""The churn model: its port (scorer and learner), its versions, and the implementations."""

from models.churn.drivers import Driver, drivers
from models.churn.mixture.learner import MixtureLearner
from models.churn.mixture.scorer import MixtureScorer
from models.churn.port import Learner, Outcomes, Scorer
from models.churn.scorers import scorer_of
from models.churn.snapshot import (
    Promotion,
    SnapshotRefused,
    Version,
    boundary_in,
    lineage_name,
    schema_in,
    seal,
    unseal,
    unseal_to_score,
)

__all__ = [
    "Driver",
    "Learner",
    "MixtureLearner",
    "MixtureScorer",
    "Outcomes",
    "Promotion",
    "Scorer",
    "SnapshotRefused",
    "Version",
    "boundary_in",
    "drivers",
    "lineage_name",
    "schema_in",
    "scorer_of",
    "seal",
    "unseal",
    "unseal_to_score",
]
