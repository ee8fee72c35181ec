"""`retention publish` on both brokers."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from models.timeline.partitioning import partition_of
from models.touchpoints import event
from streams.cli.progress import PlainWatch
from streams.client import Outcome, Refusal, TouchpointPublisher
from streams.errors import ExitCode
from streams.kafka.access import BrokerRefused
from streams.kafka.security import KafkaConnection
from streams.kafka.topic_reader import TopicReader
from streams.operations.publish_file import publish_lines
from tests.integration.cli.conftest import Retention, run
from tests.integration.cli.terminal import environment, on_a_terminal
from tests.integration.client.conftest import ClientTopics
from tests.support.servers import PROJECT, ApacheKafka, Broker

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
    with TopicReader(KafkaConnection(broker.bootstrap_servers), f"{redis_app}.touchpoints") as reader:
        found = reader.last(0)
    assert sorted(read.value for read in found) == sorted(GOOD)
    assert all(read.key is not None and read.partition == partition_of(read.key, 3) for read in found)


def test_rows_of_another_tool_are_sent_as_the_touchpoints_that_a_mapping_file_makes(
    retention: Retention, broker: Broker, redis_app: str, tmp_path: Path
) -> None:
    retention("topics", "create")
    folder = PROJECT / "docs" / "examples" / "maps" / "segment"
    rows = tmp_path / "rows.jsonl"
    unfit = b'{"type":"page","messageId":"m","userId":"anna","timestamp":null}'
    rows.write_bytes((folder / "input.jsonl").read_bytes() + unfit + b"\n")
    result = retention("publish", "--map", str(folder / "map.toml"), str(rows))
    assert result.exit_code == ExitCode.FAILURE
    assert f"6 sent to {redis_app}.touchpoints, 1 refused" in result.stderr
    assert "line 8: mapping: time is missing; name where it is" in result.stderr
    assert "2 rows fit no rule of" in result.stderr
    with TopicReader(KafkaConnection(broker.bootstrap_servers), f"{redis_app}.touchpoints") as reader:
        found = reader.last(0)
    assert sorted(read.value for read in found) == sorted((folder / "expected.jsonl").read_bytes().splitlines())


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
    with TopicReader(KafkaConnection(broker.bootstrap_servers), f"{redis_app}.touchpoints") as reader:
        assert [read.timestamp for read in reader.last(0)] == [NOON + 3]


def test_without_topics_nothing_is_sent_and_the_remedy_is_told(retention: Retention, redis_app: str) -> None:
    result = retention("publish", "-", input=GOOD[0])
    assert result.exit_code == ExitCode.TOPIC_UNFIT
    assert f"topic {redis_app}.touchpoints does not exist" in result.stderr
    assert "retention topics create" in result.stderr


def test_the_delivery_report_has_counts_rate_and_partitions(retention: Retention) -> None:
    retention("topics", "create")
    result = retention("publish", "-", input=b"\n".join(GOOD))
    last = result.stderr.splitlines()[-1]
    assert re.fullmatch(r"[\d,]+ events/s in [\d.]+ s; by partition \d: \d+(, \d: \d+)*", last)
    assert result.stdout == ""


def test_the_report_is_one_json_object_on_standard_output(retention: Retention, broker: Broker, redis_app: str) -> None:
    retention("topics", "create")
    result = retention("publish", "--json", "-", input=b"\n".join([GOOD[0], NEGATIVE, GOOD[1]]))
    assert result.exit_code == ExitCode.FAILURE
    report = json.loads(result.stdout)
    assert (report["sent"], report["refused"], report["not_delivered"], report["waiting"]) == (2, 1, 0, 0)
    assert (report["complete"], report["unread_from_line"], report["idempotent"]) == (False, None, True)
    (refused,) = report["refused_events"]
    assert (refused["line"], refused["field"], refused["value"]) == (2, "data.amount", "-5.0")
    assert refused["remedy"].startswith("give a number from 0")
    with TopicReader(KafkaConnection(broker.bootstrap_servers), f"{redis_app}.touchpoints") as reader:
        found = reader.last(0)
    assert {int(number): count for number, count in report["partitions"].items()} == Counter(
        read.partition for read in found
    )


def test_a_check_reports_as_json_too() -> None:
    result = run("publish", "--check", "--json", "-", input=b"\n".join([GOOD[0], NEGATIVE]))
    assert result.exit_code == ExitCode.FAILURE
    report = json.loads(result.stdout)
    assert (report["valid"], report["refused"], report["refused_events"][0]["line"]) == (1, 1, 2)


def test_without_a_terminal_progress_is_plain_lines(retention: Retention, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.cli.progress.PLAIN_EVERY_S", 0.0)
    retention("topics", "create")
    result = retention("publish", "-", input=b"\n".join(GOOD))
    lines = result.stderr.splitlines()
    assert len(lines) == len(GOOD) + 2
    assert all(re.fullmatch(r"\d+ sent, 0 refused", line) for line in lines[:-2])


def test_on_a_terminal_progress_is_a_bar(retention: Retention, tmp_path: Path) -> None:
    retention("topics", "create")
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\n".join(GOOD))
    shown, report = on_a_terminal("publish", "--json", str(file))
    assert "━" in shown
    assert "20 sent to" in shown
    assert json.loads(report)["sent"] == 20


def test_ctrl_c_confirms_what_is_on_its_way_and_says_where_to_go_on(
    retention: Retention, redis_app: str, tmp_path: Path
) -> None:
    retention("topics", "create")
    process = subprocess.Popen(
        [sys.executable, "-m", "streams.cli", "publish", "--json", "-"],
        cwd=tmp_path,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stdin is not None
        assert process.stderr is not None
        # The refused line, which is told at once, says that those before it were taken.
        process.stdin.write(b"\n".join([*GOOD, NEGATIVE, b""]))
        process.stdin.flush()
        assert b"line 21: " in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        told, report = process.stderr.read().decode(), json.loads(process.stdout.read() if process.stdout else b"")
    finally:
        process.kill()
        process.communicate()
    assert (report["sent"], report["refused"], report["interrupted"]) == (20, 1, True)
    assert report["unread_from_line"] == 21
    assert f"20 sent to {redis_app}.touchpoints, 1 refused" in told
    assert "interrupted; send again what is named above, and from line 21 on" in told


def test_when_kafka_goes_away_for_good_the_rest_of_the_file_is_not_tried_and_every_line_is_accounted_for(
    own_kafka: ApacheKafka, redis_app: str
) -> None:
    place = ClientTopics(own_kafka.bootstrap_servers, redis_app).create()
    said: list[str] = []

    class Recorded(PlainWatch):
        def write_line(self, text: str) -> None:
            said.append(text)

    watch = Recorded(3600.0)

    def lines() -> Iterator[bytes]:
        yield from GOOD[:5]
        own_kafka.kill()
        yield from GOOD[5:10]
        time.sleep(3.0)
        yield from GOOD[10:]

    def connect(on_outcome: Callable[[Outcome], None]) -> TouchpointPublisher:
        return TouchpointPublisher(place.servers, place.touchpoints, on_outcome=on_outcome, delivery_timeout_s=1.0)

    published = publish_lines(lines(), watch, connect)
    assert not published.complete
    report = published.report
    assert report.sent + report.not_delivered == (published.unread_from or 0) - 1
    assert sum(text.startswith("line ") for text in said) == report.not_delivered >= 5
    assert published.lines()[-1].startswith("Kafka takes no events; ")


def test_what_kafka_refuses_halfway_ends_the_file_there_and_the_report_says_so(broker: Broker, redis_app: str) -> None:
    place = ClientTopics(broker.bootstrap_servers, redis_app).create()
    said: list[str] = []

    class Recorded(PlainWatch):
        def write_line(self, text: str) -> None:
            said.append(text)

    class RefusedAtThree(TouchpointPublisher):
        def publish(self, value: bytes, *, line: int = 0) -> Refusal | None:
            if line == 3:
                raise BrokerRefused("not authorised any more")
            return super().publish(value, line=line)

    def connect(on_outcome: Callable[[Outcome], None]) -> TouchpointPublisher:
        return RefusedAtThree(place.servers, place.touchpoints, on_outcome=on_outcome)

    published = publish_lines(GOOD, Recorded(3600.0), connect)
    assert (published.report.sent, published.report.waiting) == (2, 0)
    assert (published.unread_from, published.interrupted, published.complete) == (3, False, False)
    assert said == [str(BrokerRefused("not authorised any more"))]
    assert len(place.read(place.touchpoints)) == 2
