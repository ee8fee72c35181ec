"""The variable part of a customer record: preferences, open cases, the open episode, as msgpack."""

from __future__ import annotations

from typing import Final

import msgspec

# -- bounds of the tail
MAX_OPEN_CASES: Final = 16
MAX_LIST: Final = 8
MAX_REFUSED: Final = 16


class Tail(msgspec.Struct, omit_defaults=True, gc=False):
    """What only few touchpoints need. Field names on the wire are short: a tail is stored for every customer.

    channels, topics, rewards: in the customer's own order of preference. max_per_week: 0 = not stated.
    refused: channels on which the customer wants nothing from us (unsubscribed, or consent taken back there).
    quiet: ("HH:MM", "HH:MM") in `time_zone`. cases: open service cases, id to the time they were opened.
    trigger: id of the trigger of the open episode (empty: none was sent). step: how many triggers the episode had.
    """

    channels: tuple[str, ...] = msgspec.field(default=(), name="c")
    topics: tuple[str, ...] = msgspec.field(default=(), name="t")
    max_per_week: int = msgspec.field(default=0, name="m")
    quiet: tuple[str, ...] = msgspec.field(default=(), name="q")
    time_zone: str = msgspec.field(default="", name="z")
    rewards: tuple[str, ...] = msgspec.field(default=(), name="r")
    customer_class: str = msgspec.field(default="", name="k")
    consent_at: int = msgspec.field(default=0, name="a")
    programme: str = msgspec.field(default="", name="p")
    refused: tuple[str, ...] = msgspec.field(default=(), name="u")
    cases: dict[str, int] = msgspec.field(default_factory=dict, name="s")
    presence: str = msgspec.field(default="", name="o")
    opener: str = msgspec.field(default="", name="b")
    trigger: bytes = msgspec.field(default=b"", name="i")
    step: int = msgspec.field(default=0, name="n")


_EMPTY_TAIL = b"\x80"
_encode_tail = msgspec.msgpack.Encoder().encode
_decode_tail = msgspec.msgpack.Decoder(Tail).decode


class UnknownRecord(Exception):
    """A stored record that this release can't read. Run the release that wrote it, or migrate it first."""


def pack_tail(tail: Tail) -> bytes:
    """The tail as stored: nothing when there is nothing in it."""
    packed = _encode_tail(tail)
    return b"" if packed == _EMPTY_TAIL else packed


def unpack_tail(customer: bytes, stored: bytes) -> Tail:
    """Inverse of `pack_tail`. Raises UnknownRecord."""
    if not stored:
        return Tail()
    try:
        return _decode_tail(stored)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnknownRecord(f"the record of {customer!r} is damaged: its tail can't be read: {error}") from error
