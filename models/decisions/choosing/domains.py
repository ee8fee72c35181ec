"""Chances from hashes: each use has a domain of its own, so that no draw tells anything about another.

The bytes are the domain's name and the parts, a zero byte before each part: ``choice\\0<decision id>``.
"""

from __future__ import annotations

from enum import StrEnum
from hashlib import blake2b


class Domain(StrEnum):
    """What a hash is drawn for."""

    CHOICE = "choice"
    """The draw of a decision, by its id."""
    SHADOW = "shadow"
    """The draw over actions in shadow mode, by the decision's id."""
    CONTROL = "control"
    """The lasting control group, by salt and unit."""
    LAUNCH = "launch"
    """Who is open to arms that are not proven yet, by salt and unit."""
    AA = "aa"
    """The halves of the A/A line of a report, by salt and unit."""


def keyed(domain: Domain, *parts: bytes) -> bytes:
    """The bytes that are hashed. No part but the last may hold a zero byte, else two keys could be one.

    >>> keyed(Domain.CHOICE, b"a decision")
    b'choice\\x00a decision'
    """
    if any(b"\0" in part for part in parts[:-1]):
        raise ValueError(f"a part of {parts!r} holds a zero byte, which parts them")
    return b"\0".join((domain.encode(), *parts))


def place_of(domain: Domain, *parts: bytes) -> int:
    """0 to 2^64 - 1: the first 64 bits of blake2b of the key."""
    return int.from_bytes(blake2b(keyed(domain, *parts)).digest()[:8])


def in_share(share: float, domain: Domain, *parts: bytes) -> bool:
    """Whether they are in a share of all. Who is in a share is in every greater one."""
    return share >= 1.0 or place_of(domain, *parts) < share * 2.0**64
