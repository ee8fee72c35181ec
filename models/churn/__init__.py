"""The churn model: its port, its versions, and the model in use."""

from models.churn.logistic import LogisticLearner, LogisticScorer, schema_of, scorer_of
from models.churn.port import Driver, Learner, Scorer
from models.churn.snapshot import UNTRAINED, SnapshotRefused, Version, seal, unseal

__all__ = [
    "UNTRAINED",
    "Driver",
    "Learner",
    "LogisticLearner",
    "LogisticScorer",
    "Scorer",
    "SnapshotRefused",
    "Version",
    "schema_of",
    "scorer_of",
    "seal",
    "unseal",
]
