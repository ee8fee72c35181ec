"""What the expert's kernel is given, and where it puts what it found."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.rivals.job import ENTER, EXIT, MEANS, WEIGHTS

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


class Model(NamedTuple):
    """Weights, shape (44,); the two thresholds; means of amount, quantity and baskets, shape (3,)."""

    weights: Floats
    enter: float
    leave: float
    means: Floats


MODEL: Final = Model(np.array(list(WEIGHTS.values())), ENTER, EXIT, np.array(list(MEANS.values())))


class Batch(NamedTuple):
    """Touchpoints as columns, each of shape (n,). rows: of the records; -1 leaves a touchpoint out.

    times, nows: ms, of the event and of the record in the log. a, b, sentiments: the numbers of its kind.
    """

    rows: Whole
    kinds: Whole
    times: Whole
    nows: Whole
    hashes: NDArray[np.uint64]
    a: Floats
    b: Floats
    sentiments: Floats


class Opened(NamedTuple):
    """Where triggers go: the place of its touchpoint in the batch, and its probability; each of shape (n,)."""

    at: Whole
    probabilities: Floats
