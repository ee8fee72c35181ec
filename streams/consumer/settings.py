"""Settings of the Faust consumer and transport. The environment is read elsewhere (streams/config.py)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from streams.config import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportSettings:
    """The group and its topics. Seconds end in `_s`, milliseconds in `_ms`."""

    app: str
    """Consumer group id; also the prefix of everything the application owns."""
    input_topic: str
    learner_topic: str | None = None
    """One partition; who is assigned it runs the learner. None: this application has no learner."""
    client_id: str = "retention"

    session_timeout_s: float = 10.0
    """A dead worker's shards stand still for this long. A join on the embedded broker takes half of it."""
    heartbeat_s: float = 1.0
    """At most a third of the session timeout; also how soon a worker learns of a rebalance."""
    rebalance_timeout_s: float = 60.0
    """How long the group waits for a worker that is finishing its writes before it goes on without it."""
    request_timeout_s: float = 90.0
    """Of the group's requests. Never below the session timeout (Faust refuses it)."""
    commit_interval_s: float = 1.0
    """How often the next offsets are committed to Kafka. Only lag tools and the next takeover's check read them."""

    fetch_wait_ms: int = 100
    """A fetch waits this long at the broker for data. One fetch is in flight per broker: at Faust's 1,500 a freed hot
    partition waited 679 ms for the idle ones' long poll, at 100 it waits 36 ms."""
    batch_records: int
    """Most records in one batch, which costs some 4 ms of CPU whatever is in it: hops between threads, calls."""
    partition_fetch_bytes: int = 3 << 20
    """Most bytes prefetched per partition (one larger record is still fetched)."""
    fetch_bytes: int = 16 << 20
    """Most bytes in one fetch response; bounds the worker's memory together with the one above."""

    stall_s: float = 30.0
    """A shard that is neither free nor busy for this long ends the process."""

    @classmethod
    def of(cls, config: Config) -> Self:
        """What a configuration says of it; `Config` has checked that its numbers suit each other."""
        return cls(
            app=config.app,
            input_topic=config.topic("touchpoints"),
            learner_topic=config.topic("learner"),
            client_id=config.app,
            session_timeout_s=config.session_timeout_s,
            heartbeat_s=config.heartbeat_s,
            rebalance_timeout_s=config.rebalance_timeout_s,
            request_timeout_s=config.request_timeout_s,
            batch_records=config.batch_records,
            stall_s=config.stall_after_s,
        )
