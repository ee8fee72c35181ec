"""What the learned choice, each action for everybody, and a random one would have brought on a log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.learning.off_policy import Value, difference, value
from models.simulation.logged_choice import Decided, Logged

Floats = NDArray[np.float64]
Kind = Literal["learned", "with_promise", "random", "constant"]

LEARNED, WITH_PROMISE, RANDOM = "learned", "learned_with_promise", "random"


class Judged(NamedTuple):
    """A policy, what it would have brought, and what it does: its mean chance of each action."""

    name: str
    kind: Kind
    value: Value
    does: tuple[float, ...]


class Against(NamedTuple):
    """What one policy brings more than another, a row, and its standard error: on the same rows."""

    name: str
    other: str
    mean: float
    se: float


class Report(NamedTuple):
    """policies: the learned one, the same with its caution and floors, each action for everybody, a random one.

    best: the name of the best action for everybody, known afterwards only. against: the learned one against it and
    against the first action.
    """

    policies: list[Judged]
    best: str
    against: list[Against]


def judged(log: Logged, decided: Decided, actions: Sequence[str], rows: slice) -> Report:
    """actions: their names. rows: on which all are judged."""
    taken, propensities, rewards = log.taken[rows], log.propensities[rows], log.rewards[rows]
    expected = decided.expected[rows]
    places = np.arange(len(rewards))
    expected_done = expected[places, taken]
    found: list[Judged] = []
    weighed: dict[str, Floats] = {}
    for name, kind, chosen, means, does in _targets(decided, taken, expected, actions, rows):
        weights = chosen / propensities
        found.append(Judged(name, kind, value(weights, rewards, means, expected_done), does))
        if kind in ("learned", "constant"):
            weighed[f"{kind} {name}"] = weights
    constants = [one for one in found if one.kind == "constant"]
    best = max(
        constants, key=lambda one: (one.value.snips if one.value.snips == one.value.snips else -np.inf, one.name)
    )
    mine = weighed[f"learned {LEARNED}"]
    against = [
        Against(LEARNED, other, *difference(mine, weighed[f"constant {other}"], rewards))
        for other in dict.fromkeys((best.name, actions[0]))
    ]
    return Report(found, best.name, against)


def _targets(
    decided: Decided, taken: NDArray[np.int64], expected: Floats, actions: Sequence[str], rows: slice
) -> Iterator[tuple[str, Kind, Floats, Floats, tuple[float, ...]]]:
    """Of each policy: name, kind, its chance of what was done, what it is expected to bring, its mean chances."""
    places, count = np.arange(len(taken)), len(actions)
    best, chances = decided.best[rows], decided.chances[rows]
    does = np.bincount(best, minlength=count) / len(best)
    yield LEARNED, "learned", (best == taken).astype(np.float64), expected[places, best], tuple(does.tolist())
    promised = (chances * expected).sum(axis=1)
    yield WITH_PROMISE, "with_promise", chances[places, taken], promised, tuple(chances.mean(axis=0).tolist())
    alike = np.full(len(taken), 1.0 / count)
    yield RANDOM, "random", alike, expected.mean(axis=1), (1.0 / count,) * count
    for place, name in enumerate(actions):
        only = tuple(float(place == other) for other in range(count))
        yield name, "constant", (taken == place).astype(np.float64), expected[:, place], only
