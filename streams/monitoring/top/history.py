"""Rates of counters between polls, and the course of model quality."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Hashable, Mapping
from typing import NamedTuple

from streams.monitoring.top.exposition import Buckets, quantile
from streams.monitoring.top.view import QualityPoint, Quantiles

POINTS = 600
"""Of quality over log time. When there are more, every second one of the older half goes: the picture is no wider."""


class Rise(NamedTuple):
    """How far counters rose between two looks. seconds: between them."""

    seconds: float
    by: dict[Hashable, float]


class Counters:
    """Counters of many processes, summed as rises. One that falls was started anew, and rose from 0 (as in PromQL);
    one that is seen for the first time has not risen yet: what it counts may be long ago."""

    def __init__(self, keep_s: float) -> None:
        self._keep_s = keep_s
        self._last: dict[tuple[str, Hashable], float] = {}
        self._sums: dict[Hashable, float] = {}
        self._looks: deque[tuple[float, dict[Hashable, float]]] = deque()

    def look(self, at: float, counted: Mapping[str, Mapping[Hashable, float]]) -> None:
        """Take in the counters of each process by name. at: seconds on any clock that never goes back."""
        for process, counts in counted.items():
            for name, value in counts.items():
                before = self._last.get((process, name))
                rise = 0.0 if before is None else value - before if value >= before else value
                self._sums[name] = self._sums.get(name, 0.0) + rise
                self._last[process, name] = value
        self._looks.append((at, dict(self._sums)))
        while len(self._looks) > 2 and at - self._looks[1][0] >= self._keep_s:
            self._looks.popleft()

    def rise(self, window_s: float) -> Rise | None:
        """The rises over the last `window_s`, or over as long as is known; None before the second look."""
        if len(self._looks) < 2:
            return None
        at, now = self._looks[-1]
        since, before = next((look for look in self._looks if at - look[0] <= window_s), self._looks[-2])
        if since == at:  # looks are further apart than the window is long
            since, before = self._looks[-2]
        return Rise(max(at - since, 1e-9), {name: value - before.get(name, 0.0) for name, value in now.items()})


def quantiles(buckets: Buckets, window_s: float | None) -> Quantiles | None:
    """p50 and p99 of cumulative buckets; None when nothing was observed."""
    p50, p99 = quantile(buckets, 0.5), quantile(buckets, 0.99)
    if p50 is None or p99 is None:
        return None
    top = max((bound for bound in buckets if math.isfinite(bound)), default=math.inf)
    return Quantiles(p50, p99, int(max(buckets.values())), top, window_s)


class QualityOverTime:
    """The model's quality at each log time at which it was seen to change."""

    def __init__(self) -> None:
        self._points: list[QualityPoint] = []

    def look(self, time: int | None, quality: Mapping[str, float]) -> None:
        """time: log time of the model version that the quality belongs to, ms."""
        if time is None or not quality:
            return
        labels = int(quality["labels"])
        last = self._points[-1] if self._points else None
        if last is not None and (time, labels) <= (last.time, last.labels):
            return  # the same, or what another worker knew before the learner moved to this one
        self._points.append(QualityPoint(time, labels, quality.get("auc"), quality.get("log_loss")))
        if len(self._points) > POINTS:
            half = POINTS // 2
            self._points = self._points[:half:2] + self._points[half:]

    @property
    def points(self) -> tuple[QualityPoint, ...]:
        return tuple(self._points)
