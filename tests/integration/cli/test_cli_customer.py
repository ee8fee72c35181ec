"""`retention customer` on a real Redis."""

from __future__ import annotations

import asyncio
import json

import pytest

from models.bands import Band
from models.customer import DUE, LAST_PURCHASE, PURCHASE_DAYS, RISK, Record
from models.partitioning import partition_of
from streams.errors import ExitCode
from streams.store.connection import connect
from streams.store.port import Write
from streams.store.redis import RedisStore
from tests.integration.cli.conftest import run

NOON = 1_700_000_000_000
ANNA = "anna-é"


@pytest.fixture(autouse=True)
def place(redis_url: str, redis_app: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_REDIS_URL", redis_url)
    monkeypatch.setenv("RETENTION_APP", redis_app)


def stored(redis_url: str, app: str, value: bytes) -> None:
    async def write() -> None:
        store = RedisStore(connect(redis_url), app)
        shard = str(partition_of(ANNA, 4))
        await store.create(shard, b"")
        await store.mint(shard, b"t")
        await store.commit(shard, Write(b"t", 0, b"n", b"", values=[(b"c:" + ANNA.encode(), value)]))
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
