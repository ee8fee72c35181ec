"""Feature extraction: how touchpoints update a customer's behaviour, and what the churn model reads of it."""

from models.features.basis import COLUMNS, bases_of, basis_of
from models.features.behaviour import update
from models.features.columns import FEATURES, ROOM, WIDTH, features_of

__all__ = ["COLUMNS", "FEATURES", "ROOM", "WIDTH", "bases_of", "basis_of", "features_of", "update"]
