"""Customer lifetime value: expected purchase days times spend a day, corrected by what came, at one level."""

from models.value.columns import MONEY_COLUMNS, NOBODY, NOTHING_MATURED, Matured, Observed, money_of
from models.value.learner import ValueLearner
from models.value.scorer import ValueScorer
from models.value.scoring import Values

__all__ = [
    "MONEY_COLUMNS",
    "NOBODY",
    "NOTHING_MATURED",
    "Matured",
    "Observed",
    "ValueLearner",
    "ValueScorer",
    "Values",
    "money_of",
]
