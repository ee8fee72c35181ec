"""`retention customer` on a real Redis."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import Any

import pytest

from models.customer.bands import Band
from models.customer.consent import EVERY, MARKETING, Statement, pack_register
from models.customer.layout import DUE, ERASED, LAST_PURCHASE, NEWEST, NO_CONSENT, PENDING_CHURNED, PURCHASE_DAYS, RISK
from models.customer.record import Record, hash_of
from models.customer.schedule import phase_of, tick_time
from models.engine.compiled_rules import rules_of
from models.settings import DAY, EngineSettings
from models.timeline.partitioning import partition_of
from models.timeline.shard_state import ShardState
from streams.errors import ExitCode
from streams.kafka.partition_facts import LogFacts
from streams.shard.meta import SCHEMA, ShardBody, creation_of, pack_body
from streams.store.port import Write
from streams.store.redis.connection import connect
from streams.store.redis.store import RedisStore
from tests.integration.cli.conftest import run

NOON = 1_700_000_000_000
ANNA = "anna-é"


@pytest.fixture(autouse=True)
def place(redis_url: str, redis_app: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_REDIS_URL", redis_url)
    monkeypatch.setenv("RETENTION_APP", redis_app)


BORN_WITH = EngineSettings(tick=3 * DAY, anchor=NOON)
"""Of the shard; not what is configured where a test runs."""


def stored(redis_url: str, app: str, value: bytes, meta: bytes | None = None) -> None:
    """A shard with one record. meta: its body."""

    async def write() -> None:
        store = RedisStore(connect(redis_url), app)
        shard = partition_of(ANNA, 4)
        creation = creation_of(LogFacts(0, 0, "topic-id", 4, None), "live", BORN_WITH)
        body = pack_body(ShardBody(SCHEMA, creation, ShardState(shard, 4, 0))) if meta is None else meta
        place = str(shard)
        await store.create(place, body)
        await store.mint(place, b"t")
        await store.commit(place, Write(b"t", 0, b"n", body, values=[(b"c:" + ANNA.encode(), value)]))
        await store.close()

    asyncio.run(write())


def a_record() -> bytes:
    record = Record(ANNA.encode())
    record.band = Band.AT_RISK
    record.times[LAST_PURCHASE] = NOON
    record.times[DUE] = 8.0 * NOON + 4
    record.numbers[PURCHASE_DAYS] = 3.0
    record.numbers[RISK] = 0.875
    record.tail.channels = ("chat", "email")
    record.tail.cases = {"case-7": NOON}
    return record.pack()


def test_a_customer_is_shown_in_words(redis_url: str, redis_app: str) -> None:
    stored(redis_url, redis_app, a_record())
    result = run("customer", ANNA, "--partitions", "4")
    assert result.exit_code == 0, result.output
    for line in (
        f"customer: {ANNA}",
        "  channels: chat, email",
        "    case-7: 2023-11-14T22:13:20Z",
        "  purchase days: 3",
        "  band: at_risk",
        "  probability: 0.875",
        "  at: 2023-11-14T22:13:20Z",
        "  for: the next estimate of risk",
    ):
        assert line in result.stdout.splitlines()


def test_a_customer_is_shown_as_json(redis_url: str, redis_app: str) -> None:
    stored(redis_url, redis_app, a_record())
    told = json.loads(run("customer", ANNA, "--partitions", "4", "--json").stdout)
    assert told["risk"] == {"band": "at_risk", "probability": 0.875, "episode": None}
    assert told["profile"]["channels"] == ["chat", "email"]
    assert told["partition"] == partition_of(ANNA, 4)


def test_how_much_is_kept_is_said_of_who_was_erased_and_of_who_left(redis_url: str, redis_app: str) -> None:
    def kept(record: Record, app: str) -> str:
        stored(redis_url, app, record.pack())
        told: dict[str, Any] = json.loads(run("--app", app, "customer", ANNA, "--partitions", "4", "--json").stdout)
        assert told["behaviour"]["last_touch"] is None
        return str(told["kept"])

    erased, gone = Record(ANNA.encode()), Record(ANNA.encode())
    erased.flags, erased.band, erased.times[NEWEST] = ERASED, Band.ERASED, NOON
    assert kept(erased, f"{redis_app}-erased") == "that they were erased, on 2023-11-14T22:13:20Z"
    gone.flags, gone.band = NO_CONSENT, Band.LAPSED
    gone.tail.consents = pack_register({(MARKETING, EVERY): Statement(False, NOON)})
    assert kept(gone, f"{redis_app}-gone").startswith("their objection alone")
    lapsed = Record(ANNA.encode())
    lapsed.remember(7)
    lapsed.times[DUE] = 8.0 * NOON + 5
    stored(redis_url, redis_app, lapsed.pack())
    told = json.loads(run("customer", ANNA, "--partitions", "4", "--json").stdout)
    assert (told["kept"], told["next_due"]["for"]) == ("everything", "the record leaves the store")


def test_times_are_those_of_the_settings_that_the_shard_was_created_with(redis_url: str, redis_app: str) -> None:
    record = Record(ANNA.encode())
    record.pending_ticks[PENDING_CHURNED] = 1_000
    stored(redis_url, redis_app, record.pack())
    phase = phase_of(BORN_WITH, hash_of(ANNA.encode()))
    told = json.loads(run("customer", ANNA, "--partitions", "4", "--json").stdout)
    taken = datetime.fromisoformat(told["learning"]["observed_at"])
    assert taken.timestamp() * 1_000 == tick_time(rules_of(BORN_WITH), phase, 1_000)


def test_what_depends_on_settings_that_can_not_be_read_is_not_told_and_the_rest_is(
    redis_url: str, redis_app: str
) -> None:
    record = Record(ANNA.encode())
    record.pending_ticks[PENDING_CHURNED] = 1_000
    stored(redis_url, redis_app, record.pack(), meta=b"damaged")
    result = run("customer", ANNA, "--partitions", "4", "--json")
    assert result.exit_code == 0
    assert "no forecast: meta of shard" in result.stderr
    told = json.loads(result.stdout)
    assert (told["customer"], told["if_silent"], told["learning"]["observed_at"]) == (ANNA, None, None)


def test_an_unknown_customer_is_named_with_where_we_looked(redis_url: str, redis_app: str) -> None:
    result = run("customer", "nobody", "--partitions", "4")
    assert result.exit_code == ExitCode.FAILURE
    for part in ("'nobody'", redis_app, "of 4", redis_url, "remedy:"):
        assert part in result.stderr


def test_a_record_of_another_release_is_refused(redis_url: str, redis_app: str) -> None:
    stored(redis_url, redis_app, b"\xee" + a_record()[1:])
    result = run("customer", ANNA, "--partitions", "4")
    assert result.exit_code == ExitCode.STATE_UNREADABLE
    assert "schema version 238" in result.stderr
