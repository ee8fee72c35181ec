"""`retention replay` and `retention tail` on both brokers, `retention rehearse` in memory."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from models.settings import DAY
from streams.config import load
from streams.errors import ExitCode
from streams.history.events import log_events
from streams.history.replay import logs, tape
from streams.kafka.security import KafkaConnection
from streams.kafka.topic_reader import TopicReader
from tests.integration.cli.conftest import Retention, run
from tests.integration.cli.outputs import TRIGGERS, write
from tests.support.servers import Broker

CUSTOMERS = 40


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A small shop: every customer buys weekly, one of them stops."""
    path = tmp_path / "shop.csv"
    rows = [
        f"c{customer},2020-{1 + week // 4:02d}-{1 + 7 * (week % 4):02d},purchase,{5 + customer},1"
        for week in range(40)
        for customer in range(CUSTOMERS)
        if customer or week < 10
    ]
    path.write_text("customer_id,ts,type,amount,qty\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_a_replay_writes_the_tape_byte_for_byte_with_its_own_times(
    retention: Retention, broker: Broker, redis_app: str, log: Path
) -> None:
    retention("topics", "create", "--mode", "replay")
    result = retention("replay", str(log))
    assert result.exit_code == 0, result.output
    events = log_events(str(log))
    assert f"{len(events):,} events and " in result.stdout
    wanted = logs(tape(events, 3, load().engine()), 3)
    with TopicReader(KafkaConnection(broker.bootstrap_servers), f"{redis_app}.touchpoints") as reader:
        found = reader.last(0)
    for partition in range(3):
        mine = sorted((read for read in found if read.partition == partition), key=lambda read: read.offset)
        assert [(read.timestamp, read.key, read.value) for read in mine] == [
            (entry.timestamp, entry.key, entry.value) for entry in wanted[partition]
        ]


def test_a_topic_that_does_not_keep_producers_times_is_refused_with_the_remedy(retention: Retention, log: Path) -> None:
    retention("topics", "create")
    result = retention("replay", str(log))
    assert result.exit_code == ExitCode.FAILURE
    assert "message.timestamp.type=LogAppendTime, a replay needs CreateTime" in result.stderr
    assert "--mode replay" in result.stderr


def test_a_paced_replay_takes_the_time_of_its_log(retention: Retention, tmp_path: Path) -> None:
    retention("topics", "create", "--mode", "replay")
    path = tmp_path / "two.csv"
    path.write_text("customer_id,ts,type,amount,qty\na,2020-01-01,purchase,1,1\na,2020-01-03,purchase,1,1\n")
    begun = time.monotonic()
    # The grid's ticks before and after lie at most eight days apart.
    assert retention("replay", str(path), "--speed", str(2 * DAY / 1000)).exit_code == 0
    assert time.monotonic() - begun > 1.0


@pytest.mark.parametrize("speed", ["0", "-1", "fast", "nan", "inf"])
def test_a_speed_that_is_none_is_a_usage_error(speed: str) -> None:
    result = run("replay", "cdnow", "--speed", speed)
    assert result.exit_code == ExitCode.USAGE
    assert "give a positive number, or max" in result.stderr


def test_tail_shows_the_last_records_as_lines_or_as_they_are(
    retention: Retention, broker: Broker, redis_app: str
) -> None:
    retention("topics", "create")
    write(broker.bootstrap_servers, f"{redis_app}.triggers", TRIGGERS)
    plain = retention("tail", "triggers", "--limit", "2").stdout.splitlines()
    assert [line.split("  ")[1] for line in plain] == ["c8", "c9"]
    assert "win_back by email  p=0.84  'silent 26 days; bought once so far'" in plain[-1]
    whole = retention("tail", "triggers", "--limit", "0", "--json").stdout.splitlines()
    assert [json.loads(line)["customer"] for line in whole] == [f"c{n}" for n in range(10)]
    assert retention("tail", "deadletters").stdout == ""


def test_a_rehearsal_needs_no_server_and_tells_what_came_out(log: Path) -> None:
    result = run("rehearse", str(log), "--partitions", "2", "--horizon-days", "28", "--json")
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert summary["events"] == summary["totals"]["applied"] == len(log_events(str(log)))
    assert summary["customers"] == sum(summary["bands"].values()) == CUSTOMERS
    assert summary["bands"]["lapsed"] == 1
    assert summary["quality"]["labels"] > 0


def test_tail_follows_until_it_is_interrupted(retention: Retention, broker: Broker, redis_app: str) -> None:
    retention("topics", "create")
    topic = f"{redis_app}.triggers"
    write(broker.bootstrap_servers, topic, TRIGGERS[:1])
    with subprocess.Popen(
        [sys.executable, "-m", "streams.cli", "tail", "triggers", "--follow"],
        cwd=Path(__file__).resolve().parents[3],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as following:
        try:
            assert following.stdout is not None
            assert "  c0  " in following.stdout.readline()
            write(broker.bootstrap_servers, topic, TRIGGERS[1:2])
            assert "  c1  " in following.stdout.readline()
            following.send_signal(signal.SIGINT)
            assert following.wait(60) == 0
            assert following.stdout.read() == ""
        finally:
            following.kill()
