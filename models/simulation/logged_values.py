"""What the learned choice, each action for everybody, and a random one would have brought on a log.

Of our own draws an action for everybody is that action where the gates let it pass, else leaving alone; nothing is said
of what the draw too often gave no chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.learning.off_policy import MOST_UNSUPPORTED, Value, difference, value
from models.simulation.logged_choice import Decided, Logged

Floats = NDArray[np.float64]
Kind = Literal["learned", "with_promise", "random", "constant", "policy"]

LEARNED, WITH_PROMISE, RANDOM = "learned", "learned_with_promise", "random"


class Judged(NamedTuple):
    """A policy, what it would have brought, and what it does: its mean chance of each action."""

    name: str
    kind: Kind
    value: Value
    does: tuple[float, ...]


class Target(NamedTuple):
    """A policy whose chances are known beforehand.

    chances: of each action, of shape (rows, actions). missing: of shape (rows,), its chance of what is none of them.
    """

    name: str
    chances: Floats
    missing: Floats


class Against(NamedTuple):
    """What one policy brings more than another, a row, and its standard error: on the same rows."""

    name: str
    other: str
    mean: float
    se: float


class Report(NamedTuple):
    """policies: the learned one, the same with its caution and floors, a random one, each action for everybody, others.

    best: the name of the best action for everybody, of those that can be judged, if any; known afterwards only.
    against: the learned one against it and against the first action; others against the learned one.
    """

    policies: list[Judged]
    best: str
    against: list[Against]


def judged(log: Logged, decided: Decided, actions: Sequence[str], rows: slice, others: Sequence[Target] = ()) -> Report:
    """actions: their names. rows: on which all are judged. others: policies to be judged too."""
    taken, propensities, rewards = log.taken[rows], log.propensities[rows], log.rewards[rows]
    expected = decided.expected[rows]
    places = np.arange(len(rewards))
    expected_done = expected[places, taken]
    found: list[Judged] = []
    weighed: dict[str, Floats] = {}
    targets = chain(_targets(log, decided, actions, rows), _others(log, decided, others, rows))
    for name, kind, chosen, means, does, unsupported in targets:
        weights = chosen / propensities
        of = value(weights, rewards, means, expected_done, unsupported)
        found.append(Judged(name, kind, of if unsupported <= MOST_UNSUPPORTED else refused(of), does))
        if kind in ("learned", "constant", "policy"):
            weighed[f"{kind} {name}"] = weights
    constants = [one for one in found if one.kind == "constant"]
    best = max(constants, key=_rank)
    mine = weighed[f"learned {LEARNED}"]
    against = [
        Against(LEARNED, other, *difference(mine, weighed[f"constant {other}"], rewards))
        for other in dict.fromkeys((best.name, actions[0]))
    ]
    against += [
        Against(one.name, LEARNED, *difference(weighed[f"policy {one.name}"], mine, rewards))
        for one in found
        if one.kind == "policy" and one.value.unsupported <= MOST_UNSUPPORTED
    ]
    return Report(found, best.name, against)


def _rank(one: Judged) -> tuple[bool, float, str]:
    """Whatever can be judged is before noise: an action that was hardly ever done looks good or bad by chance."""
    snips = one.value.snips
    return one.value.overlap, snips if snips == snips else -np.inf, one.name


def refused(of: Value) -> Value:
    """The same without its estimates: the target does what had no chance, so nothing tells what would have come."""
    nan = float("nan")
    return of._replace(ips=nan, ips_se=nan, snips=nan, snips_se=nan, dr=nan, dr_se=nan)


_Row = tuple[str, Kind, Floats, Floats, tuple[float, ...], float]


def _others(log: Logged, decided: Decided, others: Sequence[Target], rows: slice) -> Iterator[_Row]:
    places, taken = np.arange(len(log.rewards[rows])), log.taken[rows]
    for one in others:
        chances, missing = one.chances[rows], one.missing[rows]
        unsupported = float(np.mean((chances * ~log.open[rows]).sum(axis=1) + missing))
        means = (chances * decided.expected[rows]).sum(axis=1)
        yield one.name, "policy", chances[places, taken], means, tuple(chances.mean(axis=0).tolist()), unsupported


def _targets(log: Logged, decided: Decided, actions: Sequence[str], rows: slice) -> Iterator[_Row]:
    """Of each policy: name, kind, its chance of what was done, what it is expected to bring, its mean chances, and its
    mean chance of what had none."""
    taken, expected, count = log.taken[rows], decided.expected[rows], len(actions)
    places = np.arange(len(taken))
    best, chances = decided.best[rows], decided.chances[rows]
    does = np.bincount(best, minlength=count) / len(best)
    yield LEARNED, "learned", (best == taken).astype(np.float64), expected[places, best], tuple(does.tolist()), 0.0
    promised = (chances * expected).sum(axis=1)
    yield WITH_PROMISE, "with_promise", chances[places, taken], promised, tuple(chances.mean(axis=0).tolist()), 0.0
    open_ = log.open[rows]
    alike = open_ / open_.sum(axis=1)[:, None]
    means = expected.mean(axis=1) if log.draws is None else (alike * expected).sum(axis=1)
    yield RANDOM, "random", alike[places, taken], means, tuple(alike.mean(axis=0).tolist()), 0.0
    for place, name in enumerate(actions):
        # Where an action is not eligible the customer is left alone.
        wanted = np.full(len(taken), place)
        if log.draws is not None:
            wanted = np.where(log.draws.eligible[rows, place], place, 0)
        only = tuple((np.bincount(wanted, minlength=count) / len(wanted)).tolist())
        unsupported = float(np.mean(~open_[places, wanted]))
        yield name, "constant", (wanted == taken).astype(np.float64), expected[places, wanted], only, unsupported
