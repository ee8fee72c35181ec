"""What monitoring asks of whoever owns partitions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from faust.types import TP


class Owner(Protocol):
    """What is asked of a partition's owner.

    Implemented by Shard and LearnerOwner.
    """

    @property
    def tp(self) -> TP: ...
    @property
    def reads(self) -> bool: ...


class Owners(Protocol):
    """Who owns what in this process.

    Implemented by Ownership.
    """

    @property
    def current(self) -> Mapping[TP, Owner]: ...
    @property
    def owned(self) -> Collection[TP]: ...
    @property
    def assigned(self) -> bool: ...
    @property
    def complete(self) -> bool: ...
