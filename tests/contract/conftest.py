"""The stores under contract."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from streams.local.embedded import EmbeddedRedis
from streams.store.fake import FakeStore
from streams.store.redis.connection import connect
from streams.store.redis.store import RedisStore
from tests.conftest import started
from tests.support.stores import Bench, cluster_node, dump


@pytest.fixture(scope="session")
def redis_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    """A Redis Cluster of one node, shared."""
    directory = tmp_path_factory.mktemp("redis_cluster")
    server = started("tests on Redis Cluster", lambda: cluster_node(directory))
    yield server
    server.stop()


@pytest_asyncio.fixture(params=["fake", "redis", "cluster"])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    """Each test runs on every store."""
    if request.param == "fake":
        fake = FakeStore()
        yield Bench(fake, fake.snapshot)
        return
    cluster = request.param == "cluster"
    server: EmbeddedRedis = request.getfixturevalue("redis_cluster" if cluster else "redis_server")
    app = f"test-{uuid.uuid4().hex}"
    store = RedisStore(connect(server.url, cluster=cluster), app)
    yield Bench(store, lambda place: dump(server, app, place))
    await store.close()
