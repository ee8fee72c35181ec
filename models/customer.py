"""The customer record: one fixed slab, and behind it a packed tail.

The slab is a block of fixed-width numbers, little-endian, so that the records of a batch are one NumPy array (`SLAB`)
without a loop, which compiled code updates in place. Numbers are stored at float32 and times at float64 after every
touchpoint: the bits of a record do not depend on where a batch was split. The tail holds what only few touchpoints need
(preferences, open cases, the open episode), as msgpack; most customers have none.

Sizes: SLAB.itemsize (376) bytes without a tail, so that Redis' allocator has it in 384, and never more than MOST_BYTES.
That is a customer with every list full, every name at its limit (models.touchpoints.limits) and all of it in characters
of four bytes; however many touchpoints there are, it does not grow beyond that.
"""

from __future__ import annotations

import struct
from array import array
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

VERSION: Final = 4
IDS: Final = 8
HALF_LIVES_PURCHASE: Final = (14.0, 28.0, 56.0, 112.0, 224.0)
BASIS: Final = 28

# -- times, ms since the epoch, 0 = never
NEWEST, LAST_PURCHASE, TICK, EPISODE, DUE = range(5)
TIMES: Final = 5

# -- seconds since the epoch, 0 = never
FIRST_TOUCH, FIRST_PURCHASE, OLDEST_CASE, CROSSING = range(4)
SECONDS: Final = 4
CANCELLED: Final = CROSSING
"""Whose contract has ended (`LEFT`) has no crossing to wait for: there stands when they cancelled."""

# -- open learning snapshots: of whether the customer stays for the horizon, and of whether they return within a tick
DIRECT, HAZARD = range(2)
SNAPSHOTS: Final = 2

# -- decayed counts of touchpoints
COMPLAINTS, PAYMENT_FAILURES, UNSUBSCRIBES, VISITS, OPENS, PRESENCE, RETURNS, CAMPAIGNS = range(8)
HALF_LIVES_TOUCH: Final = (56.0, 56.0, 112.0, 14.0, 28.0, 14.0, 56.0, 28.0)
"""Days: how long a touchpoint of each counted sort is of use for a forecast."""

# -- numbers
PURCHASE_DECAYS: Final = 0  # one per purchase half-life, as of NEWEST
TOUCH_DECAYS: Final = PURCHASE_DECAYS + len(HALF_LIVES_PURCHASE)  # one per counted sort of touchpoint, likewise
_AFTER: Final = TOUCH_DECAYS + len(HALF_LIVES_TOUCH)
(
    PURCHASE_DAYS,  # n
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
    SENTIMENT_EWMA,
    RISK,  # last probability of churn
    SNAPSHOT_RISK,
) = range(_AFTER, _AFTER + 18)
NUMBERS: Final = _AFTER + 18

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
        ("seconds", "<u4", SECONDS),
        (
            "taken",
            "<u4",
            SNAPSHOTS,
        ),  # the tick at which each open snapshot was taken (models.calendar), 0: none is open
        ("snapshots", "<u2", (SNAPSHOTS, BASIS)),  # their bases, float16
        ("heard", "u1"),  # ratings and sentiments averaged: `RATINGS` and `SENTIMENTS`, each up to `MOST_HEARD`
        ("open_cases", "u1"),
        ("tail_length", "<u2"),
    ]
)
if SLAB.itemsize % 8:
    raise ImportError(f"the slab's size is {SLAB.itemsize}; it must be a multiple of 8")


def _offset(name: str) -> int:
    fields = SLAB.fields
    if fields is None:
        raise ImportError("SLAB has no fields")
    return int(fields[name][1])


_TIMES, _IDS, _NUMBERS, _SECONDS = _offset("times"), _offset("ids"), _offset("numbers"), _offset("seconds")
_TAKEN, _SNAPSHOTS, _AFTER_SNAPSHOTS = _offset("taken"), _offset("snapshots"), _offset("heard")
_HEAD = struct.Struct("<4BI")
_END = struct.Struct("<BBH")

# -- flags
NO_CONSENT: Final = 1
ERASED: Final = 2
REARMED: Final = 4  # the open episode's trigger expired unsent
STAYED: Final = 8  # a sign of staying fell into the horizon after the snapshot of DIRECT
BACK: Final = 16  # the same, within the tick after the snapshot of HAZARD
LEFT: Final = 32  # cancelled, and has given no sign of staying since

# -- what was heard
RATINGS: Final = 0x01
SENTIMENTS: Final = 0x10
MOST_HEARD: Final = 15
"""Averages weigh a new value by one fifth at least, so a count is of no use beyond five."""

MOST_HALF: Final = 65_504.0
"""The largest float16. A snapshot's number beyond it is stored as this."""

