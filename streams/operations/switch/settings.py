"""What a switch is told and ends with, and why it is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol

from streams.errors import EngineError
from streams.learner.example_reader import LearnerSettings, NewConsumer, kafka_consumer
from streams.operations.switch.follower import Follower
from streams.outbox.relay import Outgoing
from streams.store import Store


class NotFollowing(EngineError):
    """The application to switch to was not made beside this one."""

    remedy = "make it first: `retention rebuild --into APP`, with its own settings"


class OtherSwitch(EngineError):
    """This application was switched off for another one."""

    remedy = "name the application that the message names"


class OutOfStep(EngineError):
    """The two applications do not stand where one can go on from the other."""

    remedy = (
        "where the running application is behind its own outputs (Redis went back) let its workers catch up and switch "
        "again; where the new one is ahead, delete its keys in Redis and make it anew with `retention rebuild --into`"
    )


class Customers(Store, Protocol):
    """A store whose customers can be listed.

    Implemented by RedisStore.
    """

    def all_names(self, beginning: bytes) -> AsyncIterator[tuple[str, bytes]]: ...


@dataclass(frozen=True, slots=True)
class SwitchSettings:
    """What a switch is told.

    Attributes:
        blue, green: names of the applications.
        partitions: of the input topic.
        outgoing: makes the relay of one of blue's shards.
        examples: how green's learner reads.
        record_version: of the records that are written.
        follower: makes green's follower.
        new_consumer: makes the consumer of the examples.
    """

    blue: str
    green: str
    partitions: int
    outgoing: Callable[[int], Outgoing]
    examples: LearnerSettings
    record_version: int
    follower: Callable[[], Follower]
    new_consumer: NewConsumer = kafka_consumer


@dataclass(frozen=True, slots=True)
class Switched:
    """What a switch ends with. positions: by partition, the first offset that green reads. episodes: carried over."""

    positions: dict[int, int]
    episodes: int
