"""Versions of the stored record: from an older one to this release's, and back to what the release before reads.

A record is migrated where it is read and keeps its stored form until it is next written. A new version adds a `Step`
here and never changes one that is there. While two releases run side by side a shard may go from the newer back to the
older one, so the newer writes what the older reads (`PREVIOUS`) until it is told otherwise (setting `write_format`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from models.customer.layout import PREVIOUS, VERSION
from models.customer.tail import UnknownRecord
from models.customer.tombstone import TOMBSTONE, is_short, whole
from models.customer.version_four import FOUR, all_down, down, up


class Step(NamedTuple):
    """From a version's stored bytes to the next one's, and back. `up` after `down` gives what decides the same."""

    up: Callable[[bytes], bytes]
    down: Callable[[bytes], bytes]


STEPS: Final[dict[int, Step]] = {FOUR: Step(up, down)}
"""By the older version: `STEPS[4]` leads from 4 to 5 and back."""


class NewerRecord(UnknownRecord):
    """A record that a newer release has written."""


def upgraded(customer: bytes, value: bytes) -> bytes:
    """The record in this release's version. Raises UnknownRecord where no step leads to it."""
    if is_short(value):
        return whole(value)
    stored = version = value[0]
    if version > VERSION:
        raise NewerRecord(_told(customer, stored))
    while version < VERSION:
        if version not in STEPS:
            raise UnknownRecord(_told(customer, stored))
        value, version = STEPS[version].up(value), version + 1
    return value


def written(value: bytes, version: int) -> bytes:
    """A record of this release's version in an older one's bytes. A tombstone has the same in all."""
    if value[0] == TOMBSTONE:
        return value
    for older in range(VERSION - 1, version - 1, -1):
        value = STEPS[older].down(value)
    return value


def all_written(records: Mapping[bytes, bytes], version: int) -> Mapping[bytes, bytes]:
    """The same of many, by customer."""
    if version == VERSION:
        return records
    if version == FOUR == VERSION - 1:
        return all_down(records)
    return {customer: written(value, version) for customer, value in records.items()}


def version_to_write(newest: bool) -> int:
    """The version of what is written: the newest, or the one that the release before this one reads."""
    return VERSION if newest else PREVIOUS


def _told(customer: bytes, version: int) -> str:
    oldest = min(STEPS, default=VERSION)
    reads = f"{oldest} to {VERSION}" if oldest < VERSION else f"{VERSION}"
    return f"the record of {customer!r} has schema version {version}; this release reads {reads}"
