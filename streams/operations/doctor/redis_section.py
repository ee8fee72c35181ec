"""The checks of Redis, in order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from redis.asyncio import RedisCluster
from redis.asyncio.sentinel import SentinelConnectionPool

from streams.config import Config
from streams.operations.doctor import redis, security
from streams.operations.doctor.finding import Finding, ok, problem, warning
from streams.operations.doctor.redis_nodes import RedisNode, ask_nodes, cluster_state
from streams.operations.doctor.section import Section
from streams.store.redis.connection import Client, connect
from streams.store.redis.security import redis_connection
from streams.store.redis.store import RedisStore
from streams.store.redis.transport import transport_named
from streams.store.redis.trial import try_out

CALL_S = 3.0
NO_NAMESPACE = "doctor"
"""A namespace that is never created, so that a script that is run on it finds nothing and writes nothing."""


@dataclass
class RedisSection(Section):
    """usable: a client of the right kind, once Redis has answered."""

    clients: list[Client] = field(default_factory=list)
    usable: Client | None = None

    async def examine(self, config: Config, *, read_only: bool) -> None:
        """The checks redis.*."""
        async with transport_named(redis_connection(config)):
            nodes = await self._nodes(config)
        self.found.append(redis.reachable(config, nodes))
        await self._secure(config)
        for check in (redis.replicas, redis.persistence, redis.eviction, redis.memory, redis.clock):
            self.found.append(redis.every(nodes, check))
        self.at = "redis.scripts"
        self.waits_for("redis", "redis.cluster")
        if self.usable is not None:
            self.found.append(await _scripts(RedisStore(self.usable, config.app), read_only=read_only))

    async def _secure(self, config: Config) -> None:
        self.at = "redis.security"
        client = self.clients[0]
        places = await _addresses(client)
        self.found.append(await security.redis(redis_connection(config), client, places, security.now()))

    async def _nodes(self, config: Config) -> list[RedisNode]:
        where = config.shown_redis_url
        # A plain client first: it tells whether the server is a cluster's, which a cluster's client can't.
        plain = self._client(config, cluster=False)
        nodes = await ask_nodes(plain, where)
        clustered = nodes[0].clustered
        if clustered is not None and clustered != config.redis_cluster:
            self.found.append(_other_kind(nodes[0]))
            return nodes
        if not config.redis_cluster:
            self.found.append(_one_server(known=clustered is not None))
            self.usable = plain
            return nodes
        self.at = "redis.cluster"
        whole = self.usable = self._client(config, cluster=True)
        nodes = await ask_nodes(whole, where)
        if isinstance(whole, RedisCluster):
            self.found.append(_whole(await cluster_state(whole), len(nodes)))
        return nodes

    def _client(self, config: Config, *, cluster: bool) -> Client:
        client = connect(redis_connection(config), cluster=cluster, timeout_s=min(config.redis_timeout_s, CALL_S))
        self.clients.append(client)
        return client

    async def close(self) -> None:
        for client in self.clients:
            await client.aclose()


async def _addresses(client: Client) -> list[tuple[str, int]]:
    """Host and port of the servers that a client is connected to; none for a Unix socket."""
    if isinstance(client, RedisCluster):
        return [(node.host, int(node.port)) for node in client.get_nodes()]
    pool: Any = client.connection_pool
    if isinstance(pool, SentinelConnectionPool):
        host, port = await cast(Any, pool).get_master_address()
        return [(str(host), int(port))]
    text = pool.connection_kwargs
    return [(str(text.get("host", "localhost")), int(text.get("port", 6379)))] if "path" not in text else []


def _other_kind(node: RedisNode) -> Finding:
    if node.clustered:
        text, remedy = f"{node.name} is a node of a cluster, redis_cluster is false", "set RETENTION_REDIS_CLUSTER=true"
    else:
        text = f"{node.name} is no node of a cluster, redis_cluster is true"
        remedy = "set RETENTION_REDIS_CLUSTER=false, or give a node of the cluster"
    return problem("redis.cluster", text, remedy)


def _one_server(*, known: bool) -> Finding:
    if known:
        return ok("redis.cluster", "one server, as configured")
    text = f"taken for one server, as configured: Redis does not tell whether it is a cluster's ({redis.REFUSED})"
    return warning("redis.cluster", text, f"{redis.ALLOW_INFO}, or make sure that redis_cluster is right")


async def _scripts(store: RedisStore, *, read_only: bool) -> Finding:
    if read_only:
        await store.mint(NO_NAMESPACE, NO_NAMESPACE.encode())
        return ok("redis.scripts", "of the scripts only mint was run, on a namespace that is not there (--read-only)")
    await try_out(store)
    return ok("redis.scripts", "a namespace was created, written, read and deleted again")


def _whole(state: str | None, primaries: int) -> Finding:
    if state is None:
        text = f"{primaries} primaries; whether every slot has one is not told (CLUSTER INFO is refused)"
        return warning("redis.cluster", text, "allow this user CLUSTER INFO")
    text = f"cluster_state {state}, {primaries} primaries"
    if state == "ok":
        return ok("redis.cluster", text)
    return problem("redis.cluster", text, "see CLUSTER INFO and CLUSTER NODES: every slot needs a primary that answers")
