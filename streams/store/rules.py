"""Validation of store calls before anything is sent, and the errors of a refused call.

A write that breaks these rules is a defect of the caller, not a state of the store; it raises ValueError.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import ClassVar

from streams.errors import BESIDE, EngineError, ExitCode
from streams.retry import Unavailable
from streams.store.port import Write

RESERVED_NAMES = frozenset((b"meta", b"due", b"outbox"))
"""Names under which a namespace keeps its own keys; a value of that name would overwrite them."""


class StoreRefused(EngineError):
    """The store answered that it cannot do the call, and did nothing of it. Repeating it unchanged does not help."""

    remedy: ClassVar[str] = (
        "the message names the key or the setting; restore what another program overwrote, or correct the "
        "address, mode (Cluster or not), credentials or permissions of Redis"
    )


class StoreFull(StoreRefused, Unavailable):
    """Redis has reached maxmemory and may not evict: the write was not done."""

    remedy: ClassVar[str] = "raise maxmemory (policy noeviction) or free memory; the worker goes on where it stopped"


class StoreOutdated(StoreRefused):
    """The namespace was written by a release that kept its due set in another layout. Nothing was done.

    `doing`: what was being done.
    """

    code: ClassVar[ExitCode] = ExitCode.STATE_UNREADABLE
    remedy: ClassVar[str] = f"run the release that wrote it, or {BESIDE}"

    def __init__(self, doing: str) -> None:
        super().__init__(
            f"{doing}: the due set was written by another release, in a layout that this one does not know"
        )


def check_namespace(namespace: str) -> None:
    """Raise ValueError unless `namespace` gives keys of its own: a colon or a brace would let two namespaces share
    keys."""
    if not namespace or any(character in namespace for character in "{}:"):
        raise ValueError(f"namespace {namespace!r}: must be non-empty, without braces and colons; choose another")


def check_token(token: bytes) -> None:
    """Raise ValueError for an empty token: it would equal that of a namespace which nobody owns yet."""
    if not token:
        raise ValueError("token b'': an owner's token must not be empty; mint one of random bytes")


def check_names(names: Iterable[bytes]) -> None:
    """Raise ValueError when a name is one of the namespace's own keys."""
    if not RESERVED_NAMES.isdisjoint(names):
        clash = sorted(RESERVED_NAMES.intersection(names))
        raise ValueError(f"value names {clash}: reserved for the namespace itself; prefix them, e.g. b'c:' + name")


def check_range(up_to: float, limit: int = 0) -> None:
    """Raise ValueError for bounds that Redis would read differently from what the caller means."""
    if math.isnan(up_to):
        raise ValueError("up_to nan: due times are compared with a number; pass the shard's time")
    if limit < 0:
        raise ValueError(f"limit {limit}: must be 0 or more; Redis takes a negative limit to mean all")


def check_write(write: Write) -> None:
    """Raise ValueError when the write can't mean anything to a store; see the messages."""
    check_token(write.token)
    if not write.nonce:
        raise ValueError("nonce b'': would equal that of a new namespace; draw random bytes for each write")
    if write.expected < 0:
        raise ValueError(f"expected {write.expected}: commit numbers start at 0; pass Meta.number")
    if write.trim < 0:
        raise ValueError(f"trim {write.trim}: must be 0 or more; it counts entries leaving the outbox's front")
    check_names([name for name, _ in write.values])
    check_names(write.removed)
    check_scores(write.dues)


def check_scores(dues: Sequence[tuple[float, bytes]]) -> None:
    """Raise ValueError when a due score is infinite or not a number."""
    for score, member in dues:
        if not math.isfinite(score):
            raise ValueError(f"due score {score} of {member!r}: must be finite; leave the member out, or in undue")
