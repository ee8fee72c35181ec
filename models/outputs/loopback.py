"""Records that one shard sends to another, as touchpoints of the receiver's input partition."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from xxhash import xxh3_64_intdigest

MOVED, FORWARDED, SHARED = "identity_moved", "touchpoint_forwarded", "shared_moment"
"""Their types (`models.touchpoints.types.identities`, `models.touchpoints.types.shared_moments`)."""
SOURCE: Final = "/retention/loopback"
ROLE: Final = "touchpoints"
"""Of the topic on which they travel."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class LoopbackBody(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Fields as of `models.touchpoints.types.identities` and `models.touchpoints.types.shared_moments`. line, count:
    given when it is counted."""

    sender: int
    path: tuple[str, ...]
    line: int = 0
    count: int = 0
    record: str = ""
    event: str = ""
    control: bool = False
    hops: int = 0
    step: str = ""
    by: str = ""
    group: str = ""
    moment: str = ""
    action: str = ""
    channel: str = ""
    asked: int = 0
    expires: int = 0


class Loopback(msgspec.Struct, frozen=True, gc=False):
    """An event as it goes to the input. subject: the customer who receives it, and whose partition it goes to."""

    type: str
    specversion: str
    id: str
    source: str
    subject: str
    time: str
    data: LoopbackBody

    def counted(self, line: int, count: int) -> Loopback:
        """The same with its sender's line, and its number among the records of it to the partition."""
        return msgspec.structs.replace(self, data=msgspec.structs.replace(self.data, line=line, count=count))

    @property
    def line(self) -> int:
        """The number of the line that this record begins, by what is in it: a customer's record, and where it stood.
        Below 2**53, so that any reader of JSON has it whole."""
        return xxh3_64_intdigest(msgspec.json.encode(self)) >> 11


def loopback(kind: str, name: str, subject: str, time: int, data: LoopbackBody) -> Loopback:
    """A record to another shard. kind: `MOVED`, `FORWARDED` or `SHARED`. time: log time of its sender, ms."""
    moment = _EPOCH + timedelta(milliseconds=time)
    told = f"{moment:%Y-%m-%dT%H:%M:%S}.{time % 1000:03d}Z"
    return Loopback(kind, "1.0", name, SOURCE, subject, told, data)
