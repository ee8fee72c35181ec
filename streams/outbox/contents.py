"""What an outbox must hold, and what is sent in place of a trigger that expired before it was sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

from models.timeline.shard_state import sequence_name
from models.touchpoints import event
from streams.errors import DifferentOutput
from streams.outbox.entry import LOOPBACK, Destination, Entry

ReadOutbox: TypeAlias = Callable[[int], Awaitable[Sequence[Entry]]]
"""Some of the stored entries, from the n-th on (0: the oldest); none behind the last."""


def rearming(entry: Entry, shard: int, now: int, reason: str = "") -> Entry:
    """The loopback record that re-arms the episode of a trigger that is not sent. now: ms since the epoch. reason: why;
    empty: it has expired."""
    told = {"trigger_id": entry.id} | ({"reason": reason} if reason else {})
    value = event(
        "expired_unsent",
        id=entry.id,
        source="/retention/outbox",
        subject=entry.key.decode(),
        time_ms=now,
        data=told,
    )
    return Entry(LOOPBACK, shard, 0, entry.id, entry.key, value, now)


async def check_outbox(read: ReadOutbox, sequences: Mapping[str, int]) -> dict[Destination, int]:
    """The outbox must end at the committed sequence numbers: it was appended in the same commits.

    Read in pages, of which one is in memory at a time: a long outage of Kafka leaves 64 MiB of a shard, and its worker
    may take over many. Returns the first sequence number of each destination that has to be looked at: not of what goes
    to another shard. Raises DifferentOutput.
    """
    last: dict[str, int] = {}
    firsts: dict[Destination, int] = {}
    entries = 0
    while page := await read(entries):
        entries += len(page)
        for entry in page:
            name = sequence_name(entry.topic, entry.partition if entry.is_loopback else None)
            before = last.get(name)
            if before is not None and entry.sequence != before + 1:
                raise DifferentOutput(f"outbox: {name} sequence number {entry.sequence} follows {before}")
            last[name] = entry.sequence
            if not entry.is_loopback:
                firsts.setdefault(entry.destination, entry.sequence)
    for role, sequence in last.items():
        if sequences.get(role) != sequence:
            raise DifferentOutput(
                f"outbox ends at {role} sequence number {sequence}, the shard's state says {sequences.get(role)}"
            )
    return firsts