# -- bounds of the tail
MAX_OPEN_CASES: Final = 16
MAX_LIST: Final = 8
MAX_REFUSED: Final = 16
MOST_BYTES: Final = 26_885
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


hash_of: Final = xxh3_64_intdigest
"""64-bit hash of a customer id: phase, check and rhythm come from it."""


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


def halves(numbers: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Numbers as the bits of float16, which is how a snapshot is stored."""
    return np.asarray(np.clip(numbers, -MOST_HALF, MOST_HALF).astype("<f2").view("<u2"))


def from_halves(bits: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Inverse of `halves`, as float32."""
    return np.asarray(bits.view("<f2").astype("<f4"))


class Record:
    """One customer's record, open. `times` are float64 ms, `numbers` float32, `snapshots` float16 as bits."""

    __slots__ = (
        "band",
        "check",
        "flags",
        "heard",
        "ids",
        "numbers",
        "open_cases",
        "ring",
        "seconds",
        "snapshots",
        "tail",
        "taken",
        "times",
    )

    def __init__(self, customer: bytes) -> None:
        self.ring = self.band = self.flags = self.heard = self.open_cases = 0
        self.check = hash_of(customer) & 0xFFFFFFFF
        self.times = array("d", bytes(8 * TIMES))
        self.times[DUE] = float("inf")
        self.ids = array("Q", bytes(8 * IDS))
        self.numbers = array("f", bytes(4 * NUMBERS))
        self.seconds = array("I", bytes(4 * SECONDS))
        self.taken = array("I", bytes(4 * SNAPSHOTS))
        self.snapshots = [array("H", bytes(2 * BASIS)) for _ in range(SNAPSHOTS)]
        self.tail = Tail()

    def has_seen(self, event_hash: int) -> bool:
        """True when the event is among the customer's last `IDS` events."""
        return event_hash in self.ids

    def remember(self, event_hash: int) -> None:
        self.ids[self.ring] = event_hash
        self.ring = (self.ring + 1) % IDS

    @property
    def ratings(self) -> int:
        """How many ratings the average has heard, up to `MOST_HEARD`."""
        return self.heard % SENTIMENTS

    @property
    def sentiments(self) -> int:
        """How many sentiments the average has heard, up to `MOST_HEARD`."""
        return self.heard // SENTIMENTS

    def pack(self) -> bytes:
        """The stored bytes: the slab and the tail."""
        tail = pack_tail(self.tail)
        return b"".join(
            (
                _HEAD.pack(VERSION, self.ring, self.band, self.flags, self.check),
                self.times.tobytes(),
                self.ids.tobytes(),
                self.numbers.tobytes(),
                self.seconds.tobytes(),
                self.taken.tobytes(),
                *(snapshot.tobytes() for snapshot in self.snapshots),
                _END.pack(self.heard, self.open_cases, len(tail)),
                tail,
            )
        )


def check_stored(customer: bytes, value: bytes) -> None:
    """Raises UnknownRecord unless `value` is a record of this release and of this customer, whole."""
    if len(value) < SLAB.itemsize:
        raise UnknownRecord(f"the record of {customer!r} has {len(value)} bytes, at least {SLAB.itemsize} are needed")
    version, ring, _, _, check = _HEAD.unpack_from(value)
    if version != VERSION:
        raise UnknownRecord(f"the record of {customer!r} has schema version {version}; this release reads {VERSION}")
    if check != hash_of(customer) & 0xFFFFFFFF:
        raise UnknownRecord(f"the value stored for {customer!r} is another customer's record")
    length = int.from_bytes(value[SLAB.itemsize - 2 : SLAB.itemsize], "little")
    if ring >= IDS or len(value) != SLAB.itemsize + length:
        raise UnknownRecord(
            f"the record of {customer!r} is damaged: {len(value)} bytes with a tail of {length}, ring {ring}"
        )


def unpack(customer: bytes, value: bytes) -> Record:
    """The record of `customer`. Raises UnknownRecord on an unknown version, a foreign or a damaged value."""
    check_stored(customer, value)
    record = Record.__new__(Record)
    _, record.ring, record.band, record.flags, record.check = _HEAD.unpack_from(value)
    record.times = array("d", value[_TIMES:_IDS])
    record.ids = array("Q", value[_IDS:_NUMBERS])
    record.numbers = array("f", value[_NUMBERS:_SECONDS])
    record.seconds = array("I", value[_SECONDS:_TAKEN])
    record.taken = array("I", value[_TAKEN:_SNAPSHOTS])
    bases = range(_SNAPSHOTS, _AFTER_SNAPSHOTS, 2 * BASIS)
    record.snapshots = [array("H", value[at : at + 2 * BASIS]) for at in bases]
    record.heard, record.open_cases, _ = _END.unpack_from(value, _AFTER_SNAPSHOTS)
    record.tail = unpack_tail(customer, value[SLAB.itemsize :])
    return record
