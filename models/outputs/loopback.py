"""Records that one shard sends to another, as touchpoints of the receiver's input partition."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

MOVED, FORWARDED = "identity_moved", "touchpoint_forwarded"
"""Their types (`models.touchpoints.types.identities`)."""
SOURCE: Final = "/retention/loopback"
ROLE: Final = "touchpoints"
"""Of the topic on which they travel."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class LoopbackBody(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Fields as of `models.touchpoints.types.identities`."""

    sender: int
    count: int
    path: tuple[str, ...]
    record: str = ""
    event: str = ""
    control: bool = False


class Loopback(msgspec.Struct, frozen=True, gc=False):
    """An event as it goes to the input. subject: the customer who receives it, and whose partition it goes to."""

    type: str
    specversion: str
    id: str
    source: str
    subject: str
    time: str
    data: LoopbackBody

    def counted(self, count: int) -> Loopback:
        """The same with its number among its sender's records to the partition."""
        return msgspec.structs.replace(self, data=msgspec.structs.replace(self.data, count=count))


def loopback(kind: str, name: str, subject: str, time: int, data: LoopbackBody) -> Loopback:
    """A record to another shard. kind: `MOVED` or `FORWARDED`. time: log time of its sender, ms."""
    moment = _EPOCH + timedelta(milliseconds=time)
    told = f"{moment:%Y-%m-%dT%H:%M:%S}.{time % 1000:03d}Z"
    return Loopback(kind, "1.0", name, SOURCE, subject, told, data)
