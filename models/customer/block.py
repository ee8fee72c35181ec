"""Many customers' records as one structured NumPy array, so that compiled code updates them in place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.customer.bands import Band
from models.customer.flags import flags_of
from models.customer.kept import kept_of
from models.customer.layout import DUE, IDS, NO_CONSENT, SLAB, VERSION
from models.customer.record import Record, current, hash_of, unpack
from models.customer.tail import Tail, TailForLanes, UnknownRecord, pack_tail, unpack_for_lanes, unpack_tail
from models.customer.tombstone import is_short, shortened, whole
from models.customer.version_four import FOUR, differing_in_five, up
from models.customer.worth import HAS_WORTH, WORTH, WORTH_BYTES, split

_SIZE, BANDS = SLAB.itemsize, len(Band)
_LAST, _AFTER_WORTH = _SIZE - 1, _SIZE + WORTH_BYTES
_HELD = np.uint16(HAS_WORTH << 8)
_BLANK = Record(b"").whole()


@lru_cache(maxsize=64)
def _any_of(*marks: bytes | None) -> Callable[[bytes], re.Match[bytes] | None]:
    return re.compile(b"|".join(re.escape(mark) for mark in marks if mark is not None)).search


class Opened:
    """The part of a record that plain Python changes (`models.customer.profile.Profile`)."""

    __slots__ = ("_block", "_row", "tail")

    def __init__(self, block: Block, row: int, tail: Tail) -> None:
        self._block, self._row, self.tail = block, row, tail

    @property
    def flags(self) -> int:
        return int(self._block.flags[self._row])

    @flags.setter
    def flags(self, flags: int) -> None:
        self._block.flags[self._row] = flags


class Block:
    """Records of `names`, in that order. `rows`: their slabs, of dtype SLAB; `flags`, `times`, `numbers`, `seconds`:
    these fields of them, as views; `hashes`: uint64. A customer without a stored record has a blank row, which becomes
    a record once something happens to it (`models.engine.piece_run`). `worth`: what is held of their value, dtype
    WORTH, as it was stored; what is put there is packed. `loyalty_before`: of opened tails that had any, what they had
    of the loyalty loop when the block was made, and of restrictions."""

    __slots__ = (
        "_opened",
        "_tails",
        "flags",
        "hashes",
        "known",
        "loyalty_before",
        "names",
        "numbers",
        "rows",
        "seconds",
        "times",
        "worth",
    )
    rows: NDArray[Any]
    worth: NDArray[Any]
    loyalty_before: dict[int, tuple[bytes, bytes]]

    def __init__(self, names: Sequence[bytes], stored: Sequence[bytes | None]) -> None:
        """stored: what the store has of each, None where it has nothing. Raises UnknownRecord."""
        self.names = names
        self.hashes = np.fromiter(map(hash_of, names), np.uint64, len(names))
        self.known = np.array([value is not None for value in stored], dtype=np.bool_)
        self._opened: dict[int, Tail] = {}
        self.loyalty_before = {}
        if not self._take(stored):
            migrated = [
                value if value is None else current(name, value) for name, value in zip(names, stored, strict=True)
            ]
            if not self._take(migrated):
                raise UnknownRecord(f"records of {len(names)} customers can't be read side by side")
        self.flags, self.times = self.rows["flags"], self.rows["times"]
        self.numbers, self.seconds = self.rows["numbers"], self.rows["seconds"]

    def _take(self, stored: Sequence[bytes | None]) -> bool:
        """Lay the records side by side; False where one is not a record of this version, and of its customer."""
        parts = [_BLANK if value is None else value for value in stored]
        lengths = np.fromiter(map(len, parts), np.int64, len(parts)) - _SIZE
        if (lengths < 0).any():
            for row in np.flatnonzero(lengths < 0).tolist():
                if not is_short(parts[row]):
                    return False
                parts[row] = whole(parts[row])
                lengths[row] = len(parts[row]) - _SIZE
        self._tails: dict[int, bytes] = {}
        worth: dict[int, bytes] = {}
        for row in np.flatnonzero(lengths).tolist():
            value = parts[row]
            parts[row] = value[:_SIZE]
            if value[0] == VERSION and value[_LAST] & HAS_WORTH and len(value) >= _AFTER_WORTH:
                worth[row] = value[_SIZE:_AFTER_WORTH]
                if len(value) > _AFTER_WORTH:
                    self._tails[row] = value[_AFTER_WORTH:]
            else:
                self._tails[row] = value[_SIZE:]
        rows = self.rows = np.frombuffer(bytearray(b"".join(parts)), dtype=SLAB)
        if worth:
            found = list(worth)
            lengths[found] -= WORTH_BYTES
            rows["tail_length"][found] ^= _HELD
        self._raise_four(lengths, worth)
        self.worth = np.zeros(len(rows), dtype=WORTH)
        if worth:
            self.worth[list(worth)] = np.frombuffer(b"".join(worth.values()), dtype=WORTH)
        checks = (self.hashes & np.uint64(0xFFFFFFFF)).astype(np.uint32)
        rows["check"][~self.known] = checks[~self.known]
        good = (rows["version"] == VERSION) & (rows["check"] == checks) & (rows["ring"] < IDS) & (rows["band"] < BANDS)
        return bool((good & (rows["tail_length"] == lengths)).all())

    def _raise_four(self, lengths: NDArray[np.int64], worth: dict[int, bytes]) -> None:
        """Records of version 4 become such of this one: of nearly all of them the number alone changes."""
        four = self.rows["version"] == FOUR
        differing = four & (self.rows["flags"] & NO_CONSENT > 0)
        differing[differing_in_five(self._tails)] = True
        for row in np.flatnonzero(differing & four).tolist():
            value, held = split(up(self.rows[row].tobytes() + self._tails.get(row, b"")))
            if held:
                worth[row] = held
            self.rows[row] = np.frombuffer(value[:_SIZE], dtype=SLAB)[0]
            self._tails[row] = value[_SIZE:]
            lengths[row] = len(value) - _SIZE
        self.rows["version"][four] = VERSION

    def open(self, row: int) -> Opened:
        """A customer's profile: what is changed in it is kept."""
        return Opened(self, row, self.tail(row))

    def marked(self, *marks: bytes | None) -> list[tuple[int, TailForLanes]]:
        """The rows, and their tails as stored, that may have one of these fields (`models.customer.tail.mark_of`)."""
        has_any = _any_of(*marks)
        return [
            (row, unpack_for_lanes(self.names[row], packed)) for row, packed in self._tails.items() if has_any(packed)
        ]

    def tail(self, row: int) -> Tail:
        """A customer's tail: what is changed in it is kept."""
        tail = self._opened.get(row)
        if tail is None:
            tail = self._opened[row] = unpack_tail(self.names[row], self._tails.get(row, b""))
            if tail.loyalty:
                self.loyalty_before[row] = tail.loyalty, tail.restrictions
        return tail

    def opened(self) -> Iterable[tuple[int, Tail]]:
        """The rows whose tail may have changed, and their tails as they are now."""
        return self._opened.items()

    def record(self, row: int) -> Record:
        """A customer's record, open and by itself, without what is held of their value."""
        packed = pack_tail(self.tail(row))
        return unpack(self.names[row], self.rows[row].tobytes()[:-2] + len(packed).to_bytes(2, "little") + packed)

    def put(self, row: int, record: Record) -> None:
        """Let a record take the place of a customer's."""
        self.rows[row] = np.frombuffer(record.whole()[:_SIZE], dtype=SLAB)[0]
        self._opened[row] = record.tail

    def clear(self, row: int) -> None:
        """Make a customer's row blank, and their tail."""
        self.rows[row] = np.frombuffer(_BLANK, dtype=SLAB)[0]
        self.rows["check"][row] = self.hashes[row] & np.uint64(0xFFFFFFFF)
        self._opened[row] = Tail()

    def forget(self, row: int, erased: bool = False) -> bool:
        """Make a customer's row blank but for what they refused, and why they must be left alone; whether there is
        any of it. erased: they asked for it."""
        kept = kept_of(self.tail(row), erased)
        self.clear(row)
        self.rows["flags"][row] = flags_of(kept)
        self._opened[row] = kept
        return bool(kept.consents or kept.restrictions)

    def keep(self, row: int) -> tuple[bytes, bytes | None]:
        """A customer's slab and tail (None: not opened yet) as they are now, for `put_back`."""
        opened = self._opened.get(row)
        return self.rows[row].tobytes(), None if opened is None else pack_tail(opened)

    def put_back(self, row: int, kept: tuple[bytes, bytes | None]) -> None:
        self.rows[row] = np.frombuffer(kept[0], dtype=SLAB)[0]
        self._opened.pop(row, None)
        if kept[1] is not None:
            self._opened[row] = unpack_tail(self.names[row], kept[1])

    def pack(self, wanted: NDArray[np.bool_]) -> dict[bytes, bytes]:
        """The stored form of the wanted rows, by customer."""
        for row, tail in self._opened.items():
            packed = pack_tail(tail)
            self._tails[row] = packed
            self.rows["tail_length"][row] = len(packed)
        held = np.flatnonzero(self.worth.view(np.uint8).reshape(-1, WORTH_BYTES).any(axis=1)).tolist()
        self.rows["tail_length"][held] |= _HELD
        slabs: list[bytes] = self.rows.view(f"V{_SIZE}").tolist()
        for row, worth in zip(held, self.worth[held].view(f"V{WORTH_BYTES}").tolist(), strict=True):
            slabs[row] += worth
        self.rows["tail_length"][held] ^= _HELD
        for row, packed in self._tails.items():
            slabs[row] += packed
        bare = wanted & (self.rows["ring"] == 0) & (self.rows["ids"][:, 0] == 0)
        for row in np.flatnonzero(bare).tolist():
            slabs[row] = shortened(slabs[row])
        return dict(compress(zip(self.names, slabs, strict=True), wanted.tolist()))

    def dues(self) -> NDArray[np.float64]:
        """The next timer position of every row, inf where there is none. A view of shape (rows,)."""
        return np.asarray(self.rows["times"][:, DUE])
