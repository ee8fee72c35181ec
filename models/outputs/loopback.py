"""Records that one shard sends to another, as touchpoints of the receiver's input partition."""

from __future__ import annotations

from collections.abc import Mapping
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

    def line(self, sequences: Mapping[str, int]) -> int:
        """The number of the line that this record begins, by what is in it: a customer's record, and where it stood.
        In a word of a shared moment there is nothing that whoever told the chat, or forged what it answers, does not
        know: there it is also how many outputs of each sort the shard has made until then, which only readers of them
        know. Below 2**53, so that any reader of JSON has it whole. sequences: by name, this record counted."""
        told = msgspec.json.encode(self)
        if self.type == SHARED:
            told += msgspec.json.encode(sorted(sequences.items()))
        return xxh3_64_intdigest(told) >> 11


def loopback(kind: str, name: str, subject: str, time: int, data: LoopbackBody) -> Loopback:
    """A record to another shard. kind: `MOVED`, `FORWARDED` or `SHARED`. time: log time of its sender, ms."""
    moment = _EPOCH + timedelta(milliseconds=time)
    told = f"{moment:%Y-%m-%dT%H:%M:%S}.{time % 1000:03d}Z"
    return Loopback(kind, "1.0", name, SOURCE, subject, told, data)
