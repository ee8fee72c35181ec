"""`--json`: one object on standard output (or one per line), everything else on standard error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from streams.errors import ExitCode
from streams.kafka.topics import ROLES
from tests.integration.cli.conftest import Retention, run
from tests.integration.cli.outputs import TRIGGERS, write
from tests.support.cli_docs import undocumented
from tests.support.servers import Broker

LOG = "customer_id,ts,type,amount,qty\n" + "".join(
    f"c{customer},2020-01-{1 + 7 * week:02d},purchase,{5 + customer},1\n" for week in range(4) for customer in range(6)
)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.csv"
    path.write_text(LOG)
    return path


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    path = tmp_path / "empty.csv"
    path.write_text("customer_id,ts,type,amount,qty\n")
    return path


BY_NAME = frozenset(["next_offsets", "bands", "totals", "models"])
"""Fields that hold data by name."""


def one_object(command: str, text: str) -> dict[str, Any]:
    """The answer, every field of which docs/cli.md tells."""
    assert text.count("\n") == 1
    told: dict[str, Any] = json.loads(text)
    assert undocumented(command, told, BY_NAME) == []
    return told


def test_the_topics_that_were_created_and_those_that_were_there(retention: Retention, redis_app: str) -> None:
    first, second = (one_object("topics", retention("topics", "create", "--json").stdout) for _ in range(2))
    assert [topic["role"] for topic in first["topics"]] == list(ROLES)
    assert first["topics"][0] == {
        "role": "touchpoints",
        "name": f"{redis_app}.touchpoints",
        "partitions": 3,
        "created": True,
    }
    assert [topic["created"] for topic in second["topics"]] == [False] * len(ROLES)


def test_the_topics_as_they_are(retention: Retention, broker: Broker, redis_app: str) -> None:
    before = retention("topics", "describe", "--json")
    assert before.exit_code == ExitCode.FAILURE
    assert one_object("topics", before.stdout)["topics"][0] == {
        "role": "touchpoints",
        "name": f"{redis_app}.touchpoints",
        "exists": False,
        "differs": [],
    }
    retention("topics", "create")
    write(broker.bootstrap_servers, f"{redis_app}.triggers", TRIGGERS)
    told = one_object("topics", retention("topics", "describe", "--json").stdout)
    assert told["sound"] is True
    topics = {topic["role"]: topic for topic in told["topics"]}
    assert topics["triggers"].pop("topic_id")
    # Unset, and so known to Apache Kafka alone.
    assert topics["triggers"].pop("retention_ms") in (604_800_000, None)
    assert topics["triggers"] == {
        "role": "triggers",
        "name": f"{redis_app}.triggers",
        "exists": True,
        "partitions": 3,
        "replication": 1,
        "records": len(TRIGGERS),
        "timestamp_type": "LogAppendTime",
        "differs": [],
    }
    assert topics["examples"]["retention_ms"] == -1
    differing = retention("topics", "describe", "--partitions", "4", "--json")
    assert differing.exit_code == ExitCode.FAILURE
    assert "has 3 partitions, 4 are configured" in one_object("topics", differing.stdout)["topics"][0]["differs"][0]


def test_what_a_replay_wrote(retention: Retention, log: Path, redis_app: str) -> None:
    retention("topics", "create", "--mode", "replay")
    told = one_object("replay", retention("replay", str(log), "--json").stdout)
    assert told.pop("seconds") >= 0
    clocks = told["clock_records"]
    assert sum(told.pop("next_offsets").values()) == 24 + clocks
    assert told == {
        "topic": f"{redis_app}.touchpoints",
        "events": 24,
        "clock_records": clocks,
        "first_time": 1_577_836_800_000,
        "last_time": told["last_time"],
    }
    assert clocks % 3 == 0
    assert told["last_time"] > told["first_time"]


def test_a_log_without_events_is_an_object_too(retention: Retention, empty: Path) -> None:
    retention("topics", "create", "--mode", "replay")
    for words in (["replay"], ["rehearse"]):
        result = retention(*words, str(empty), "--json")
        assert result.exit_code == 0
        assert one_object(words[0], result.stdout)["events"] == 0
        assert "holds no events" in result.stderr


def test_a_rehearsals_summary(log: Path) -> None:
    told = one_object("rehearse", run("rehearse", str(log), "--json").stdout)
    assert (told["events"], told["customers"], told["totals"]["applied"]) == (24, 6, 24)


def test_tail_leaves_out_what_is_no_json_and_says_where_it_is(
    retention: Retention, broker: Broker, redis_app: str
) -> None:
    retention("topics", "create")
    pretty = json.dumps(json.loads(TRIGGERS[1]), indent=2).encode()
    write(broker.bootstrap_servers, f"{redis_app}.triggers", [TRIGGERS[0], pretty, b"not json\n", TRIGGERS[2]])
    result = retention("tail", "triggers", "--limit", "0", "--json")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert lines == [json.loads(TRIGGERS[n]) for n in range(3)]
    assert "triggers[2]@0 is not JSON" in result.stderr
    assert "b'not json\\n'" in result.stderr


def test_an_error_leaves_standard_output_empty(retention: Retention) -> None:
    for words in (["topics", "create", "--partitions", "0"], ["customer", "nobody"], ["replay", "cdnow"]):
        result = retention(*words, "--json")
        assert result.exit_code != 0
        assert result.stdout == ""
        assert "error: " in result.stderr
