"""Online logistic and complementary log-log regression with Newton steps, as River classifiers.

Each example is one step of an extended Kalman filter on the weights, with their full covariance: a Gaussian posterior
that is linearised anew at every label, which is an online natural gradient (West, Harrison and Migon 1985, "Dynamic
generalized linear models and Bayesian forecasting", JASA 80; Ollivier 2018, "Online natural gradient as a Kalman
filter", EJS 12). There is no learning rate to choose and nothing to scale, and the covariance says how sure the
estimate is. The steps are those of models.churn.newton.kernels: the same bits whatever the batch and the CPU.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from copy import deepcopy
from math import fsum, sqrt
from statistics import NormalDist
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from river import base
from river.utils import dataframe

from models.churn.newton import kernels as kernels
from models.churn.newton.posterior import (
    NO_OFFSETS,
    ONCE,
    Floats,
    Posterior,
    checked,
    columns_of,
    labels_of,
    laid,
    number_of,
    numbers_of,
    offsets_of,
    shares_of,
    within,
)
from models.churn.snapshot import SnapshotRefused

_LEAST, _MOST = 1e-12, 1e12  # bounds of the prior's parameters: far beyond use, far within a float64


class _Newton(base.MiniBatchClassifier):
    """What both links share. A weight starts at zero, with the variance of its prior, when its feature is first met."""

    _link: ClassVar[int]

    def __init__(
        self,
        precision: float,
        intercept_variance: float,
        walk: float,
        prior_precision: dict[str, float] | None,
        intercept: bool,
    ) -> None:
        self.precision = precision
        self.intercept_variance = intercept_variance
        self.walk = walk
        self.prior_precision = prior_precision
        self.intercept = intercept
        within("precision", precision, _LEAST, _MOST)
        within("intercept_variance", intercept_variance, _LEAST, _MOST)
        within("walk", walk, 0.0, _MOST)
        for name, value in (prior_precision or {}).items():
            within(f"prior_precision of {name!r}", value, _LEAST, _MOST)
        self._bound: int | None = None
        self._posterior = Posterior(intercept_variance / precision if intercept else None)

    # The state

    @property
    def names(self) -> tuple[Hashable, ...]:
        """The features met so far, in the order of `weights` and `covariance`."""
        return tuple(self._posterior.names)

    @property
    def weights(self) -> Floats:
        """Means of the weights: the intercept's first, if there is one, then by `names`. A read-only copy."""
        return _frozen(self._posterior.weights.copy())

    @property
    def covariance(self) -> Floats:
        """Covariance of the weights, square, ordered like them. A read-only copy, of d³ operations."""
        return _frozen(self._posterior.covariance())

    def drift(self, times: float = 1) -> None:
        """Let the weights have changed: each one's variance grows by times · walk of its prior variance.

        A random walk, by which old examples count less and less. The caller says when stream time has passed.
        """
        within("times", times, 0.0, _MOST)
        first = [self.intercept_variance / self.precision] if self.intercept else []
        priors = first + [self._prior(name) for name in self._posterior.names]
        kernels.widen(self._posterior.root, np.array(priors) * (self.walk * times))

    def snapshot(self) -> dict[str, Any]:
        """All of the learner as plain data (JSON types). Raises ValueError if a feature's name is not a string.

        `root` is the upper triangle R of the root of the covariance R Rᵀ, column after column.
        """
        known = self._posterior
        if odd := [name for name in known.names if not isinstance(name, str)]:
            raise ValueError(f"the feature {odd[0]!r} can't be written down; a snapshot needs names that are strings")
        plain = {"names": known.names.copy(), "weights": known.weights.tolist(), "root": known.root.tolist()}
        return self._kind() | plain

    def restore(self, state: Mapping[str, Any]) -> None:
        """Become the learner of the snapshot, to the bit. Raises SnapshotRefused, changing nothing, when it does not
        fit: of another learner, with other parameters, in another order than is bound, or damaged."""
        for key, own in self._kind().items():
            if state.get(key) != own:
                raise SnapshotRefused(f"{key} is {state.get(key)!r} in the snapshot, {own!r} here")
        names, bound = state.get("names"), self._posterior.names[: self._bound or 0]
        if isinstance(names, list) and names[: len(bound)] != bound:
            raise SnapshotRefused(f"names is {names!r}; bound here is another order: {bound!r}")
        self._posterior.restore(names, state.get("weights"), state.get("root"))

    # One example: a dictionary. Features that it lacks are zero.

    def learn_one(self, x: Mapping[Any, Any], y: Any, w: float = 1.0, offset: float = 0.0) -> None:
        """Learn one example, which counts `w` times; `offset` is added to its linear predictor.

        Raises ValueError, with nothing learned, for a value that is no finite number and for a label that is neither
        true nor false.
        """
        names, row = numbers_of(x)
        label, shift = labels_of([y]), np.array([number_of("offset", offset)])
        within("w", w, 0.0, _MOST)
        self._admit_unordered(names)
        if w > 0.0:
            self._posterior.learn(self._link, self._posterior.ordered(names, row), label, shift, np.array([w]))

    def predict_proba_one(self, x: Mapping[Any, Any], *, offset: float = 0.0, **_: Any) -> dict[Any, float]:
        eta, _names, _row = self._linear_one(x, offset)
        p = kernels.probability(self._link, eta)
        return {False: 1.0 - p, True: p}

    def predict_interval_one(
        self, x: Mapping[Any, Any], level: float = 0.9, *, offset: float = 0.0
    ) -> tuple[float, float]:
        """Credible interval (low, high) of the probability of True: of the linear predictor, whose posterior variance
        is x′Px, through the link. A feature never met adds the variance of its prior."""
        if not 0.0 < level < 1.0:
            raise ValueError(f"level is {level!r}; it must be above 0 and below 1")
        eta, names, row = self._linear_one(x, offset)
        [variance] = self._posterior.variance(self._posterior.ordered(names, row)).tolist()
        unmet = [(n, v) for n, v in zip(names, row[0].tolist(), strict=True) if n not in self._posterior.slots]
        variance += fsum(value * value * self._prior(name) for name, value in unmet)
        # Nine digits: those behind come from libm, and differ between CPUs.
        half = round(NormalDist().inv_cdf(0.5 + level / 2.0), 9) * sqrt(variance)
        return kernels.probability(self._link, eta - half), kernels.probability(self._link, eta + half)

    # Many examples: a data frame of any kind that River takes

    def learn_many(self, X: Any, y: Any) -> None:  # noqa: N803 - River's name
        """Learn the rows of a data frame in order, to the same bits as one by one; none of them if one is refused."""
        names, rows = columns_of(X)
        labels = labels_of(dataframe.into_series(y).to_numpy())
        if len(labels) != len(rows):
            raise ValueError(f"y has {len(labels)} labels for the {len(rows)} rows of X")
        if len(rows):
            self._admit_unordered(names)
            self._posterior.learn(self._link, self._posterior.ordered(names, rows), labels, NO_OFFSETS, ONCE)

    def predict_proba_many(self, X: Any) -> Any:  # noqa: N803 - River's name
        p = self._probabilities_many(X)
        return dataframe.to_native_frame({False: 1.0 - p, True: p}, like=dataframe.into_frame(X))

    def predict_many(self, X: Any) -> Any:  # noqa: N803 - River's name
        return dataframe.to_native_series(self._probabilities_many(X) > 0.5, name=None, like=dataframe.into_frame(X))

    # Many examples: arrays in a fixed order, for the engine

    def bind(self, names: Iterable[str]) -> None:
        """Fix what the columns of `rows` are. Features not met so far enter with their prior, in this order.

        Raises ValueError if another order is fixed already: by `bind`, or by what was learned or restored.
        """
        wanted: list[Hashable] = list(names)
        if len(set(wanted)) < len(wanted):
            raise ValueError("names holds one feature twice")
        known = self._posterior.names
        common = min(len(known), len(wanted))
        if known[:common] != wanted[:common] or self._bound not in (None, len(wanted)):
            raise ValueError(f"the order is {known!r} already; a learner of {wanted!r} must be a new one")
        self._posterior.admit({name: self._prior(name) for name in wanted[common:]})
        self._bound = len(wanted)

    def learn_rows(
        self, rows: Floats, labels: ArrayLike, offsets: Floats | None = None, weights: Floats | None = None
    ) -> None:
        """Learn rows of shape (n, bound names) in order: the same bits however they are split.

        `labels`: n of 0 and 1, or booleans. `offsets`: n numbers, added to the linear predictors. `weights`: how often
        each row counts, n numbers above zero; None: once. Raises ValueError, with nothing learned, for what is no
        finite number or has another shape.
        """
        rows, truths = self._rows(rows), labels_of(labels)
        if truths.shape != (len(rows),):
            raise ValueError(f"labels have shape {truths.shape}; there must be one a row: ({len(rows)},)")
        shares = shares_of(weights, len(rows))
        self._posterior.learn(self._link, rows, truths, offsets_of(offsets, len(rows)), shares)

    def linear_rows(self, rows: Floats, offsets: Floats | None = None) -> Floats:
        """Linear predictors, shape (n,), not clipped, of rows as for `learn_rows`."""
        rows = self._rows(rows)
        return self._posterior.linear(rows, offsets_of(offsets, len(rows)))

    def variance_rows(self, rows: Floats) -> Floats:
        """Posterior variances x′Px of the linear predictors, shape (n,), of rows as for `learn_rows`."""
        return self._posterior.variance(self._rows(rows))

    # Within

    def _kind(self) -> dict[str, Any]:
        return {"learner": type(self).__name__, "parameters": deepcopy(self._get_params())}

    def _prior(self, name: Hashable) -> float:
        precisions: Mapping[Any, float] = self.prior_precision or {}
        return 1.0 / precisions.get(name, self.precision)

    def _admit_unordered(self, names: list[Hashable]) -> None:
        """By name, for the order of a dictionary or of columns shall change no bit."""
        new = sorted((name for name in names if name not in self._posterior.slots), key=str)
        self._posterior.admit({name: self._prior(name) for name in new})

    def _linear_one(self, x: Mapping[Any, Any], offset: float) -> tuple[float, list[Hashable], Floats]:
        names, row = numbers_of(x)
        shift = np.array([number_of("offset", offset)])
        [eta] = self._posterior.linear(self._posterior.ordered(names, row), shift).tolist()
        return eta, names, row

    def _probabilities_many(self, X: Any) -> Floats:  # noqa: N803 - River's name
        names, rows = columns_of(X)
        out = np.empty(len(rows))
        kernels.probabilities(self._link, self._posterior.linear(self._posterior.ordered(names, rows), NO_OFFSETS), out)
        return out

    def _rows(self, rows: Floats) -> Floats:
        if self._bound is None:
            raise ValueError("rows have no names yet; call bind(names) first")
        found = laid(rows)
        if found.ndim != 2 or found.shape[1] != self._bound:
            raise ValueError(f"rows have shape {found.shape}; they must have {self._bound} columns, as bound")
        return checked(found, self._posterior.names)


