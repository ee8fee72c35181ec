"""A small synthetic month on real servers: a worker is killed, marketing stopped amid trouble, budgets run dry, and the
auditor finds nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import month
from benchmarks.servers import Servers
from benchmarks.workload import Workload
from streams.local.embedded import redis_program
from tests.conftest import started
from tests.support.servers import kafka_jars


@pytest.mark.kafka
@pytest.mark.slow
def test_a_small_month_keeps_the_rules_though_a_worker_is_killed_and_marketing_stopped(tmp_path: Path) -> None:
    started("the month on Apache Kafka", kafka_jars)
    started("the month on Redis", redis_program)
    workload = Workload(customers=300, events=1_500, partitions=6)
    with Servers(tmp_path) as servers:
        found = month.run(servers, workload, 5, print)
    assert found.report.breaches == []
    assert len(found.report.policies) == 3
    assert min(found.waits["budget"], found.reported, found.triggers["care"]) > 0
    assert min(found.decisions[what] for what in ("delivered", "given_back")) > 0, "reports are heard"
    assert "SIGKILL" in found.killed
    assert found.stop.seconds < 10, str(found.stop)
    assert found.waits["stopped"] > 0
    # And whoever a preview was sent to, once their sender has reported of it.
    assert found.bytes.customers - workload.customers in (0, 1)
    assert 376 < found.bytes.mean <= found.bytes.p95
    assert found.bytes.due > 10
    table = found.table(workload, 5)
    assert "0 breaches in" in table
    assert f"of {found.bytes.customers:,} (aims 700 and 1,000)" in table
