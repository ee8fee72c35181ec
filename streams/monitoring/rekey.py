"""Prometheus metrics of `retention rekey`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector


class RekeyMetrics(Collector):
    """counts: by what became of records, and `touchpoints` that were made of them. lag: records not read yet."""

    def __init__(self, counts: Callable[[], Mapping[str, int]], lag: Callable[[], int]) -> None:
        self._counts, self._lag = counts, lag

    def collect(self) -> Iterator[Any]:
        told = dict(self._counts())
        yield CounterMetricFamily("retention_rekey_records", "Records read", value=told["records"])
        yield CounterMetricFamily("retention_rekey_touchpoints", "Touchpoints written", value=told["touchpoints"])
        yield CounterMetricFamily("retention_rekey_dead", "Dead letters written", value=told["dead"])
        yield CounterMetricFamily("retention_rekey_passed_over", "Records no rule is for", value=told["passed_over"])
        yield GaugeMetricFamily("retention_rekey_lag_records", "Records not read yet", value=self._lag())


def serve_rekey_metrics(host: str, port: int, metrics: RekeyMetrics) -> None:
    """From now on, in a thread of its own."""
    registry = CollectorRegistry()
    registry.register(metrics)
    start_http_server(port, addr=host or "127.0.0.1", registry=registry)
