"""The outbox entry: an output with its destination, sequence number and id.

Outputs are appended to the shard's outbox in the same commit as the state they follow from, and published from there.
Each entry carries a *sequence number per destination partition* (1, 2, 3, ...; no gaps within a destination's own
entries) and a deterministic id. Both travel as Kafka record headers ``sequence`` (decimal) and ``id``, so the tail of a
destination tells how far the shard is public.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

import msgspec

if TYPE_CHECKING:  # the compiled engine, which those who only publish do not need
    from models.engine.changes import NumberedOutput

TRANSACTION_S = 10.0
"""A transaction that is open for longer is aborted by Kafka; until then it holds up every reader of its partitions."""


LOOPBACK = "touchpoints"
"""The role of what goes to the input of a shard."""


class Destination(NamedTuple):
    """An output partition. `topic` is the role ("triggers", "decisions", "examples", "deadletters", "touchpoints")."""

    topic: str
    partition: int


class Entry(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One output. `expires_at`: log time (ms) after which a trigger is not worth sending (0: never)."""

    topic: str
    partition: int
    sequence: int
    id: str
    key: bytes
    value: bytes
    time: int
    expires_at: int = 0

    @classmethod
    def of(cls, output: NumberedOutput, shard: int) -> Self:
        """An output as the engine counts it, on its way to the shard's own partition of its role, or to another's."""
        return cls(
            topic=output.role,
            partition=shard if output.partition is None else output.partition,
            sequence=output.sequence,
            id=output.id,
            key=output.key,
            value=output.value,
            time=output.time,
            expires_at=output.expires_at,
        )

    @property
    def size(self) -> int:
        """Bytes of key and value."""
        return len(self.key) + len(self.value)

    @property
    def is_loopback(self) -> bool:
        """Whether it goes to the input of a shard. Its receiver passes over what it has had, so that it is simply sent
        again by whoever does not know whether it was."""
        return self.topic == LOOPBACK

    @property
    def destination(self) -> Destination:
        return Destination(self.topic, self.partition)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Entry).decode


def pack(entry: Entry) -> bytes:
    """The entry as stored in the outbox."""
    return _encode(entry)


def unpack(value: bytes) -> Entry:
    """Inverse of `pack`; raises msgspec.DecodeError on foreign bytes."""
    return _decode(value)
