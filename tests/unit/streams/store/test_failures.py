"""Each error of redis-py is either an outage (retry) or a refusal (nothing was done), on old and new servers alike."""

from __future__ import annotations

import pytest
from redis import exceptions as redis

from streams.errors import EngineError
from streams.store.port import StoreUnavailable
from streams.store.redis.errors import CAUGHT, translated
from streams.store.rules import StoreFull, StoreRefused

UNAVAILABLE = [
    redis.ConnectionError("Connection refused"),
    redis.TimeoutError("Timeout reading"),
    redis.BusyLoadingError("Redis is loading the dataset in memory", status_code="LOADING"),
    redis.ReadOnlyError("You can't write against a read only replica.", status_code="READONLY"),
    redis.ClusterDownError("The cluster is down", status_code="CLUSTERDOWN"),
    redis.MasterDownError("Link with MASTER is down", status_code="MASTERDOWN"),
    redis.TryAgainError("Multiple keys request during rehashing of slot", status_code="TRYAGAIN"),
    redis.SlotNotCoveredError("slot 3"),
    redis.RedisClusterException("Redis Cluster cannot be connected"),
    redis.ClusterError("TTL exhausted."),
    redis.MaxConnectionsError("Too many connections"),
    redis.InvalidResponse("Protocol error"),
    redis.ResponseError("BUSY Redis is busy running a script."),
    redis.ResponseError("MISCONF Redis is configured to save RDB snapshots, but it's unable to persist to disk"),
    redis.ResponseError("NOREPLICAS Not enough good replicas to write."),
    redis.ResponseError("ERR Error running script (call to f_1): @user_script:97: -READONLY You can't write"),
    OSError(104, "reset"),
    TimeoutError(),
]
REFUSED = [
    redis.ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value"),
    redis.ResponseError("ERR unknown command 'EVALSHA'"),
    redis.NoPermissionError("this user has no permissions", status_code="NOPERM"),
    redis.AuthenticationError("Authentication required.", status_code="NOAUTH"),
    redis.MovedError("7 127.0.0.1:1", status_code="MOVED"),
    redis.DataError("Invalid input of type: 'NoneType'"),
]
FULL = [
    redis.OutOfMemoryError("command not allowed when used memory > 'maxmemory'.", status_code="OOM"),
    redis.ResponseError("ERR Error running script (call to f_1): @user_script:97: -OOM command not allowed"),
]


@pytest.mark.parametrize("error", UNAVAILABLE, ids=repr)
def test_an_outage_is_worth_a_retry(error: Exception) -> None:
    assert isinstance(error, CAUGHT)
    found = translated(error, "commit 4 of namespace '7'")
    assert type(found) is StoreUnavailable
    assert "commit 4 of namespace '7'" in str(found)


@pytest.mark.parametrize("error", REFUSED, ids=repr)
def test_a_refusal_says_what_to_do(error: Exception) -> None:
    assert isinstance(error, CAUGHT)
    found = translated(error, "commit 4 of namespace '7'")
    assert isinstance(found, StoreRefused)
    assert not isinstance(found, StoreFull)
    assert isinstance(found, EngineError)
    assert str(error) in str(found)
    assert "remedy" in str(found)


@pytest.mark.parametrize("error", FULL, ids=repr)
def test_a_full_redis_has_a_name_of_its_own(error: Exception) -> None:
    found = translated(error, "commit 4 of namespace '7'")
    assert type(found) is StoreFull
    assert "raise maxmemory" in str(found)
