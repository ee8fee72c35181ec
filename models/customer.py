"""The customer record: one fixed slab with a packed tail.

The slab is a block of fixed-width numbers, little-endian, so that a batch of records is a NumPy matrix (`SLAB`) without
a loop. Here a single record is a `Record`, whose numbers are stored at float32 and times at float64 the moment they
are assigned: the bits of a record do not depend on where a batch was split. The tail holds what only few touchpoints
need (preferences, open cases, the open episode); a tail longer than its room in the slab overflows behind it.

Sizes: SLAB.itemsize (456) bytes while the tail fits its room, and never more than MOST_BYTES. That is a customer with
every list full, every name at its limit (models.touchpoints.limits) and all of it in characters of four bytes; however
many touchpoints there are, it does not grow beyond that.
"""

from __future__ import annotations

from array import array
from typing import Final

import msgspec
import numpy as np
import xxhash

VERSION: Final = 1
IDS: Final = 8
HALF_LIVES_PURCHASE: Final = (14.0, 28.0, 56.0, 112.0, 224.0)
HALF_LIVES_FAMILY: Final = (7.0, 56.0)
FAMILIES: Final = 8
BASIS: Final = 24
TAIL_ROOM: Final = 46

# -- times, ms since the epoch, 0 = never
FIRST, NEWEST, FIRST_PURCHASE, LAST_PURCHASE, TICK, SNAPSHOT, EPISODE, DUE = range(8)
TIMES: Final = 8

# -- numbers
PURCHASE_DECAYS: Final = 0  # one per purchase half-life, as of NEWEST
FAMILY_DECAYS: Final = PURCHASE_DECAYS + len(HALF_LIVES_PURCHASE)  # family-major, one per family half-life
_AFTER: Final = FAMILY_DECAYS + FAMILIES * len(HALF_LIVES_FAMILY)
(
    PURCHASE_DAYS,  # n
    GAP_SUM,  # days between the first and the last purchase day
    GAP_LOG_SUM,
    GAP_LOG_SQUARES,
    GAP_MAX,
    GAP_EWMA,  # of log gap
    DAY_AMOUNT,  # the latest purchase day, so far
    DAY_QUANTITY,
    DAY_BASKETS,
    AMOUNT_EWMA,  # of log1p(amount of a purchase day), days before the latest
    AMOUNT_SUM,  # the same, summed
    QUANTITY_EWMA,
    BASKETS_EWMA,
    SPENT,
    RETURNED,
    RATING_EWMA,
    RATINGS,
    SENTIMENT_EWMA,
    SENTIMENTS,
    OPEN_CASES,
    RISK,  # last probability of churn
    SNAPSHOT_RISK,
    SNAPSHOT_BOUGHT,  # 1.0 once a purchase fell into the open label's window
) = range(_AFTER, _AFTER + 23)
NUMBERS: Final = _AFTER + 23

SLAB: Final = np.dtype(
    [
        ("version", "u1"),
        ("ring", "u1"),
        ("band", "u1"),
        ("flags", "u1"),
        ("check", "<u4"),
        ("times", "<f8", TIMES),
        ("ids", "<u8", IDS),
        ("numbers", "<f4", NUMBERS),
        ("snapshot", "<f4", BASIS),
        ("tail_length", "<u2"),
        ("tail", f"V{TAIL_ROOM}"),
    ]
)
if SLAB.itemsize % 8:
    raise ImportError(f"the slab's size is {SLAB.itemsize}; make it a multiple of 8 by TAIL_ROOM")


def _offset(name: str) -> int:
    fields = SLAB.fields
    if fields is None:
        raise ImportError("SLAB has no fields")
    return int(fields[name][1])


_CHECK, _TIMES, _IDS, _NUMBERS = _offset("check"), _offset("times"), _offset("ids"), _offset("numbers")
_SNAPSHOT, _TAIL_LENGTH, _TAIL = _offset("snapshot"), _offset("tail_length"), _offset("tail")

