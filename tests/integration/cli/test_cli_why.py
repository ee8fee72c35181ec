"""`retention why` on the topics and the state of a shop under a policy."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import Result
from kafka import KafkaProducer

from models.simulation.rehearsal import Shard, rehearse
from streams.errors import ExitCode
from streams.kafka.partition_facts import LogFacts
from streams.operations.why import index
from streams.shard.meta import SCHEMA, ShardBody, creation_of, pack_body
from streams.shard.stored_policy import POLICY
from streams.store.port import Write
from streams.store.redis.connection import connect
from streams.store.redis.store import RedisStore
from tests.support.cli_docs import undocumented
from tests.support.servers import Broker
from tests.unit.models.engine.test_by_policy import log_with
from tests.unit.models.simulation.test_rehearsal import VARIANTS

Retention = Callable[..., Result]
SETTINGS = VARIANTS["live"]


class Place(NamedTuple):
    """Where the shop is. customer: who got most of it."""

    retention: Retention
    customer: str


@pytest.fixture
def place(
    retention: Retention, broker: Broker, redis_app: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> Place:
    for name, value in (("MODE", "replay"), ("PARTITIONS", "2"), ("REDIS_URL", redis_url)):
        monkeypatch.setenv(f"RETENTION_{name}", value)
    assert retention("topics", "create").exit_code == 0
    shards = rehearse(log_with("eager", customers=20, days=120), SETTINGS).shards
    producer: Any = KafkaProducer(bootstrap_servers=broker.bootstrap_servers)
    for number, shard in enumerate(shards):
        for one in shard.log:
            producer.send(f"{redis_app}.touchpoints", one.value, one.key, partition=number, timestamp_ms=one.timestamp)
        for said in shard.outputs:
            if said.role in ("decisions", "triggers"):
                topic = f"{redis_app}.{said.role}"
                producer.send(topic, said.value, said.key or None, partition=number, timestamp_ms=said.time)
        asyncio.run(_stored(redis_url, redis_app, shard))
    producer.flush(90)
    producer.close()
    triggers = Counter(one.key.decode() for shard in shards for one in shard.outputs if one.role == "triggers")
    return Place(retention, triggers.most_common(1)[0][0])


async def _stored(redis_url: str, app: str, shard: Shard) -> None:
    assert shard.policy is not None
    store, place = RedisStore(connect(redis_url), app), str(shard.state.partition)
    creation = creation_of(LogFacts(0, 0, "topic-id", 2, None), "replay", SETTINGS)
    body = pack_body(ShardBody(SCHEMA, creation, shard.state))
    records = [(b"c:" + name, value) for name, value in shard.records.items()]
    await store.create(place, body)
    await store.mint(place, b"t")
    values = [*records, (POLICY, shard.policy.text.encode())]
    await store.commit(place, Write(b"t", 0, b"n", body, values=values))
    await store.close()


def test_a_customers_story_is_told_from_the_topics_and_the_record(place: Place) -> None:
    retention, customer = place
    whole = retention("why", customer, "--since", "2000-01-01")
    assert whole.exit_code == 0, whole.stderr
    assert "    trigger " in whole.stdout
    told = json.loads(retention("why", customer, "--since", "2000-01-01", "--json").stdout)
    data = frozenset({"parameters"})
    assert undocumented("why", told, data) == []
    sent = [one for one in told["past"] if one["trigger"] and one["policy"]]
    assert sent
    assert told["now"]["policy"] == sent[-1]["policy"]

    by_touchpoint = [one for one in told["past"] if one["asked_by"]["by"] == "touchpoint" and one["moment"]]
    for wanted in (sent[-1], *by_touchpoint[-1:]):
        found = json.loads(retention("why", customer, "--at", wanted["time"], "--json").stdout)
        [last] = found["past"]
        touchpoint = last.pop("touchpoint")
        assert (touchpoint is not None) == (last["asked_by"]["by"] == "touchpoint")
        assert (last["time"], found["now"]) == (wanted["time"], None)
        assert last in told["past"]
    words = retention("why", customer, "--since", "2000-01-01", "--words").stdout
    assert words.count("because") == len([one for one in told["past"] if one["trigger"]])
    assert "What you can change" in words

    shown = json.loads(retention("customer", customer, "--json").stdout)["decisions"]
    assert shown["policy"] == told["now"]["policy"]
    assert undocumented("customer", shown) == []


def test_what_can_not_be_repeated_is_said_as_by_verify(place: Place) -> None:
    retention, customer = place
    done = retention("why", customer, "--since", "2000-01-01", "--repeat", "--json")
    assert done.exit_code == ExitCode.LOG_TRUNCATED, done.stderr
    told = json.loads(done.stdout)["repeated"]
    assert undocumented("why", told) == []
    assert "than that it was created on" in told["not_repeated"]
    assert (told["decisions"], told["differences"]) == (0, [])
    assert retention("why", customer, "--repeat", "--words").exit_code == ExitCode.USAGE
    assert retention("why", customer, "--history", "log.csv").exit_code == ExitCode.USAGE


def test_what_can_not_be_told_is_named(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    retention, customer = place
    nobody = retention("why", "nobody")
    assert nobody.exit_code == ExitCode.FAILURE
    assert "no record of customer 'nobody'" in nobody.stderr
    before = retention("why", customer, "--at", "1999-01-01")
    assert before.exit_code == ExitCode.FAILURE
    assert "nothing was decided about" in before.stderr
    assert retention("why", customer, "--at", "soon").exit_code == ExitCode.USAGE
    monkeypatch.setenv("RETENTION_REDIS_URL", "redis://127.0.0.1:1/0")
    assert "does not answer" in retention("why", customer).stderr


def test_a_customer_is_given_all_that_is_held_found_by_an_index(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    retention, customer = place
    monkeypatch.setattr(index, "SEGMENT", 64)
    monkeypatch.setenv("RETENTION_INDEX_DIR", str(tmp_path / "index"))
    first = retention("customer", customer, "--export", "--json")
    assert first.exit_code == 0, first.stderr
    told = json.loads(first.stdout)
    assert undocumented("customer", told, frozenset({"value", "event"})) == []
    past = json.loads(retention("why", customer, "--since", "2000-01-01", "--json").stdout)["past"]
    assert [one["id"] for one in told["decisions"]] == [one["id"] for one in past]
    assert {one["id"] for one in told["sent"]} == {one["trigger"]["id"] for one in past if one["trigger"]}
    assert told["events"]
    assert {one["event"]["subject"] for one in told["events"]} == {customer}
    assert {one["field"] for one in told["record"]} > {"tail.consents", "numbers.0", "standing.waiting"}

    again = retention("customer", customer, "--export", "--language", "de", "--out", str(tmp_path / "anna.txt"))
    assert again.exit_code == 0, again.stderr
    text = (tmp_path / "anna.txt").read_text(encoding="utf-8")
    assert text.startswith("Was wir über ")
    assert (tmp_path / "anna.txt").stat().st_mode & 0o077 == 0
    if any((tmp_path / "index").rglob("0*")):  # the broker has topic ids
        assert _read(again) < _read(first)

    preview = json.loads(retention("customer", customer, "--erase-preview", "--json").stdout)
    assert undocumented("customer", preview) == []
    assert [one["where"] for one in preview["places"]] == [one["where"] for one in told["kept"]] or told[
        "language"
    ] == "de"
    nobody = retention("customer", "nobody", "--export")
    assert nobody.exit_code == 0
    assert "There is no record of you" in nobody.stdout
    assert retention("customer", customer, "--language", "de").exit_code == ExitCode.USAGE


def _read(done: Result) -> int:
    return int(done.stderr.split(" records of the topics were read")[0].rsplit("\n", 1)[-1].replace(",", ""))
