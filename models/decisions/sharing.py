"""What two customers are offered together, as the record of each has it: proposed, reserved, or sent.

Times are log time in ms, whole seconds.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final, NamedTuple

from xxhash import xxh3_128_hexdigest, xxh3_128_intdigest

from models.customer.moments import second_of
from models.settings import SECOND

_HALF: Final = 2**64 - 1


class Where(IntEnum):
    """Where a shared moment stands with one of the two. Stored: never renumber."""

    PROPOSED = 0  # to the other, whose answer is awaited
    RESERVED = 1  # for the other, whose word is awaited
    SENT = 2  # the trigger is out


class Sharing(NamedTuple):
    """A shared moment.

    group: names it, a number of 128 bits. other: the other customer. moment, action: `number_of` their names. channel:
    on which the two talked. until: how long the other is waited for; 0: for nobody. starts: when both triggers may go
    out. trigger: the number of what is reserved (`held_number`), or of the trigger that is out.
    """

    where: int
    group: int
    other: str
    moment: int
    action: int
    channel: str
    until: int
    starts: int
    trigger: int


class Tells(NamedTuple):
    """What is to be said to another customer's shard; fields as of
    `models.touchpoints.types.shared_moments.SharedMomentData`."""

    to: str
    step: str
    group: str
    moment: str = ""
    action: str = ""
    channel: str = ""
    asked: int = 0
    expires: int = 0


def group_of(one: bytes, other: bytes, action: str, conversation: int) -> str:
    """The name of what two are offered, 32 hex digits. conversation: the number of the touchpoint that tells it."""
    first, second = sorted((one, other))
    return xxh3_128_hexdigest(b"\0".join((b"shared", first, second, action.encode(), b"%d" % conversation)))


def held_number(group: int, customer: bytes) -> int:
    """What is reserved for a customer, as the record has it. Nobody can name it, since it is no trigger yet."""
    return xxh3_128_intdigest(b"\0".join((b"held", b"%032x" % group, customer)))


_SHARING = struct.Struct("<BQQQQIIIIBH")


def pack_sharing(shared: list[Sharing]) -> bytes:
    """As stored: 52 bytes each, the channel and the other customer's id."""
    return b"".join(map(_packed, shared))


def _packed(one: Sharing) -> bytes:
    channel, other = one.channel.encode(), one.other.encode()
    return (
        _SHARING.pack(
            one.where,
            one.group & _HALF,
            one.group >> 64,
            one.trigger & _HALF,
            one.trigger >> 64,
            one.moment,
            one.action,
            second_of(one.until),
            second_of(one.starts),
            len(channel),
            len(other),
        )
        + channel
        + other
    )


def unpack_sharing(stored: bytes) -> list[Sharing]:
    """Inverse of `pack_sharing`."""
    found, at = [], 0
    while at < len(stored):
        where, low, high, first, second, moment, action, until, starts, a, b = _SHARING.unpack_from(stored, at)
        names, at = at + _SHARING.size, at + _SHARING.size + a + b
        channel, other = stored[names : names + a].decode(), stored[names + a : at].decode()
        numbers = (until * SECOND, starts * SECOND, first | second << 64)
        found.append(Sharing(where, low | high << 64, other, moment, action, channel, *numbers))
    return found
