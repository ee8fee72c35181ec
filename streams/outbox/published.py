"""What of a shard's outputs is public already, as the tails tell: what must be compared instead of sent."""

from __future__ import annotations

from collections.abc import Iterable

from streams.errors import DifferentOutput, LogTruncated
from streams.kafka.topics import FORGOTTEN
from streams.outbox.entry import Destination, Entry

CLOCKS_DIFFER_S = 10.0
"""Two owners of a shard tell by their own clocks whether a trigger has expired: one would replace it and die, the next
send it, though its episode is armed again. So it is sent before its expiry only, and replaced only so long after it."""


class Published:
    """expires: a trigger may have expired unsent, which leaves its sequence number unused."""

    def __init__(self, expires: bool) -> None:
        self._expires = expires
        self._ids: dict[Destination, dict[int, str]] = {}
        self._oldest: dict[Destination, int] = {}

    def learn(self, destination: Destination, entries: Iterable[tuple[int, str]]) -> None:
        """The public entries of a destination, by sequence number, from the first that is asked for."""
        self._ids[destination] = dict(entries)
        self._oldest[destination] = min(self._ids[destination], default=0)

    def last(self) -> dict[str, int]:
        """The last sequence number by role."""
        return {destination.topic: max(known, default=0) for destination, known in self._ids.items()}

    def passed(self, entry: Entry) -> None:
        """It has been sent, or compared."""
        self._ids.get(entry.destination, {}).pop(entry.sequence, None)

    def has(self, entry: Entry) -> bool:
        """Whether the entry is public, or was. Raises DifferentOutput."""
        known = self._ids.get(entry.destination)
        if not known:
            return False
        there = known.get(entry.sequence)
        if there is None:
            passed = entry.sequence < max(known)
            gone = entry.topic in FORGOTTEN and entry.sequence < self._oldest[entry.destination]
            if passed and not gone and not self.may_expire(entry):
                raise DifferentOutput(f"{_named(entry)}: sequence number {entry.sequence} is missing in public")
            return passed
        if there != entry.id:
            raise DifferentOutput(
                f"{_named(entry)}: sequence number {entry.sequence} is {entry.id} here and {there} in public"
            )
        return True

    def may_expire(self, entry: Entry) -> bool:
        return self._expires and entry.expires_at > 0

    def in_doubt_s(self, entry: Entry, now_s: float) -> float:
        """For how long it depends on the clock whether a trigger has expired; 0.0: it does not."""
        if not self.may_expire(entry):
            return 0.0
        rest_s = entry.expires_at / 1_000 + CLOCKS_DIFFER_S - now_s
        return rest_s if 0.0 < rest_s <= CLOCKS_DIFFER_S and not self.has(entry) else 0.0


def check_decisions(shard: int, since: int, last: int, found: int) -> None:
    """Raises LogTruncated unless all decisions from sequence number `since` to `last` were found: they say which model
    versions were in force. last: 0 where there are none."""
    if found < last + 1 - since:
        raise LogTruncated(
            f"shard {shard}: the store went back to decision {since}, and Kafka has deleted {last + 1 - since - found} "
            "since then, hence which model versions were in force; restore a newer backup"
        )


def _named(entry: Entry) -> str:
    return f"{entry.topic} of shard {entry.partition}"
