"""The stored customer record: a fixed-width header and a packed tail, encoded and decoded.

The slab is a block of fixed-width numbers, little-endian, so that the records of a batch are one NumPy array (`SLAB`)
without a loop, which compiled code updates in place. Numbers are stored at float32 and times at float64 after every
touchpoint: the bits of a record do not depend on where a batch was split. The tail holds what only few touchpoints need
(preferences, open cases, the open episode), as msgpack; most customers have none.

Sizes: SLAB.itemsize (376) bytes without a tail, so that Redis' allocator has it in 384, and never more than MOST_BYTES;
a tombstone (models.customer.tombstone) is far smaller. Under a policy with a `[value]` there are WORTH_BYTES (20) more
(models.customer.worth).
That is a customer with every list full, every name at its limit (models.touchpoints.limits) and all of it in characters
of four bytes; however many touchpoints there are, it does not grow beyond that.
"""

from __future__ import annotations

import struct
from array import array
from typing import Final

from xxhash import xxh3_64_intdigest

from models.customer.bands import Band
from models.customer.layout import BASIS, DUE, IDS, NUMBERS, PENDING_EXAMPLES, SECONDS, SENTIMENTS, SLAB, TIMES, VERSION
from models.customer.tail import Tail, UnknownRecord, pack_tail, unpack_tail
from models.customer.tombstone import shortened
from models.customer.versions import upgraded
from models.customer.worth import NOTHING, Worth, joined, split


def _offset(name: str) -> int:
    fields = SLAB.fields
    if fields is None:
        raise ImportError("SLAB has no fields")
    return int(fields[name][1])


_TIMES, _IDS, _NUMBERS, _SECONDS = _offset("times"), _offset("ids"), _offset("numbers"), _offset("seconds")
_PENDING_TICKS, _PENDING_BASES, _AFTER_PENDING = _offset("pending_ticks"), _offset("pending_bases"), _offset("feedback")
_HEAD = struct.Struct("<4BI")
_END = struct.Struct("<BBH")


hash_of: Final = xxh3_64_intdigest
"""64-bit hash of a customer id: phase, check and cadence come from it."""


class Record:
    """One customer's record, open. `times` are float64 ms, `numbers` float32, `pending_bases` float16 as bits."""

    __slots__ = (
        "band",
        "check",
        "feedback",
        "flags",
        "ids",
        "numbers",
        "open_cases",
        "pending_bases",
        "pending_ticks",
        "ring",
        "seconds",
        "tail",
        "times",
        "worth",
    )

    def __init__(self, customer: bytes) -> None:
        self.ring = self.band = self.flags = self.feedback = self.open_cases = 0
        self.check = hash_of(customer) & 0xFFFFFFFF
        self.times = array("d", bytes(8 * TIMES))
        self.times[DUE] = float("inf")
        self.ids = array("Q", bytes(8 * IDS))
        self.numbers = array("f", bytes(4 * NUMBERS))
        self.seconds = array("I", bytes(4 * SECONDS))
        self.pending_ticks = array("I", bytes(4 * PENDING_EXAMPLES))
        self.pending_bases = [array("H", bytes(2 * BASIS)) for _ in range(PENDING_EXAMPLES)]
        self.tail = Tail()
        self.worth = Worth()

    def has_seen(self, event_hash: int) -> bool:
        """True when the event is among the customer's last `IDS` events."""
        return event_hash in self.ids

    def remember(self, event_hash: int) -> None:
        self.ids[self.ring] = event_hash
        self.ring = (self.ring + 1) % IDS

    @property
    def ratings(self) -> int:
        """How many ratings the average includes, up to `MOST_FEEDBACK`."""
        return self.feedback % SENTIMENTS

    @property
    def sentiments(self) -> int:
        """How many sentiments the average includes, up to `MOST_FEEDBACK`."""
        return self.feedback // SENTIMENTS

    def pack(self) -> bytes:
        """The stored bytes: the slab and the tail, or a tombstone."""
        value = self.whole()
        return value if self.ids[0] or self.ring else shortened(value)

    def whole(self) -> bytes:
        """The slab, what is held of the value, and the tail."""
        tail = pack_tail(self.tail)
        value = b"".join(
            (
                _HEAD.pack(VERSION, self.ring, self.band, self.flags, self.check),
                self.times.tobytes(),
                self.ids.tobytes(),
                self.numbers.tobytes(),
                self.seconds.tobytes(),
                self.pending_ticks.tobytes(),
                *(snapshot.tobytes() for snapshot in self.pending_bases),
                _END.pack(self.feedback, self.open_cases, len(tail)),
                tail,
            )
        )
        return joined(value, self.worth.pack())


def check_stored(customer: bytes, value: bytes) -> None:
    """Raises UnknownRecord unless `value` is a record of this release's version and of this customer, whole."""
    value, _ = split(value)
    if len(value) < SLAB.itemsize:
        raise UnknownRecord(f"the record of {customer!r} has {len(value)} bytes, at least {SLAB.itemsize} are needed")
    _, ring, band, _, check = _HEAD.unpack_from(value)
    if check != hash_of(customer) & 0xFFFFFFFF:
        raise UnknownRecord(f"the value stored for {customer!r} is another customer's record")
    length = int.from_bytes(value[SLAB.itemsize - 2 : SLAB.itemsize], "little")
    if ring >= IDS or band >= len(Band) or len(value) != SLAB.itemsize + length:
        raise UnknownRecord(
            f"the record of {customer!r} is damaged: {len(value)} bytes with a tail of {length}, ring {ring}, "
            f"band {band}"
        )


def current(customer: bytes, value: bytes) -> bytes:
    """The record in this release's version, checked. Raises UnknownRecord."""
    value = upgraded(customer, value) if value else value
    check_stored(customer, value)
    return value


def unpack(customer: bytes, value: bytes) -> Record:
    """The record of `customer`, stored in this version or an older one.

    Raises UnknownRecord on an unknown version, a foreign or a damaged value.
    """
    value, worth = split(current(customer, value))
    record = Record.__new__(Record)
    _, record.ring, record.band, record.flags, record.check = _HEAD.unpack_from(value)
    record.times = array("d", value[_TIMES:_IDS])
    record.ids = array("Q", value[_IDS:_NUMBERS])
    record.numbers = array("f", value[_NUMBERS:_SECONDS])
    record.seconds = array("I", value[_SECONDS:_PENDING_TICKS])
    record.pending_ticks = array("I", value[_PENDING_TICKS:_PENDING_BASES])
    bases = range(_PENDING_BASES, _AFTER_PENDING, 2 * BASIS)
    record.pending_bases = [array("H", value[at : at + 2 * BASIS]) for at in bases]
    record.feedback, record.open_cases, _ = _END.unpack_from(value, _AFTER_PENDING)
    record.tail = unpack_tail(customer, value[SLAB.itemsize :])
    record.worth = Worth.of(worth or NOTHING)
    return record
