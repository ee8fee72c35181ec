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

from xxhash import xxh3_64_intdigest

from models.customer.layout import BASIS, DUE, IDS, NUMBERS, SECONDS, SENTIMENTS, SLAB, SNAPSHOTS, TIMES, VERSION
from models.customer.tail import Tail, UnknownRecord, pack_tail, unpack_tail


def _offset(name: str) -> int:
    fields = SLAB.fields
    if fields is None:
        raise ImportError("SLAB has no fields")
    return int(fields[name][1])


_TIMES, _IDS, _NUMBERS, _SECONDS = _offset("times"), _offset("ids"), _offset("numbers"), _offset("seconds")
_TAKEN, _SNAPSHOTS, _AFTER_SNAPSHOTS = _offset("taken"), _offset("snapshots"), _offset("heard")
_HEAD = struct.Struct("<4BI")
_END = struct.Struct("<BBH")


hash_of: Final = xxh3_64_intdigest
"""64-bit hash of a customer id: phase, check and rhythm come from it."""


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
