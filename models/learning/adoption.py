"""Decides at which log position a new model version becomes active: by rule, or as recorded in the decisions log.

Live, a shard does not wait for a version that is late: it goes on with the newest older one, and takes the late one at
the start of a batch (streams/shard/version_rule.py). Every change is a record of the decisions topic, with its position
in the line; so whoever reads the log again obeys the records and decides the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

import msgspec

from models.churn.snapshot import lineage_name
from models.outputs import IN_FORCE, Decision
from models.settings import EngineSettings
from models.timeline.boundaries import version_for
from models.timeline.shard_state import ShardState, first_timer

Timer = tuple[float, bytes]
"""(timer position, customer)."""


class VersionName(NamedTuple):
    """A version by its boundary, and the lineage that made it (`models.churn.snapshot.Version`); empty: the
    application's first learner."""

    boundary: int
    lineage: str = ""


def in_force_in(state: ShardState) -> VersionName:
    """The version that a shard decides with."""
    return VersionName(state.version, lineage_name(state.lineage))


class Adoption(Protocol):
    """The rule of one shard. None: the version in force stays.

    Implemented by Lockstep and Recorded.
    """

    def at_boundary(self, boundary: int) -> VersionName | None:
        """The version that comes into force when the line crosses a boundary."""

    def at_record(self, offset: int, boundary: int, timer: Timer | None = None) -> VersionName | None:
        """The version that comes into force just before a record, and the due items that stand before it.

        boundary: the last one that the line has crossed; it may cross several before one record. timer: of these due
        items the first that is not done, where others are; None: none is done.
        """

    def next_change(self, offset: int) -> int | None:
        """The first record after `offset` before which a version comes into force: a batch ends there."""

    def next_timer(self, offset: int, boundary: int, done: Timer | None) -> Timer | None:
        """The first timer after `done`, of those before this record and behind this boundary, before which a version
        comes into force: a piece ends there."""


class Lockstep:
    """Every boundary brings the version that the rule names, however long it takes."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings

    def at_boundary(self, boundary: int) -> VersionName | None:
        return VersionName(version_for(self._settings, boundary))

    def at_record(self, offset: int, boundary: int, timer: Timer | None = None) -> VersionName | None:
        return None

    def next_change(self, offset: int) -> int | None:
        return None

    def next_timer(self, offset: int, boundary: int, done: Timer | None) -> Timer | None:
        return None


class Recorded:
    """As the shard's decisions say, in their order; other decisions are passed over."""

    def __init__(self, decisions: Iterable[Decision]) -> None:
        changes = [decision for decision in decisions if decision.what == IN_FORCE]
        self._boundaries = {d.time: _name(d) for d in changes if d.late is None}
        self._late = {(d.at.offset, d.late, _timer(d)): _name(d) for d in changes if d.late is not None}
        self._offsets = sorted({offset for offset, _, _ in self._late})
        self._timers: dict[tuple[int, int], list[Timer]] = {}
        for offset, boundary, timer in self._late:
            if timer is not None:
                self._timers.setdefault((offset, boundary), []).append(timer)

    def at_boundary(self, boundary: int) -> VersionName | None:
        return self._boundaries.get(boundary)

    def at_record(self, offset: int, boundary: int, timer: Timer | None = None) -> VersionName | None:
        return self._late.get((offset, boundary, timer))

    def next_change(self, offset: int) -> int | None:
        return next((later for later in self._offsets if later > offset), None)

    def next_timer(self, offset: int, boundary: int, done: Timer | None) -> Timer | None:
        known = self._timers.get((offset, boundary), ())
        return min((timer for timer in known if done is None or timer > done), default=None)


def timer_of_change(adoption: Adoption, state: ShardState, offset: int) -> Timer | None:
    """Where the next piece of a shard's line has to end before the record at `offset`: `Upcoming.until`."""
    return adoption.next_timer(offset, state.boundary, first_timer(state))


def _name(decision: Decision) -> VersionName | None:
    return None if decision.model_version is None else VersionName(decision.model_version, decision.lineage)


def _timer(decision: Decision) -> Timer | None:
    return None if decision.timer is None else (float(decision.timer[0]), decision.timer[1].encode())


_decision = msgspec.json.Decoder(Decision).decode


def obeying(decisions: Iterable[bytes]) -> Recorded:
    """The rule that a shard's decisions hold, as they stand on their topic, in order."""
    return Recorded(_decision(value) for value in decisions if IN_FORCE.encode() in value)
