"""The questions to Redis."""

from __future__ import annotations

from dataclasses import dataclass, field

from redis.asyncio import RedisCluster

from streams.config import Config, without_password
from streams.doctor import redis
from streams.doctor.finding import Finding, ok, problem
from streams.doctor.redis_nodes import RedisNode, cluster_state, look_at
from streams.doctor.section import Section
from streams.store.connection import Client, connect
from streams.store.redis import RedisStore

CALL_S = 3.0
NO_PLACE = "doctor"
"""A place that is never created, so that a script that is run on it finds nothing and writes nothing."""


@dataclass
class RedisSection(Section):
    """usable: a client of the right kind, once Redis has answered."""

    clients: list[Client] = field(default_factory=list)
    usable: Client | None = None

    async def examine(self, config: Config) -> None:
        """The checks redis.*."""
        nodes = await self._nodes(config)
        self.found.append(redis.reachable(config, nodes))
        for check in (redis.replicas, redis.persistence, redis.eviction, redis.memory, redis.clock):
            self.found.append(redis.every(nodes, check))
        self.at = "redis.scripts"
        self.waits_for("redis", "redis.cluster")
        if self.usable is not None:
            await RedisStore(self.usable, config.app).mint(NO_PLACE, NO_PLACE.encode())
            self.found.append(ok("redis.scripts", "loaded and run"))

    async def _nodes(self, config: Config) -> list[RedisNode]:
        where = without_password(config.redis_url)
        # A plain client first: it tells whether the server is a cluster's, which a cluster's client can't.
        plain = self._client(config, cluster=False)
        nodes = await look_at(plain, where)
        if nodes[0].clustered != config.redis_cluster:
            self.found.append(_other_kind(nodes[0]))
            return nodes
        if not config.redis_cluster:
            self.found.append(ok("redis.cluster", "one server, as configured"))
            self.usable = plain
            return nodes
        self.at = "redis.cluster"
        whole = self.usable = self._client(config, cluster=True)
        nodes = await look_at(whole, where)
        if isinstance(whole, RedisCluster):
            self.found.append(_whole(await cluster_state(whole), len(nodes)))
        return nodes

    def _client(self, config: Config, *, cluster: bool) -> Client:
        client = connect(config.redis_url, cluster=cluster, timeout_s=min(config.redis_timeout_s, CALL_S))
        self.clients.append(client)
        return client

    async def close(self) -> None:
        for client in self.clients:
            await client.aclose()


def _other_kind(node: RedisNode) -> Finding:
    if node.clustered:
        told, remedy = f"{node.name} is a node of a cluster, redis_cluster is false", "set RETENTION_REDIS_CLUSTER=true"
    else:
        told = f"{node.name} is no node of a cluster, redis_cluster is true"
        remedy = "set RETENTION_REDIS_CLUSTER=false, or give a node of the cluster"
    return problem("redis.cluster", told, remedy)


def _whole(state: str, primaries: int) -> Finding:
    told = f"cluster_state {state}, {primaries} primaries"
    if state == "ok":
        return ok("redis.cluster", told)
    return problem("redis.cluster", told, "see CLUSTER INFO and CLUSTER NODES: every slot needs a primary that answers")
