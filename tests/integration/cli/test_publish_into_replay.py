"""`retention publish` into the topics of a replay, whose log time nobody moves: what is said, what `doctor` sees."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from models.touchpoints import event
from streams.errors import ExitCode
from tests.integration.cli.conftest import Retention, run
from tests.integration.cli.test_cli_doctor import OK, WARNING, examined
from tests.support.servers import ApacheKafka
from tests.support.world import world
from tests.support.world_logs import lengths, split, tape_log

REPLAYED, _ = split(tape_log(seed=5, customers=20, days=50), 0.5)


def purchases(file: Path) -> Path:
    """Of now, of many customers: years after the replay's log."""
    now = time.time_ns() // 1_000_000
    lines = [
        event("purchase", id=f"o-{n}", source="shop", subject=f"c{n}", time_ms=now, data={"amount": 5.0})
        for n in range(20)
    ]
    file.write_bytes(b"\n".join(lines))
    return file


@pytest.mark.slow
def test_what_is_published_into_a_replay_that_is_over_is_warned_of_and_found_by_doctor(
    kafka: ApacheKafka, redis_url: str, redis_app: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world(kafka.bootstrap_servers, redis_url, redis_app, tmp_path) as replayed:
        for name, value in replayed.settings.items():
            monkeypatch.setenv(f"RETENTION_{name.upper()}", str(value))
        replayed.produce(REPLAYED)
        replayed.worker()
        replayed.wait(lambda: replayed.done(lengths(REPLAYED)))
        assert examined(ExitCode.OK)["shards.workers"]["status"] == OK
        result = run("publish", "--json", str(purchases(tmp_path / "events.jsonl")))
        assert json.loads(result.stdout)["sent"] == 20
        assert f"warning: {redis_app}.touchpoints holds a replay" in result.stderr
        assert "clock records" in result.stderr
        found = examined(ExitCode.OK)["shards.workers"]
        assert found["status"] == WARNING, found
        assert "no shard moves: in mode replay log time moves only with the clock records" in found["told"]
        assert "topics of mode live" in found["remedy"]


def test_nothing_is_warned_of_on_the_topics_of_a_live_deployment(retention: Retention, tmp_path: Path) -> None:
    assert retention("topics", "create", "--mode", "live").exit_code == 0
    result = retention("publish", str(purchases(tmp_path / "events.jsonl")))
    assert "20 sent" in result.stderr
    assert "warning" not in result.stderr