class NewtonLogistic(_Newton):
    """Logistic regression by online Newton steps, with a posterior of its weights.

    Args:
        precision: of a weight's prior, 1 / variance; from 1e-12 to 1e12, as the other variances and precisions.
        intercept_variance: the intercept's prior variance over the others'.
        walk: the share of the prior variance that `drift` adds, 0 for none.
        prior_precision: precisions of single features by name, instead of `precision`.
        intercept: whether there is one.

    Raises:
        ValueError: a number out of bounds.

    >>> model = NewtonLogistic(precision=1.0)
    >>> for _ in range(50):
    ...     model.learn_one({"silent_weeks": 8.0}, True)
    ...     model.learn_one({"silent_weeks": 1.0}, False)
    >>> round(model.predict_proba_one({"silent_weeks": 8.0})[True], 1)
    1.0
    """

    _link = kernels.LOGIT

    def __init__(
        self,
        precision: float = 400.0,
        intercept_variance: float = 400.0,
        walk: float = 1e-3,
        prior_precision: dict[str, float] | None = None,
        intercept: bool = True,
    ) -> None:
        super().__init__(precision, intercept_variance, walk, prior_precision, intercept)


class NewtonCloglog(_Newton):
    """Complementary log-log regression, P(True) = 1 − exp(−exp(w·x)), by online Newton steps.

    The link is that of a hazard pooled over equal spans of time (Prentice and Gloeckler 1978, "Regression analysis of
    grouped survival data", Biometrics 34). Arguments and errors are those of NewtonLogistic.

    Its slope grows with the hazard, its information does not: under a wide prior (a precision below about 10, for
    features of order one) an early surprise can throw the weights far off.

    >>> model = NewtonCloglog()
    >>> round(model.predict_proba_one({})[True], 4)  # a hazard of e⁰ = 1: 1 − 1/e
    0.6321
    """

    _link = kernels.CLOGLOG

    def __init__(
        self,
        precision: float = 50.0,
        intercept_variance: float = 100.0,
        walk: float = 1e-3,
        prior_precision: dict[str, float] | None = None,
        intercept: bool = True,
    ) -> None:
        super().__init__(precision, intercept_variance, walk, prior_precision, intercept)


def _frozen(array: Floats) -> Floats:
    array.flags.writeable = False
    return array
