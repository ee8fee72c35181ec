"""How an account of points lies in the record: packed, behind its next timer."""

from __future__ import annotations

import struct

from xxhash import xxh3_64_intdigest

from models.customer.moments import second_of
from models.loyalty.account import Account, Drawn, Earned
from models.settings import SECOND

_HEAD = struct.Struct("<IIBBB")  # the next timer, what is owed, and how many of each follow
_LOT = struct.Struct("<II")
_EARNED = struct.Struct("<QIIIIIQ")
_DRAWN = struct.Struct("<QIB")
_TIMER = struct.Struct("<I")


def number_of(reference: str | None) -> int:
    """An order or a reward as the record has it: 64 bits, 0 of none."""
    return (xxh3_64_intdigest(reference.encode()) or 1) if reference else 0


def pack_account(account: Account, spread: int = 0) -> bytes:
    """As stored; nothing where it is empty. spread: as of `Account.next_timer`."""
    timer = account.next_timer(spread)
    if not timer:
        return b""
    counts = (len(account.lots), len(account.earned), len(account.drawn))
    packed = [_HEAD.pack(second_of(timer), account.owed, *counts)]
    packed += [_LOT.pack(second_of(expires), points) for expires, points in sorted(account.lots.items())]
    packed += [
        _EARNED.pack(
            one.order, one.touch, *map(second_of, (one.active_at, one.until, one.expires)), one.points, one.cents
        )
        for one in account.earned
    ]
    for drawn in account.drawn:
        packed.append(_DRAWN.pack(drawn.reward, second_of(drawn.until), len(drawn.parts)))
        packed += [_LOT.pack(second_of(expires), points) for expires, points in drawn.parts]
    return b"".join(packed)


def unpack_account(stored: bytes) -> Account:
    """Inverse of `pack_account`."""
    if not stored:
        return Account()
    _, owed, lots, earned, drawn = _HEAD.unpack_from(stored)
    at = _HEAD.size
    account = Account(owed=owed, lots=dict(_lots_in(stored, at, lots)))
    at += lots * _LOT.size
    for _ in range(earned):
        order, touch, active_at, until, expires, points, cents = _EARNED.unpack_from(stored, at)
        times = (active_at * SECOND, until * SECOND, expires * SECOND)
        account.earned.append(Earned(order, *times, points, cents, touch))
        at += _EARNED.size
    for _ in range(drawn):
        reward, until, parts = _DRAWN.unpack_from(stored, at)
        at += _DRAWN.size
        account.drawn.append(Drawn(reward, until * SECOND, tuple(_lots_in(stored, at, parts))))
        at += parts * _LOT.size
    return account


def timer_of(stored: bytes) -> int:
    """When what is stored, an account or a membership, is to be looked at, ms; 0: there is nothing."""
    return _TIMER.unpack_from(stored)[0] * SECOND if stored else 0


def put_off(stored: bytes, until: int) -> bytes:
    """The same, not to be looked at before: something raised on it. until: ms."""
    return _TIMER.pack(second_of(until)) + stored[_TIMER.size :]


def _lots_in(stored: bytes, at: int, count: int) -> list[tuple[int, int]]:
    return [(expires * SECOND, points) for expires, points in _LOT.iter_unpack(stored[at : at + count * _LOT.size])]
