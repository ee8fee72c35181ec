"""Classifies redis-py exceptions: unavailable (outcome unknown, retry) or refused (nothing done)."""

from __future__ import annotations

import re

from redis.exceptions import (
    DataError,
    OutOfMemoryError,
    RedisClusterException,
    RedisError,
    ResponseError,
)

from streams.store.port import StoreUnavailable
from streams.store.redis.access import access_refused
from streams.store.rules import StoreFull, StoreRefused

CAUGHT = (RedisError, RedisClusterException, OSError)
"""Everything that a command of redis-py raises on purpose (asyncio's timeout is an OSError)."""

# Error codes that pass by themselves, or once an operator has seen to it: a failover, a cluster being mended, a script
# that runs too long, a disk that is full, replicas that are missing. Redis 6.2 wraps the errors of a script in text
# ("ERR Error running script ...: -READONLY ..."), so the code is searched for and not only read at the front.
_PASSING = re.compile(r"\b(LOADING|READONLY|CLUSTERDOWN|MASTERDOWN|TRYAGAIN|BUSY|MISCONF|NOREPLICAS|UNBLOCKED)\b")


def translated(error: Exception, doing: str) -> StoreUnavailable | StoreRefused:
    """The exception of the port for `error`, raised while `doing` (e.g. "commit of namespace '3'")."""
    code = getattr(error, "status_code", None) or ""
    text = f"{code} {error}".strip()
    if refused := access_refused(error, text, doing):
        return refused
    if isinstance(error, OutOfMemoryError) or re.search(r"\bOOM\b", text):
        return StoreFull(f"{doing}: {text}")
    if isinstance(error, (ResponseError, DataError)) and not _PASSING.search(text):
        return StoreRefused(f"{doing}: {text}")
    return StoreUnavailable(f"{doing}: {type(error).__name__}: {text}")
