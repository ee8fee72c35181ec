"""A block: the records of all customers of a piece side by side, so that compiled code updates them in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.customer import (
    DUE,
    IDS,
    SLAB,
    TIMES,
    VERSION,
    Record,
    Tail,
    check_stored,
    hash_of,
    pack_tail,
    unpack_tail,
)

_SIZE = SLAB.itemsize
_BLANK = Record(b"").pack()


class Opened:
    """The part of a record that plain Python changes (`models.profile.Profile`)."""

    __slots__ = ("_block", "_row", "tail")

    def __init__(self, block: Block, row: int, tail: Tail) -> None:
        self._block, self._row, self.tail = block, row, tail

    @property
    def flags(self) -> int:
        return int(self._block.rows["flags"][self._row])

    @flags.setter
    def flags(self, flags: int) -> None:
        self._block.rows["flags"][self._row] = flags


class Block:
    """Records of `names`, in that order. `rows`: their slabs, of dtype SLAB; `hashes`: uint64. A customer without a
    stored record has a blank row, which becomes a record once something happens to it (`models.walk.Lanes`)."""

    __slots__ = ("_opened", "_stored", "hashes", "known", "names", "rows")

    def __init__(self, names: Sequence[bytes], stored: Sequence[bytes | None]) -> None:
        """stored: what the store has of each, None where it has nothing. Raises UnknownRecord."""
        self.names, self._stored = names, stored
        self.hashes = np.array([hash_of(name) for name in names], dtype=np.uint64)
        self.known = np.array([value is not None for value in stored], dtype=np.bool_)
        self._opened: dict[int, Tail] = {}
        parts = [_BLANK if value is None else value if len(value) == _SIZE else value[:_SIZE] for value in stored]
        if any(len(part) != _SIZE for part in parts):
            self._explain()
        self.rows: NDArray[Any] = np.frombuffer(bytearray(b"".join(parts)), dtype=SLAB)
        self._check()

    def _check(self) -> None:
        rows, known = self.rows, self.known
        checks = (self.hashes & 0xFFFFFFFF).astype(np.uint32)
        lengths = np.array([0 if value is None else len(value) for value in self._stored]) - _SIZE
        good = (rows["version"] == VERSION) & (rows["check"] == checks) & (rows["ring"] < IDS)
        good &= rows["tail_length"] == lengths
        if not (good | ~known).all():
            self._explain()
        rows["check"] = checks  # of the blank ones

    def _explain(self) -> None:
        for name, value in zip(self.names, self._stored, strict=True):
            if value is not None:
                check_stored(name, value)

    def open(self, row: int) -> Opened:
        """A customer's profile: what is changed in it is kept."""
        return Opened(self, row, self._tail(row))

    def _tail(self, row: int) -> Tail:
        tail = self._opened.get(row)
        if tail is None:
            stored = self._stored[row]
            tail = self._opened[row] = unpack_tail(self.names[row], stored[_SIZE:] if stored else b"")
        return tail

    def clear(self, row: int) -> None:
        """Make a customer's row blank, and their tail."""
        self.rows[row] = np.frombuffer(_BLANK, dtype=SLAB)[0]
        self.rows["check"][row] = self.hashes[row] & np.uint64(0xFFFFFFFF)
        self._opened[row] = Tail()

    def keep(self, row: int) -> tuple[bytes, bytes]:
        """A customer's slab and tail as they are now, for `put_back`."""
        return self.rows[row].tobytes(), pack_tail(self._tail(row))

    def put_back(self, row: int, kept: tuple[bytes, bytes]) -> None:
        self.rows[row] = np.frombuffer(kept[0], dtype=SLAB)[0]
        self._opened[row] = unpack_tail(self.names[row], kept[1])

    def pack(self, wanted: Sequence[int]) -> dict[bytes, bytes]:
        """The stored form of the wanted rows, by customer."""
        tails: dict[int, bytes] = {}
        for row, tail in self._opened.items():
            tails[row] = pack_tail(tail)
            self.rows["tail_length"][row] = len(tails[row])
        slabs = self.rows.tobytes()
        names, stored = self.names, self._stored
        packed: dict[bytes, bytes] = {}
        for row in wanted:
            slab = slabs[row * _SIZE : (row + 1) * _SIZE]
            tail_bytes = tails.get(row)
            if tail_bytes is None:
                before = stored[row]
                tail_bytes = before[_SIZE:] if before is not None and len(before) > _SIZE else b""
            packed[names[row]] = slab + tail_bytes if tail_bytes else slab
        return packed

    def dues(self) -> NDArray[np.float64]:
        """The next due place of every row, inf where there is none. A view of shape (rows,)."""
        return np.asarray(self.rows["times"][:, DUE])


if len(_BLANK) != _SIZE or not TIMES > DUE:
    raise ImportError("a blank record is a slab without a tail")
