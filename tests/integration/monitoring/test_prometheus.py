"""Every query of the dashboard and every alarm, on a real Prometheus that scrapes a real worker."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest

from models.timeline.partitioning import partition_of
from streams.local.processes import free_port
from tests.conftest import started
from tests.support.logs import touchpoint
from tests.support.monitoring import Prometheus, Query, alarms, name_of, queries, selectors
from tests.support.servers import ApacheKafka
from tests.support.world import Raw, World, world
from tests.support.world_live import LIVE

SETTLED_S = 300
LAST = (
    "retention_model_auc",
    "retention_due_backlog_items",
    "retention_shard_model_version_seconds",
    'retention_trigger_latency_seconds_bucket{le="+Inf"}',
)
"""What a new worker shows last."""
SEEN = 5
SHORT: dict[str, Any] = {
    **LIVE,
    "tick_days": 2 / 86_400,
    "horizon_days": 6 / 86_400,
    "version_delay_s": 2,
    "exit": 0.3,
}
"""Labels mature after seven seconds, so that a model has a quality within half a minute."""

pytestmark = pytest.mark.slow


class Watched(NamedTuple):
    """since: when the first record was produced."""

    prometheus: Prometheus
    since: float


def _round(number: int) -> list[Raw]:
    """Touchpoints of one moment: some buyers go on, new ones come and fall silent; a visit twice, and a bad event."""
    now = int(time.time() * 1000)
    buyers = [f"regular-{n}" for n in range(20)] + [f"once-{number}-{n}" for n in range(5)]
    events = [(who, touchpoint("purchase", who, now, {"amount": 20})) for who in buyers]
    visit = ("regular-0", touchpoint("visit", "regular-0", now, {}))
    return [(who.encode(), value, now) for who, value in (*events, visit, visit, ("nobody", b"{}"))]


@contextmanager
def _customers(of: World) -> Iterator[None]:
    """Customers who go on touching until the block ends."""
    stop = threading.Event()

    def touch() -> None:
        number = 0
        while not stop.is_set():
            logs: list[list[Raw]] = [[] for _ in range(of.config.partitions)]
            for key, value, at in _round(number):
                assert key is not None
                logs[partition_of(key.decode(), of.config.partitions)].append((key, value, at))
            of.produce(logs)
            number += 1
            stop.wait(1)

    thread = threading.Thread(target=touch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)


@pytest.fixture(scope="module")
def watched(kafka: ApacheKafka, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A worker in full swing: it has decided, published, learned, and knows how good its model is."""
    directory, port = tmp_path_factory.mktemp("watched"), free_port()
    app = f"watched-{port}"
    prometheus = started("queries and alarms on Prometheus", lambda: Prometheus(directory / "prometheus", port))
    with world(kafka.bootstrap_servers, redis_url, app, directory, **SHORT, metrics_port=port) as made:
        made.worker()
        prometheus.process.start()
        since = time.time()
        try:
            with _customers(made):
                made.wait(lambda: _settled(prometheus), SETTLED_S)
                yield Watched(prometheus, since)
        finally:
            prometheus.process.stop()
            print(made.output())


def _settled(prometheus: Prometheus) -> bool:
    """What comes last is there, and Prometheus has seen it a few times."""
    return all(prometheus.instant(f"count_over_time({name}[1m]) > {SEEN}") for name in LAST)


ONLY_IN_A_FAULT = {"retention_shard_parked"}
"""Series that a worker has only then (tests/unit/streams/monitoring/test_observer.py, tests/unit/deploy/alarms.yml)."""
ONLY_WITH_A_POLICY = {
    "retention_budget_units",
    "retention_alarm",
    "retention_action_contacts",
    "retention_action_stopped",
    "retention_contact_harms",
    "retention_contact_loses",
    "retention_customers_at_stage",
}
"""Series of budgets, of a policy's alarm, of its learned choice and of its loyalty loop
(tests/unit/streams/monitoring/test_metrics.py)."""
ONLY_WHILE_STOPPED = {"retention_stopped"}
"""The series of an operator's stops (tests/unit/streams/monitoring/test_metrics.py)."""
OF_REKEY = {"retention_rekey_records_total", "retention_rekey_dead_total", "retention_rekey_lag_records"}
"""Series of `retention rekey`, which is a process of its own (tests/integration/client/test_rekey.py)."""
ABSENT = ONLY_IN_A_FAULT | ONLY_WITH_A_POLICY | ONLY_WHILE_STOPPED | OF_REKEY


def _there_as_it_should_be(prometheus: Prometheus, selector: str) -> bool:
    if name_of(selector) in ABSENT:
        return not prometheus.instant(selector)
    return bool(_instant(prometheus, selector))


def _instant(prometheus: Prometheus, expr: str) -> list[dict[str, Any]]:
    """What is there, once it is: who has not answered a scrape in time, a second, has no series for a while."""
    deadline = time.monotonic() + SETTLED_S
    while not (found := prometheus.instant(expr)) and time.monotonic() < deadline:
        time.sleep(0.5)
    return found


@pytest.mark.parametrize("query", queries(), ids=lambda query: query.title)
def test_a_panel_shows_what_the_worker_does(watched: Watched, query: Query) -> None:
    prometheus = watched.prometheus
    for selector in selectors(query.expr):
        assert _there_as_it_should_be(prometheus, selector), f"{selector}: there is no such series, or one of a fault"
    if ABSENT & {name_of(selector) for selector in selectors(query.expr)}:
        assert prometheus.over_time(query.expr, watched.since, time.time()) == []
        return
    if query.instant:
        assert _instant(prometheus, query.expr)
        return
    shown = prometheus.over_time(query.expr, watched.since, time.time())
    assert shown, f"{query.expr}: empty"
    numbers = [float(value) for series in shown for _, value in series["values"]]
    assert any(math.isfinite(number) for number in numbers), f"{query.expr}: {numbers[:5]}"


@pytest.mark.parametrize("alarm", alarms(), ids=lambda alarm: alarm["alert"])
def test_an_alarm_can_be_evaluated_and_looks_at_series_that_exist(watched: Watched, alarm: dict[str, Any]) -> None:
    watched.prometheus.instant(alarm["expr"])
    for selector in selectors(alarm["expr"]):
        there = _there_as_it_should_be(watched.prometheus, selector)
        assert there, f"{selector}: there is no such series, or one of a fault"


def test_prometheus_evaluates_every_rule_without_an_error(watched: Watched) -> None:
    groups = watched.prometheus.get("rules")["groups"]
    health = {rule["name"]: (rule["health"], rule.get("lastError", "")) for group in groups for rule in group["rules"]}
    assert health == {alarm["alert"]: ("ok", "") for alarm in alarms()}


def test_bad_events_are_noticed_and_a_worker_that_works_wakes_nobody(watched: Watched) -> None:
    alerts = watched.prometheus.get("alerts")["alerts"]
    assert "RetentionDeadLetters" in {alert["labels"]["alertname"] for alert in alerts}, "one record in 24 is bad"
    # Pending ones come and go: a shard waits for a version for a moment, and this machine may be busy.
    assert [a for a in alerts if a["state"] == "firing" and a["labels"]["severity"] == "page"] == []


def test_the_variable_of_the_dashboard_finds_the_deployment(watched: Watched) -> None:
    found = watched.prometheus.get("label/job/values", **{"match[]": "retention_owned_shards"})
    assert found == ["retention"]
