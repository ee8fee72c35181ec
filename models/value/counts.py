"""MBG/NBD for counts of purchase days: the churn model's fit, with a prior that the shop's own pace sets.

The churn model's prior says that a purchase rate is of the scale of half a horizon: it only has to say who is gone.
Counts need the rate itself. Of a shop whose customers buy each week and a horizon of a quarter it is off by ten, and
for the first weeks the prior is most of what is known. So here the median of α is such that the prior's mean rate is
the one seen so far, repeat purchase days over customer-weeks (an empirical prior: Robbins 1956).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from models.churn.mbg.fit import Customers, MbgParameters, MbgPrior, fit
from models.churn.mixture.reservoir import Reservoir
from models.features.basis import DAYS_COLUMN, RECENCY_COLUMN, TENURE_COLUMN
from models.settings import DAY, WEEK

A_WEEKS_WORTH: Final = 12.0
"""Customers: how much a week of log tells at most, however many customers there are, as in the churn model."""
PRIOR_CUSTOMERS: Final = 10.0
"""Customers of the churn model's prior that the pace seen is shrunk by, each of the horizon's own scale of weeks."""


def fitted(sample: Reservoir, silence: int, age_days: float, prior: MbgPrior, start: MbgParameters) -> MbgParameters:
    """The parameters by customers, each as of the last look at them.

    Who has been silent for too long to be looked at any more is known to be so up to the newest look at anybody.

    Args:
        sample: customers as they were last looked at, one at least.
        silence: after which nobody looks at a customer any more, ms.
        age_days: of the log.
        prior: of the churn model.
        start: parameters of the fit before.
    """
    bases = sample.bases.astype(np.float64)
    unseen = sample.observed_at.max() - sample.observed_at
    gone = bases[:, RECENCY_COLUMN] * DAY + unseen > silence
    since = np.where(gone, unseen, 0) / WEEK
    tenure, recency = bases[:, TENURE_COLUMN] * DAY / WEEK, bases[:, RECENCY_COLUMN] * DAY / WEEK
    x = np.maximum(bases[:, DAYS_COLUMN] - 1.0, 0.0)
    last = np.maximum(tenure - recency, 0.0)
    age = np.maximum(tenure, last) + since
    weeks = max(age_days * DAY / WEEK - 1.0, 1.0)
    worth = 1.0 / (1.0 / len(x) + 1.0 / (A_WEEKS_WORTH * weeks))
    medians = prior.medians
    seen = (float(np.cumsum(x)[-1]) + PRIOR_CUSTOMERS * medians.r) / (
        float(np.cumsum(age)[-1]) + PRIOR_CUSTOMERS * medians.alpha
    )
    own = prior._replace(medians=medians._replace(alpha=medians.r / seen))
    return fit(Customers(x, last, age), own, worth, start)
