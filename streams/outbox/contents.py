"""What an outbox must hold, and what is sent in place of a trigger that expired before it was sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.touchpoints import event
from streams.errors import DifferentOutput
from streams.outbox.entry import Entry


def rearming(entry: Entry, shard: int, now: int) -> Entry:
    """The loopback record that re-arms the episode of an expired trigger. now: ms since the epoch."""
    value = event(
        "expired_unsent",
        id=entry.id,
        source="/retention/outbox",
        subject=entry.key.decode(),
        time_ms=now,
        data={"trigger_id": entry.id},
    )
    return Entry("touchpoints", shard, 0, entry.id, entry.key, value, now)


def check_outbox(outbox: Sequence[Entry], sequences: Mapping[str, int]) -> None:
    """The outbox must end at the committed sequence numbers: it was appended in the same commits."""
    last: dict[str, int] = {}
    for entry in outbox:
        if entry.topic in last and entry.sequence != last[entry.topic] + 1:
            raise DifferentOutput(f"outbox: {entry.topic} sequence number {entry.sequence} follows {last[entry.topic]}")
        last[entry.topic] = entry.sequence
    for role, sequence in last.items():
        if sequences.get(role) != sequence:
            raise DifferentOutput(
                f"outbox ends at {role} sequence number {sequence}, the shard's state says {sequences.get(role)}"
            )
