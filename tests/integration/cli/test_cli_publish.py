"""`retention publish` on both brokers."""

from __future__ import annotations

from pathlib import Path

from models.partitioning import partition_of
from models.touchpoints import event
from streams.errors import ExitCode
from streams.reading import TopicReader
from tests.conftest import Broker
from tests.integration.cli.conftest import Retention

NOON = 1_700_000_000_000


def a_purchase(number: int, amount: float = 5.0) -> bytes:
    return event(
        "purchase",
        id=f"o-{number}",
        source="shop",
        subject=f"c{number}",
        time_ms=NOON + number,
        data={"amount": amount},
    )


GOOD = [a_purchase(number) for number in range(20)]
NEGATIVE = a_purchase(7).replace(b'"amount":5.0', b'"amount":-5.0')


def test_valid_lines_are_sent_with_the_subject_as_key_to_the_customers_partition(
    retention: Retention, broker: Broker, redis_app: str, tmp_path: Path
) -> None:
    retention("topics", "create")
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\n".join(GOOD))
    result = retention("publish", str(file))
    assert result.exit_code == 0, result.output
    assert f"20 sent to {redis_app}.touchpoints, 0 refused" in result.stderr
    with TopicReader(broker.bootstrap_servers, f"{redis_app}.touchpoints") as reader:
        found = reader.last(0)
    assert sorted(read.value for read in found) == sorted(GOOD)
    assert all(read.key is not None and read.partition == partition_of(read.key, 3) for read in found)


def test_a_refused_line_is_told_with_number_field_value_and_remedy_and_its_neighbours_are_sent(
    retention: Retention,
) -> None:
    retention("topics", "create")
    lines = [GOOD[0], b"{broken", b"", NEGATIVE, GOOD[1]]
    result = retention("publish", "-", input=b"\n".join(lines))
    assert result.exit_code == ExitCode.FAILURE
    assert "line 2: not_json: " in result.stderr
    assert "line 4: bad_field: data.amount is -5" in result.stderr
    assert "2 sent to" in result.stderr
    assert "2 refused" in result.stderr


def test_reserved_types_are_refused(retention: Retention) -> None:
    retention("topics", "create")
    clock = event("clock", id="c", source="x", subject=None, time_ms=NOON, data={})
    result = retention("publish", "-", input=clock)
    assert result.exit_code == ExitCode.FAILURE
    assert "line 1: type is 'clock', which only the engine writes" in result.stderr


def test_into_a_replays_topic_events_go_with_their_own_times(
    retention: Retention, broker: Broker, redis_app: str
) -> None:
    retention("topics", "create", "--mode", "replay")
    assert retention("publish", "-", input=GOOD[3]).exit_code == 0
    with TopicReader(broker.bootstrap_servers, f"{redis_app}.touchpoints") as reader:
        assert [read.timestamp for read in reader.last(0)] == [NOON + 3]


def test_without_topics_nothing_is_sent_and_the_remedy_is_told(retention: Retention, redis_app: str) -> None:
    result = retention("publish", "-", input=GOOD[0])
    assert result.exit_code == ExitCode.TOPIC_UNFIT
    assert f"topic {redis_app}.touchpoints does not exist" in result.stderr
    assert "retention topics create" in result.stderr
