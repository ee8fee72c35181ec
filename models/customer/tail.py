"""The variable part of a customer record: what is known of the person, open cases, the open episode, as msgpack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

Part = TypeVar("Part")

# -- bounds of the tail
MAX_OPEN_CASES: Final = 16
MAX_CASE_BYTES: Final = 8_000
"""Of the ids of open cases, together: so that a record has room for all else that there may be in it."""
MAX_LIST: Final = 8
MAX_MORE_CASES: Final = 2**16 - 1
NOT_STATED: Final = -1


class Tail(msgspec.Struct, omit_defaults=True, gc=False):
    """What only few touchpoints need. Field names on the wire are short: a tail is stored for every customer.

    channels, topics, rewards: in the customer's own order of preference. max_per_week: `NOT_STATED`, or most messages a
    week; 0 means no marketing. silent_until: no marketing before, log time in ms, 0: not stated. quiet: ("HH:MM",
    "HH:MM") in `time_zone`. cases: open service cases, id to the time they were opened; more_cases: how many are open
    beyond `MAX_OPEN_CASES`. presence: the channel on which the customer is online, since presence_at. trigger: id of
    the trigger of the open episode (empty: none was sent). step: how many triggers the episode had. consents,
    restrictions, interests, contract: packed, see the module of each. standing: packed, how we stand with the customer
    under a policy (`models.decisions.standing`). points: packed, their account (`models.loyalty.account`). loyalty:
    packed, where they are in the loyalty loop (`models.loyalty.loop`). membership: packed, their level of the loyalty
    programme (`models.loyalty.membership`). merged: of an id that is another customer's, whose
    (`models.customer.merged`).
    """

    channels: tuple[str, ...] = msgspec.field(default=(), name="c")
    topics: tuple[str, ...] = msgspec.field(default=(), name="t")
    max_per_week: int = msgspec.field(default=NOT_STATED, name="m")
    quiet: tuple[str, ...] = msgspec.field(default=(), name="q")
    time_zone: str = msgspec.field(default="", name="z")
    rewards: tuple[str, ...] = msgspec.field(default=(), name="r")
    customer_class: str = msgspec.field(default="", name="k")
    programme: str = msgspec.field(default="", name="p")
    cases: dict[str, int] = msgspec.field(default_factory=dict, name="s")
    presence: str = msgspec.field(default="", name="o")
    opener: str = msgspec.field(default="", name="b")
    trigger: bytes = msgspec.field(default=b"", name="i")
    step: int = msgspec.field(default=0, name="n")
    consents: bytes = msgspec.field(default=b"", name="v")
    restrictions: bytes = msgspec.field(default=b"", name="x")
    silent_until: int = msgspec.field(default=0, name="d")
    language: str = msgspec.field(default="", name="l")
    country: str = msgspec.field(default="", name="y")
    account: str = msgspec.field(default="", name="e")
    role: str = msgspec.field(default="", name="w")
    presence_at: int = msgspec.field(default=0, name="g")
    interests: bytes = msgspec.field(default=b"", name="j")
    contract: bytes = msgspec.field(default=b"", name="f")
    more_cases: int = msgspec.field(default=0, name="h")
    standing: bytes = msgspec.field(default=b"", name="E")
    points: bytes = msgspec.field(default=b"", name="P")
    loyalty: bytes = msgspec.field(default=b"", name="L")
    membership: bytes = msgspec.field(default=b"", name="M")
    merged: str = msgspec.field(default="", name="I")


class TailForLanes(msgspec.Struct, gc=False):
    """What compiled code reads of a tail, by the same names on the wire; decoded without the rest of it."""

    customer_class: str = msgspec.field(default="", name="k")
    contract: bytes = msgspec.field(default=b"", name="f")
    standing: bytes = msgspec.field(default=b"", name="E")
    points: bytes = msgspec.field(default=b"", name="P")
    loyalty: bytes = msgspec.field(default=b"", name="L")
    membership: bytes = msgspec.field(default=b"", name="M")


def mark_of(field: str) -> bytes:
    """How a field begins in a packed tail. Chance may put these bytes elsewhere, too."""
    name = {one.name: one.encode_name for one in msgspec.structs.fields(Tail)}[field]
    return bytes((0xA0 | len(name),)) + name.encode()


_WIDE_MAP, _NARROW_MAP = 0xDE, 0x80
_encode_tail = msgspec.msgpack.Encoder().encode
_decode_tail = msgspec.msgpack.Decoder(Tail).decode
_decode_for_lanes = msgspec.msgpack.Decoder(TailForLanes).decode


class UnknownRecord(Exception):
    """A stored record that this release can't read. Run the release that wrote it, or migrate it first."""


def pack_tail(tail: Tail) -> bytes:
    """The tail as stored: nothing when there is nothing in it."""
    return narrowed(_encode_tail(tail))


def narrowed(packed: bytes) -> bytes:
    """A packed struct with the shortest head that msgpack has: one of more than 15 fields gets that of a large map,
    however few of them it has."""
    size = int.from_bytes(packed[1:3])
    if packed[0] != _WIDE_MAP or size > 15:
        return packed
    return bytes((_NARROW_MAP | size,)) + packed[3:] if size else b""


def unpack_tail(customer: bytes, stored: bytes) -> Tail:
    """Inverse of `pack_tail`. Raises UnknownRecord."""
    return _read(customer, stored, _decode_tail) if stored else Tail()


def unpack_for_lanes(customer: bytes, stored: bytes) -> TailForLanes:
    """A part of what `unpack_tail` gives of a tail that is not empty. Raises UnknownRecord."""
    return _read(customer, stored, _decode_for_lanes)


def _read(customer: bytes, stored: bytes, decode: Callable[[bytes], Part]) -> Part:
    try:
        return decode(stored)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnknownRecord(f"the record of {customer!r} is damaged: its tail can't be read: {error}") from error
