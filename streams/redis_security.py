"""How Redis is reached: the server, and how client and server know each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RedisConnection:
    """url: redis://, rediss:// or unix://. cluster: it names a node of a Redis Cluster. timeout_s: for one reply; a
    commit under ``appendfsync always`` includes an fsync."""

    url: str
    cluster: bool = False
    timeout_s: float = 5.0


class RedisSettings(Protocol):
    """The part of a configuration that says how Redis is reached."""

    @property
    def redis_url(self) -> str: ...
    @property
    def redis_cluster(self) -> bool: ...
    @property
    def redis_timeout_s(self) -> float: ...


def redis_connection(settings: RedisSettings) -> RedisConnection:
    """How this configuration reaches Redis."""
    return RedisConnection(settings.redis_url, settings.redis_cluster, settings.redis_timeout_s)
