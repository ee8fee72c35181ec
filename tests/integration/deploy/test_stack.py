"""The compose file's services, our commands in processes of this code, on Kafka and Redis with its settings."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from models.touchpoints import RESERVED, Kind
from streams.errors import ExitCode
from streams.local.processes import LOOPBACK, free_port
from tests.integration.deploy.stack import Stack, healthy, metrics, until
from tests.support.servers import PROJECT
from tests.unit.deploy.compose import demo_variables, services

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

EVENTS = PROJECT / "tests" / "examples" / "touchpoints.jsonl"
WORKERS = ("worker-1", "worker-2")
PATIENCE_S = 240.0
PROGRAM = [sys.executable, "-m", "streams.cli"]


def environment(own: dict[str, str]) -> dict[str, str]:
    """Ours without settings of this shell."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RETENTION_")}
    return {**kept, "PYTHONPATH": str(PROJECT), **own}


def run(command: list[str], own: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A service that ends by itself."""
    return subprocess.run(
        [*PROGRAM, *command], env=environment(own), capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )


@contextmanager
def workers(stack: Stack, directory: Path, variables: dict[str, str] | None = None) -> Iterator[dict[int, Path]]:
    """Both workers; the ports of their metrics and their logs. They are stopped as Compose stops them."""
    running: list[subprocess.Popen[bytes]] = []
    logs: dict[int, Path] = {}
    try:
        for name in WORKERS:
            service, port = services(variables)[name], free_port()
            logs[port] = directory / f"{name}.log"
            with logs[port].open("wb") as log:
                running.append(
                    subprocess.Popen(
                        [*PROGRAM, *service["command"]],
                        env=environment(stack.settings(name, variables, port)),
                        stdout=log,
                        stderr=log,
                    )
                )
        yield logs
        begun = time.monotonic()
        for worker in running:
            worker.send_signal(signal.SIGTERM)
        grace = float(re.sub(r"s$", "", services()[WORKERS[0]]["stop_grace_period"]))
        assert [worker.wait(grace) for worker in running] == [ExitCode.OK, ExitCode.OK], read(logs)
        assert time.monotonic() - begun < grace
    finally:
        for worker in running:
            worker.kill()
            worker.wait()


def read(logs: dict[int, Path]) -> str:
    return "\n".join(path.read_text(errors="replace")[-4000:] for path in logs.values())


def total(logs: dict[int, Path], series: str) -> float:
    return sum(metrics(port).get(series, 0.0) for port in logs)


def test_redis_runs_as_its_file_says_and_its_health_check_answers(stack: Stack) -> None:
    client = redis.Redis(port=stack.redis_port, decode_responses=True)
    for name, value in (("appendonly", "yes"), ("appendfsync", "always"), ("maxmemory-policy", "noeviction")):
        assert client.config_get(name) == {name: value}
    client.close()
    check = services()["redis"]["healthcheck"]["test"][1:]
    for port, code in ((stack.redis_port, 0), (free_port(), 1)):
        done = subprocess.run([check[0], "-p", str(port), *check[1:]], capture_output=True, check=False)
        assert done.returncode == code, done


def test_two_workers_share_the_shards_and_stop_gracefully(stack: Stack, tmp_path: Path) -> None:
    create = services()["topics"]["command"]
    for _ in range(2):  # the service runs again at every `up`
        created = run(create, stack.settings("topics"))
        assert created.returncode == 0, created.stderr
    # A merge makes records between shards, which are applied as well: how many is not what is looked at here.
    others = {kind.type for kind in RESERVED} | {Kind.IDENTITY_MERGED.type}
    lines = [line for line in EVENTS.read_text().splitlines() if json.loads(line)["type"] not in others]
    upstream = tmp_path / "events.jsonl"
    upstream.write_text("\n".join(lines) + "\n")
    sent = run(["publish", str(upstream)], {"RETENTION_BOOTSTRAP_SERVERS": stack.kafka_for_the_host})
    assert sent.returncode == 0, sent.stderr
    with workers(stack, tmp_path) as logs:
        partitions = int(stack.settings("topics")["RETENTION_PARTITIONS"])

        def shared() -> bool:
            owned = [metrics(port).get("retention_owned_shards", 0.0) for port in logs]
            return sum(owned) == partitions and min(owned) >= 1

        until("both workers own shards", shared, PATIENCE_S, lambda: read(logs))
        # The examples are of another year, so that most of them are late in a live log.
        until(
            "all are applied",
            lambda: total(logs, "retention_touchpoints_applied_total") == len(lines),
            PATIENCE_S,
            lambda: read(logs),
        )
        until("both are healthy", lambda: all(healthy(port) for port in logs), PATIENCE_S, lambda: read(logs))
    said = read(logs)
    # What a worker warns of when a server is not fit for production.
    assert "has no transactions" not in said
    assert "Redis runs with" not in said


def test_the_demo_replays_a_log_into_topics_of_its_own(stack: Stack, tmp_path: Path) -> None:
    variables = demo_variables()
    log = tmp_path / "log.csv"
    days = [f"1997-{month:02d}-{day:02d}" for month in range(1, 10) for day in (1, 15)]
    rows = [f"c{number},{day},purchase,9.5,1" for day in days for number in range(20) if day < f"1997-{number % 9 + 3}"]
    log.write_text("customer_id,ts,type,amount,qty\n" + "\n".join(rows) + "\n")
    created = run(services(variables)["topics"]["command"], stack.settings("topics", variables))
    assert created.returncode == 0, created.stderr
    with workers(stack, tmp_path, variables) as logs:
        command = [str(log) if part == "cdnow" else part for part in services(variables)["demo"]["command"]]
        assert str(log) in command
        replayed = run(command, stack.settings("demo", variables))
        assert replayed.returncode == 0, replayed.stderr
        assert f"{len(rows):,} events" in replayed.stdout
        until(
            "all purchases are applied",
            lambda: total(logs, "retention_touchpoints_applied_total") == len(rows),
            PATIENCE_S,
            lambda: read(logs),
        )
        until("triggers come", lambda: total(logs, "retention_triggers_total") > 0, PATIENCE_S, lambda: read(logs))


def test_live_settings_are_not_enough_for_the_demo_and_it_says_what_is(stack: Stack, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("customer_id,ts,type,amount,qty\nanna,1997-01-01,purchase,9.5,1\n")
    live = stack.settings("demo")
    assert run(services()["topics"]["command"], live).returncode == 0
    refused = run(["replay", str(log)], live)
    assert refused.returncode != 0
    assert "replay" in refused.stderr
    assert LOOPBACK in live["RETENTION_REDIS_URL"]
