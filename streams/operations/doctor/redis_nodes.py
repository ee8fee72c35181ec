"""Reads the facts of each Redis node (INFO, CONFIG, TIME); streams/operations/doctor/redis.py judges them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from redis.asyncio import RedisCluster
from redis.exceptions import ResponseError

from streams.operations.doctor.clocks import ClockReading
from streams.store.redis.connection import Client
from streams.store.redis.errors import translated
from streams.store.rules import StoreRefused


class RedisNode(NamedTuple):
    """info: INFO's fields, none where Redis does not tell them. settings: of CONFIG GET, what was asked for; None where
    Redis does not tell them."""

    name: str
    info: Mapping[str, Any]
    settings: Mapping[str, str] | None
    clock: ClockReading | None

    @property
    def version(self) -> tuple[int, ...]:
        """Of the protocol: Valkey too says which Redis it stands for. Empty when it is not told."""
        return tuple(int(part) for part in str(self.info.get("redis_version", "")).split(".") if part.isdigit())

    @property
    def clustered(self) -> bool | None:
        """None: not told."""
        enabled = self.info.get("cluster_enabled")
        return None if enabled is None else bool(enabled)


SETTINGS = ("append*", "min-*")
"""The persistence, and how many replicas must be there for a write (min-replicas-to-write; min-slaves-... of old)."""


async def ask_nodes(client: Client, name: str) -> list[RedisNode]:
    """Every primary of a cluster, or the one server. Raises what redis-py raises."""
    if not isinstance(client, RedisCluster):
        return [await _node(client, name, {})]
    await client.initialize()
    return [await _node(client, node.name, {"target_nodes": node}) for node in client.get_primaries()]


async def cluster_state(client: RedisCluster) -> str | None:
    """As a node of it sees it: `ok`, or `fail`; None: not told."""
    try:
        text = await client.execute_command("CLUSTER INFO", target_nodes=client.get_primaries()[0])
    except ResponseError as error:
        _only_refused(error)
        return None
    return str(text["cluster_state"])


async def _node(client: Any, name: str, where: dict[str, Any]) -> RedisNode:
    info: Mapping[str, Any]
    try:
        info = await client.execute_command("INFO", **where)
    except ResponseError as error:
        _only_refused(error)
        info = {}
    settings: dict[str, str] | None
    try:
        answers = [await client.execute_command("CONFIG GET", pattern, **where) for pattern in SETTINGS]
        settings = {name: value for answer in answers for name, value in _pairs(answer).items()}
    except ResponseError:  # forbidden, or renamed, as many hosted services do
        settings = None
    try:
        asked = time.time()
        seconds, microseconds = await client.execute_command("TIME", **where)
        clock = ClockReading(int(seconds) + int(microseconds) / 1e6, asked, time.time())
    except ResponseError:
        clock = None
    return RedisNode(name, info, settings, clock)


def _only_refused(error: ResponseError) -> None:
    """Raise it again unless it says that this user may not ask, or that there is no such command."""
    if not isinstance(translated(error, ""), StoreRefused):
        raise error


def _pairs(answer: Mapping[Any, Any] | Sequence[Any]) -> dict[str, str]:
    pairs = answer.items() if isinstance(answer, Mapping) else zip(answer[::2], answer[1::2], strict=True)
    return {_text(name): _text(value) for name, value in pairs}


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
