"""A share of all units by hash: the same answer on every machine, and who is in one is in every greater one."""

from __future__ import annotations

from xxhash import xxh3_64_intdigest


def share_of(salt: str, unit: bytes) -> int:
    """Where a unit stands among all, 0 to 2^64 - 1: xxh3 (64 bits) of the salt, a zero byte and the unit.

    A share of s of the units are those below s times 2^64.
    """
    return xxh3_64_intdigest(salt.encode() + b"\0" + unit)


def within(share: float, salt: str, unit: bytes) -> bool:
    """Whether a unit is in a share of all units."""
    return share >= 1.0 or share_of(salt, unit) < share * 2.0**64
