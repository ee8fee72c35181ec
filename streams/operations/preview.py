"""An action, decided as for one customer and sent to a test customer: asked by the log, and read from the topics."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple

import msgspec

from models.customer.record import unpack
from models.customer.restrictions import TEST, unpack_restrictions
from models.decisions.policy.structure import meant
from models.outputs import Decision
from models.timeline.partitioning import partition_of
from models.touchpoints import InvalidTouchpoint, event
from streams.errors import EngineError, ExitCode
from streams.kafka.topic_reader import TopicReader
from streams.operations.may_contact import NotAnswered, NothingDecides, Send
from streams.operations.policy import shard_now
from streams.operations.why.outputs import of_customer
from streams.store import Store

SOURCE: Final = "/retention/preview"
LOOK_S: Final = 0.2
_decision: Final = msgspec.json.Decoder(Decision).decode
BEFORE: Final = 60_000
"""So much log time (ms) before the question the topics are read from."""


class NoPreview(EngineError):
    """What is asked cannot be previewed."""

    code = ExitCode.USAGE
    remedy = "correct what the message names"


class Asked(NamedTuple):
    """Where a preview stands in the log. shard, offset: of its record; at: log time from which on to read, ms."""

    customer: str
    shard: int
    offset: int
    at: int


async def ask(
    store: Store, partitions: int, action: str, customer: str, to: str, at_once: bool, by: str, send: Send
) -> Asked:
    """Ask for a preview.

    Raises NoPreview (an action that there is not, a customer who is not known, one to send to who tries nothing out),
    NothingDecides, and what the store and `send` raise.
    """
    shard = partition_of(customer, partitions)
    now = await shard_now(store, str(shard))
    if now is None or now.policy is None:
        raise NothingDecides(f"no policy is in force in shard {shard} of {partitions}")
    known = now.policy.policy.action
    if action not in known:
        raise NoPreview(f"action is {action!r}; {meant(action, known)}give one of {', '.join(known)}")
    if await _record(store, partitions, customer) is None:
        raise NoPreview(f"--as is {customer!r}, of whom there is no record")
    await _must_try(store, partitions, to)
    at = int(time.time() * 1000) if now.body.creation.mode == "live" else now.body.state.time
    data = {"action": action, "to": to, "at_once": at_once, "by": by}
    name = f"preview-{uuid.uuid4().hex}"
    try:
        value = event("preview_asked", id=name, source=SOURCE, subject=customer, time_ms=at, data=data)
    except InvalidTouchpoint as error:
        raise NoPreview(f"the preview: {error.rejected.reason}") from error
    offset = await send(shard, customer.encode(), value, at)
    return Asked(customer, shard, offset, max(0, min(at, now.body.state.time) - BEFORE))


async def _record(store: Store, partitions: int, customer: str) -> bytes | None:
    [stored] = await store.load(str(partition_of(customer, partitions)), [b"c:" + customer.encode()])
    return stored


async def _must_try(store: Store, partitions: int, to: str) -> None:
    """Nobody else may get what is made for another customer."""
    shard = str(partition_of(to, partitions))
    stored, now = await _record(store, partitions, to), await shard_now(store, shard)
    restrictions = {} if stored is None else unpack_restrictions(unpack(to.encode(), stored).tail.restrictions)
    said = restrictions.get(TEST)
    if said is None or (now is not None and said.over(now.body.state.time)):
        raise NoPreview(
            f"--to is {to!r}, who is no test customer: publish a `restricted` with reason test about them first"
        )


def decisions_about(topic: TopicReader, asked: Asked) -> list[Decision]:
    """What was decided about the customer since a preview was asked. Raises BrokerUnreachable, BrokerRefused."""
    found = []
    for read in of_customer(topic, asked.shard, asked.customer, asked.at):
        with suppress(msgspec.DecodeError, UnicodeDecodeError):  # of another release
            found.append(_decision(read.value))
    return found


async def answered(asked: Asked, decisions: Callable[[], list[Decision]], within_s: float) -> Decision:
    """What came of it. decisions: reads those of its customer from `Asked.at` on. Raises NotAnswered."""
    deadline = time.monotonic() + within_s
    while True:
        for one in decisions():
            if one.what == "previewed" and (one.at.partition, one.at.offset) == (asked.shard, asked.offset):
                return one
        if time.monotonic() > deadline:
            raise NotAnswered(f"shard {asked.shard} has not answered offset {asked.offset} within {within_s:g} s")
        await asyncio.sleep(LOOK_S)
