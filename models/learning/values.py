"""The value model at the learner: it learns from the examples of churn, as far as they say what was spent.

It is made with the first example that says so, which a shard does whose policy has a `[value]`; without one nothing of
it is in the learner's state or in a version. Tiers begin where the shards' histograms of a boundary say, merged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.churn import SnapshotRefused
from models.churn.mixture.probability import Mixture
from models.customer.layout import BASIS
from models.features.basis import RECENCY_COLUMN
from models.outputs import CHURNED, RETURNED, Example, Pulse
from models.settings import DAY, EngineSettings
from models.value import MONEY_COLUMNS, Matured, Observed, ValueLearner
from models.value.pyramid import Histogram
from models.value.schema import value_schema

MONEY = len(MONEY_COLUMNS)


class Tiers(msgspec.Struct, frozen=True):
    """Where tiers begin. shares: of the policy, from the top. cuts: by class of customers, the lowest bucket of each
    tier but the lowest; a class with too few customers has none."""

    shares: tuple[float, ...]
    cuts: dict[str, list[int]]


class Values:
    """The value model beside the churn models, and the tiers."""

    def __init__(self, settings: EngineSettings, stored: Mapping[str, Any] | None = None) -> None:
        """stored: of `state`. Raises SnapshotRefused where it does not fit."""
        self._settings = settings
        self._model: ValueLearner | None = None
        self._tiers: Tiers | None = None
        if stored is None:
            return
        try:
            self._tiers = msgspec.convert(stored.get("tiers"), Tiers | None)
        except msgspec.ValidationError as error:
            raise SnapshotRefused(f"tiers of values are {stored.get('tiers')!r:.100}: {error}") from error
        if (model := stored.get("model")) is not None:
            self._model = ValueLearner(settings)
            self._model.restore(model)

    def learn(
        self, boundary: int, mixture: Callable[[], Mixture], examples: Sequence[Example], pulses: Sequence[Pulse]
    ) -> None:
        """All that became known up to a boundary.

        Args:
            boundary: log time, ms; they rise from call to call.
            mixture: gives the churn model, as it stands with what became known by then.
            examples: in the order of learning.
            pulses: of the boundary; of a shard the later counts.
        """
        told = [example for example in examples if example.money]
        if self._model is None and told:
            self._model = ValueLearner(self._settings)
        if self._model is not None:
            observed = _observed([example for example in told if example.kind == RETURNED])
            near = observed.bases[:, RECENCY_COLUMN] <= 2.0 * self._settings.horizon / DAY
            ended = [example for example in told if example.kind == CHURNED and example.net is not None]
            matured = Matured(_observed(ended), np.array([example.net for example in ended], dtype=np.float64))
            self._model.look(boundary, mixture(), observed.where(np.flatnonzero(near)), matured)
        if pulses:
            self._tiers = tiers_of(pulses)

    def version(self, other: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """What a version says of values; None: nothing. other: the churn model that the values count by, where another
        one decides."""
        if self._model is None:
            return None
        found: dict[str, Any] = {"scorer": value_schema(), **self._model.version()}
        if other is not None:
            found["mixture"] = dict(other)
        if self._tiers is not None:
            found["tiers"] = _plain(self._tiers)
        return found

    def state(self) -> dict[str, Any] | None:
        """Plain data; None: nothing has been learned."""
        if self._model is None and self._tiers is None:
            return None
        model = None if self._model is None else self._model.snapshot()
        return {"model": model, "tiers": _plain(self._tiers)}


def _plain(tiers: Tiers | None) -> dict[str, Any] | None:
    """As JSON types: what is read from the store is equal to what was put there."""
    return None if tiers is None else {"shares": list(tiers.shares), "cuts": tiers.cuts}


def tiers_of(pulses: Sequence[Pulse]) -> Tiers | None:
    """By the histograms of all shards, and the newest policy's shares; None: that one has no tiers."""
    newest = max(pulses, key=lambda pulse: pulse.rank)
    if not newest.shares:
        return None
    classes: dict[str, Histogram] = {}
    for pulse in {pulse.shard: pulse for pulse in pulses}.values():
        for name, counts in pulse.values.items():
            classes.setdefault(name, Histogram()).merge(Histogram(dict(counts)))
    enough = {name: one for name, one in classes.items() if one.customers >= newest.fewest}
    return Tiers(newest.shares, {name: enough[name].cuts(newest.shares) for name in sorted(enough)})


def _observed(examples: Sequence[Example]) -> Observed:
    names = [example.customer.encode() for example in examples]
    observed_at = np.array([example.observed_at for example in examples], dtype=np.int64)
    bases = _columns([example.basis for example in examples], BASIS)
    return Observed(names, bases, _columns([example.money for example in examples], MONEY), observed_at)


def _columns(parts: Sequence[bytes], width: int) -> NDArray[np.float32]:
    float16 = np.frombuffer(b"".join(parts), dtype="<f2")
    return np.ascontiguousarray(float16.astype(np.float32).reshape(len(parts), width))