# -- flags
NO_CONSENT: Final = 1
ERASED: Final = 2
REARMED: Final = 4  # the open episode's trigger expired unsent

# -- bounds of the tail
MAX_OPEN_CASES: Final = 16
MAX_LIST: Final = 8
MAX_REFUSED: Final = 16
MOST_BYTES: Final = 26_919
"""Largest stored value. The tail's length, two bytes in the slab, must have room for it."""


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


def hash_of(customer: bytes) -> int:
    """64-bit hash of a customer id: phase, check and rhythm come from it."""
    return xxhash.xxh3_64_intdigest(customer)


class Record:
    """One customer's record, open for update. `times` are float64 ms, `numbers` and `snapshot` float32."""

    __slots__ = ("band", "check", "flags", "ids", "numbers", "ring", "snapshot", "tail", "times")

    def __init__(self, customer: bytes) -> None:
        self.ring = 0
        self.band = 0
        self.flags = 0
        self.check = hash_of(customer) & 0xFFFFFFFF
        self.times = array("d", bytes(8 * TIMES))
        self.times[DUE] = float("inf")
        self.ids = array("Q", bytes(8 * IDS))
        self.numbers = array("f", bytes(4 * NUMBERS))
        self.snapshot = array("f", bytes(4 * BASIS))
        self.tail = Tail()

    def has_seen(self, event_hash: int) -> bool:
        """True when the event is among the customer's last `IDS` events."""
        return event_hash in self.ids

    def remember(self, event_hash: int) -> None:
        self.ids[self.ring] = event_hash
        self.ring = (self.ring + 1) % IDS

    def pack(self) -> bytes:
        """The stored bytes: the slab, and behind it what of the tail does not fit."""
        tail = _encode_tail(self.tail)
        if tail == _EMPTY_TAIL:
            tail = b""
        return b"".join(
            (
                bytes((VERSION, self.ring, self.band, self.flags)),
                self.check.to_bytes(4, "little"),
                self.times.tobytes(),
                self.ids.tobytes(),
                self.numbers.tobytes(),
                self.snapshot.tobytes(),
                len(tail).to_bytes(2, "little"),
                tail.ljust(TAIL_ROOM, b"\0"),
            )
        )


def unpack(customer: bytes, value: bytes) -> Record:
    """The record of `customer`. Raises UnknownRecord on an unknown version, a foreign or a damaged value."""
    if len(value) < SLAB.itemsize:
        raise UnknownRecord(f"the record of {customer!r} has {len(value)} bytes, at least {SLAB.itemsize} are needed")
    if value[0] != VERSION:
        raise UnknownRecord(f"the record of {customer!r} has schema version {value[0]}; this release reads {VERSION}")
    record = Record.__new__(Record)
    record.check = int.from_bytes(value[_CHECK : _CHECK + 4], "little")
    if record.check != hash_of(customer) & 0xFFFFFFFF:
        raise UnknownRecord(f"the value stored for {customer!r} is another customer's record")
    record.ring, record.band, record.flags = value[1], value[2], value[3]
    record.times = array("d", value[_TIMES:_IDS])
    record.ids = array("Q", value[_IDS:_NUMBERS])
    record.numbers = array("f", value[_NUMBERS:_SNAPSHOT])
    record.snapshot = array("f", value[_SNAPSHOT:_TAIL_LENGTH])
    length = int.from_bytes(value[_TAIL_LENGTH:_TAIL], "little")
    if record.ring >= IDS or len(value) != max(SLAB.itemsize, _TAIL + length):
        raise UnknownRecord(
            f"the record of {customer!r} is damaged: {len(value)} bytes with a tail of {length}, ring {record.ring}"
        )
    try:
        record.tail = _decode_tail(value[_TAIL : _TAIL + length]) if length else Tail()
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnknownRecord(f"the record of {customer!r} is damaged: its tail can't be read: {error}") from error
    return record
