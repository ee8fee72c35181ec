"""The examples in docs/examples, as a reader would run them, on a real Apache Kafka."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from streams.errors import ExitCode
from tests.integration.client.conftest import NOON, ClientTopics, a_trigger, encoded
from tests.support.servers import PROJECT, ApacheKafka

EXAMPLES = PROJECT / "docs" / "examples"
WAIT_S = 180.0
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(PROJECT)}
"""As if the project were installed."""


@pytest.fixture
def apache(kafka: ApacheKafka, redis_app: str) -> ClientTopics:
    return ClientTopics(kafka.bootstrap_servers, redis_app).create()


def command(name: str, *arguments: str) -> list[str]:
    return [sys.executable, str(EXAMPLES / f"{name}.py"), *arguments]


def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(name, *arguments),
        cwd=PROJECT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_publishing_example_publishes_and_prints_its_report(apache: ClientTopics) -> None:
    done = run("publish_touchpoints", apache.servers, "--topic", apache.touchpoints, "--count", "300")
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert (report["sent"], report["refused"], report["not_delivered"], report["idempotent"]) == (300, 0, 0, True)
    assert sum(report["partitions"].values()) == 300
    written = apache.read(apache.touchpoints)
    assert len({json.loads(read.value)["id"] for read in written}) == 300


def test_the_publishing_example_names_a_missing_topic(apache: ClientTopics) -> None:
    done = run("publish_touchpoints", apache.servers, "--topic", f"{apache.app}-none")
    assert done.returncode == ExitCode.TOPIC_UNFIT
    assert f"topic {apache.app}-none does not exist" in done.stderr


def test_the_consuming_example_hands_out_each_trigger_once_and_ends_with_sigterm(
    apache: ClientTopics, tmp_path: Path
) -> None:
    apache.write([*encoded([0, 1, 0]), *encoded([2], expires_at=NOON), b"{broken", *encoded([3])])
    arguments = (apache.servers, "--topic", apache.triggers, "--group", apache.app, "--handled", str(tmp_path / "ids"))
    first = subprocess.Popen(
        command("consume_triggers", *arguments),
        cwd=PROJECT,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=(tmp_path / "stderr").open("w"),
        text=True,
    )
    try:
        assert first.stdout is not None
        lines = [json.loads(first.stdout.readline())["id"] for _ in range(3)]
        first.send_signal(signal.SIGTERM)
        assert first.wait(WAIT_S) == 0
    finally:
        first.kill()
        first.communicate()
    assert lines == [a_trigger(number).id for number in (0, 1, 3)]
    told = (tmp_path / "stderr").read_text()
    assert f"expired: {a_trigger(2).id}" in told
    assert f"skipped: {apache.triggers}[0]@4 is no trigger" in told
    assert "handled=3, duplicates=1, expired=1, unreadable=1" in told
    apache.write(encoded([3, 4]))
    second = run("consume_triggers", *arguments, "--idle", "1")
    assert second.returncode == 0, second.stderr
    assert [json.loads(line)["id"] for line in second.stdout.splitlines()] == [a_trigger(4).id]
