"""`retention upgrade check` on both brokers, where there is nothing yet, and where what is stored does not fit."""

from __future__ import annotations

import asyncio
import json

from models.settings import DAY, EngineSettings
from models.timeline.shard_state import ShardState
from streams.errors import ExitCode
from streams.kafka.partition_facts import LogFacts
from streams.shard.meta import SCHEMA, ShardBody, creation_of, pack_body
from streams.store.redis.connection import connect
from streams.store.redis.store import RedisStore
from tests.integration.cli.conftest import Retention
from tests.support.cli_docs import undocumented

BY_SHARD = frozenset(["example_offsets"])


def test_an_application_that_has_not_begun_fits_and_one_of_other_settings_is_refused(
    retention: Retention, redis_app: str, redis_url: str
) -> None:
    missing = retention("upgrade", "check", "--redis-url", redis_url)
    assert missing.exit_code == ExitCode.TOPIC_UNFIT
    assert "remedy: create the topics" in missing.stderr
    retention("topics", "create")
    fits = retention("upgrade", "check", "--redis-url", redis_url, "--json")
    assert fits.exit_code == 0, fits.stderr
    told = json.loads(fits.stdout)
    assert undocumented("upgrade", told, BY_SHARD) == []
    assert {one["status"] for one in told["checks"]} == {"ok"}
    assert told["relearn_from"] == {"kept_start": None, "example_offsets": {"0": 0, "1": 0, "2": 0}, "whole": True}
    assert told["predictions"] is None
    creation = creation_of(LogFacts(0, 0, "", 3, None), "live", EngineSettings(horizon=30 * DAY))
    asyncio.run(_store(redis_url, redis_app, pack_body(ShardBody(SCHEMA, creation, ShardState(1, 3, 0)))))
    refused = retention("upgrade", "check", "--redis-url", redis_url)
    assert refused.exit_code == ExitCode.SETTINGS_CHANGED
    assert "refused       settings          shard 1: horizon is " in refused.stdout
    assert "remedy: start the worker with the stored value" in refused.stdout
    assert refused.stdout.endswith("workers of this release would not go on: exit code 78\n")


async def _store(url: str, app: str, body: bytes) -> None:
    store = RedisStore(connect(url), app)
    try:
        await store.create("1", body)
    finally:
        await store.close()
