"""`retention backfill` as a user meets it: the summary, and everything that is refused before anything is begun."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from redis import Redis

from streams.errors import ExitCode
from streams.kafka.offsets_at_time import CutOverBeforeLog, first_offsets
from streams.kafka.security import KafkaConnection
from tests.integration.cli.conftest import Retention, run
from tests.integration.cli.terminal import on_a_terminal, plain
from tests.support.cli_docs import undocumented
from tests.support.servers import ApacheKafka, Broker

LOG = "customer_id,ts,type,amount,qty\n" + "".join(
    f"c{customer},2020-{month:02d}-{1 + 7 * week:02d},purchase,{5 + customer},1\n"
    for month in range(1, 7)
    for week in range(4)
    for customer in range(6)
)


@pytest.fixture
def log(tmp_path: Path) -> str:
    path = tmp_path / "log.csv"
    path.write_text(LOG)
    return str(path)


@pytest.fixture
def backfill(retention: Retention, redis_url: str, log: str, monkeypatch: pytest.MonkeyPatch) -> Retention:
    """On topics of its own, in mode replay."""
    monkeypatch.setenv("RETENTION_REDIS_URL", redis_url)
    monkeypatch.setenv("RETENTION_MODE", "replay")
    monkeypatch.setenv("RETENTION_VERSION_EVERY_S", "604800")
    retention("topics", "create")
    return lambda *words, log=log: retention("backfill", log, *words)


@pytest.fixture
def keys(redis_url: str, redis_app: str) -> Iterator[Redis]:
    client = Redis.from_url(redis_url)
    yield client
    client.close()


def begun(keys: Redis, app: str) -> bool:
    return any(keys.scan_iter(f"{{{app}:*"))


def test_a_summary_for_people_and_for_machines_and_a_second_run_is_refused(backfill: Retention, redis_app: str) -> None:
    result = backfill("--until", "2020-05-01", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert undocumented("backfill", told, frozenset(["bands", "totals", "next_offsets", "quality"])) == []
    assert (told["topic"], told["events"], told["left_to_live"]) == (f"{redis_app}.touchpoints", 96, 48)
    assert told["customers"] == sum(told["bands"].values()) == 6
    assert (told["totals"]["applied"], told["totals"]["triggers"], told["totals"]["dead"]) == (96, 0, 0)
    assert told["next_offsets"] == {"0": 0, "1": 0, "2": 0}
    assert told["resumed"] is False
    assert "96 events from 2020-01-01 to 2020-04-22, before the cut-over 2020-05-01; 48 at or after it" in result.stderr
    again = backfill("--until", "2020-05-01")
    assert (again.exit_code, again.stdout) == (ExitCode.FAILURE, "")
    assert "history until 2020-05-01 was backfilled here before" in again.stderr


def test_after_it_a_customer_is_shown_with_what_silence_will_bring(backfill: Retention, tmp_path: Path) -> None:
    """The state and the model are those of real servers: the shard's meta and the learner's."""
    path = tmp_path / "some_stop.csv"
    start = datetime(2020, 1, 1, tzinfo=UTC)
    path.write_text(
        "customer_id,ts,type,amount,qty\n"
        + "".join(
            f"c{customer},{start + timedelta(days=7 * week + customer % 5):%Y-%m-%d},purchase,{5 + customer},1\n"
            for week in range(18)
            for customer in range(60)
            if customer % 5 == 1 or week < 2 + customer % 13
        )
    )
    assert backfill("--until", "2020-05-01", log=str(path)).exit_code == 0
    told = json.loads(run("customer", "c1", "--partitions", "3", "--json").stdout)
    assert undocumented("customer", told["if_silent"], frozenset(["course"])) == []
    silent = told["if_silent"]
    low, high = silent["probability_90_percent_interval"]
    assert 0 <= low <= silent["probability"] <= high <= 1
    assert low < high
    assert silent["as_of"].startswith("2020-04-30T23:59:59"), "the shard's time: the backfill came up to the cut"
    assert silent["lapsed_from"] > silent["crosses_threshold"] > silent["as_of"]
    assert silent["outlook"].startswith("crosses ")
    before = [risk for at, risk in silent["course"].items() if at < silent["crosses_threshold"]]
    threshold = float(silent["outlook"].split()[1])
    assert all(risk < threshold for risk in before)
    assert max(silent["course"].values()) >= threshold
    text = run("customer", "c1", "--partitions", "3")
    assert "if silent:" in text.stdout.splitlines()
    assert f"  outlook: {silent['outlook']}" in text.stdout.splitlines()


@pytest.mark.parametrize("broker", ["tansu"], indirect=True)  # the terminal is the point
def test_on_a_terminal_progress_is_a_bar_of_the_time_that_history_takes(backfill: Retention, log: str) -> None:
    shown, report = on_a_terminal("backfill", log, "--until", "2020-05-01", "--json")
    shown = plain(shown)
    assert "96 events from 2020-01-01 to 2020-04-22" in shown
    assert re.search(r"2020-01-01 ━+ +0%", shown)
    assert re.search(r"2020-04-30 23:59:59  96 events ━+╸? +100%", shown)
    assert json.loads(report)["events"] == 96


@pytest.mark.parametrize(
    ("until", "code", "told"),
    [
        ("yesterday", ExitCode.USAGE, "'yesterday': give a date or a time such as"),
        ("2019-12-31", ExitCode.FAILURE, "holds no event before 2019-12-31, 144 after it"),
    ],
)
def test_a_cut_that_is_none_is_refused(
    backfill: Retention, keys: Redis, redis_app: str, until: str, code: ExitCode, told: str
) -> None:
    result = backfill("--until", until)
    assert result.exit_code == code
    assert told in result.stderr
    assert not begun(keys, redis_app)


def test_a_cut_is_asked_for(log: str) -> None:
    result = run("backfill", log)
    assert result.exit_code == ExitCode.USAGE
    assert "--until" in result.stderr


def test_a_live_cut_in_the_future_is_refused(log: str) -> None:
    result = run("backfill", log, "--mode", "live", "--until", "2999-01-01")
    assert result.exit_code == ExitCode.FAILURE
    assert "--until is 2999-01-01, it is 2" in result.stderr
    assert "name a moment that has passed" in result.stderr


def test_a_log_with_a_line_that_can_not_be_read_is_refused_before_anything_is_begun(
    backfill: Retention, keys: Redis, redis_app: str, tmp_path: Path
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(LOG + "c1,2020-06-30,purchase,much,1\n")
    result = backfill("--until", "2020-05-01", log=str(path))
    assert result.exit_code == ExitCode.FAILURE
    assert "line 146, column amount: 'much' is not a finite number" in result.stderr
    assert not begun(keys, redis_app)


def test_topics_that_are_missing_or_of_another_mode_are_refused(
    retention: Retention, redis_url: str, log: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETENTION_REDIS_URL", redis_url)
    missing = retention("backfill", log, "--until", "2020-05-01")
    assert missing.exit_code == ExitCode.TOPIC_UNFIT
    assert "retention topics create" in missing.stderr
    retention("topics", "create", "--mode", "live")
    other = retention("backfill", log, "--until", "2020-05-01", "--mode", "replay")
    assert other.exit_code == ExitCode.TOPIC_UNFIT
    assert "message.timestamp.type=LogAppendTime" in other.stderr


def test_servers_that_do_not_answer_are_named(backfill: Retention) -> None:
    result = backfill("--until", "2020-05-01", "--redis-url", "redis://127.0.0.1:1/0")
    assert result.exit_code == ExitCode.FAILURE
    assert "Redis redis://127.0.0.1:1/0" in result.stderr
    assert "--redis-url" in result.stderr


@pytest.mark.parametrize("broker", ["kafka"], indirect=True)
def test_a_member_of_the_group_is_refused(backfill: Retention, broker: Broker, redis_app: str, keys: Redis) -> None:
    member = KafkaConsumer(f"{redis_app}.touchpoints", bootstrap_servers=broker.bootstrap_servers, group_id=redis_app)
    polling = threading.Event()
    thread = threading.Thread(target=lambda: [member.poll(timeout_ms=100) for _ in iter(polling.is_set, True)])
    thread.start()
    try:
        while not member.assignment():
            polling.wait(0.05)
        result = backfill("--until", "2020-05-01")
    finally:
        polling.set()
        thread.join()
        member.close()
    assert result.exit_code == ExitCode.FAILURE
    assert f"the consumer group {redis_app} has 1 members" in result.stderr
    assert "stop every worker" in result.stderr
    assert not begun(keys, redis_app)


def test_a_cut_stands_at_the_first_record_at_or_after_it(backfill: Retention, broker: Broker, redis_app: str) -> None:
    topic = f"{redis_app}.touchpoints"
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap_servers, enable_idempotence=False, acks="all")
    for time in (1_000, 2_000, 3_000, 2_500, 4_000):
        producer.send(topic, b"x", partition=1, timestamp_ms=time).get(60)
    producer.close()

    def next_offsets(time: int) -> list[int]:
        return first_offsets(KafkaConnection(broker.bootstrap_servers), topic, 3, time)

    assert [next_offsets(time)[1] for time in (1, 1_000, 1_001, 2_600, 3_001, 4_000, 4_001)] == [0, 0, 1, 2, 4, 4, 5]
    assert next_offsets(3_000)[::2] == [0, 0]


def test_a_topic_that_begins_after_the_cut_is_refused(
    kafka: ApacheKafka, retention: Retention, redis_app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETENTION_BOOTSTRAP_SERVERS", kafka.bootstrap_servers)
    retention("topics", "create", "--mode", "replay")
    topic = f"{redis_app}.touchpoints"
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap_servers, acks="all")
    for time in (1_000, 2_000, 3_000):
        producer.send(topic, b"x", partition=1, timestamp_ms=time).get(60)
    producer.close()
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    admin.delete_records({TopicPartition(topic, 1): 1})
    with pytest.raises(
        CutOverBeforeLog, match=r"partition 1 of .* begins with offset 1, after 1970-01-01 00:00:01: .*later"
    ):
        first_offsets(KafkaConnection(kafka.bootstrap_servers), topic, 3, 1_500)
    assert first_offsets(KafkaConnection(kafka.bootstrap_servers), topic, 3, 2_001) == [0, 2, 0]
    admin.delete_records({TopicPartition(topic, 1): 3})
    admin.close()
    for time in (1_500, 2_001, 5_000):
        with pytest.raises(
            CutOverBeforeLog, match=r"partition 1 of .* holds nothing, and its next offset is 3: .*later"
        ):
            first_offsets(KafkaConnection(kafka.bootstrap_servers), topic, 3, time)
