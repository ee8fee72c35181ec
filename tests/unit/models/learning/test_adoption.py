"""Versions that came late: written down, and obeyed by whoever reads the log again."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.learning.adoption import Lockstep, Recorded, Timer, VersionName
from models.outputs import IN_FORCE, Decision, Position
from models.settings import EngineSettings
from models.simulation.rehearsal import Rehearsal, rehearse
from models.timeline.boundaries import version_for
from tests.reference.engine import apply as plainly
from tests.support.bench import digest
from tests.support.logs import synthetic
from tests.unit.models.simulation.test_rehearsal import VARIANTS

PARTITIONS = 2
_decision = msgspec.json.Decoder(Decision).decode


class Tardy:
    """A learner that is late now and then: a boundary in three brings nothing, what it should have comes with a record
    later on, or never."""

    def __init__(self, given_settings: EngineSettings, seed: int) -> None:
        self._settings, self._seed, self._missed, self._given = given_settings, seed, -1, -1

    def at_boundary(self, boundary: int) -> VersionName | None:
        wanted = version_for(self._settings, boundary)
        if hash((self._seed, boundary)) % 3 == 0:
            self._missed = wanted
            return None
        self._given = wanted
        return VersionName(wanted)

    def at_record(self, offset: int, boundary: int, timer: Timer | None = None) -> VersionName | None:
        if offset % 17 != self._seed % 17 or self._missed < max(self._given, 0):
            return None
        self._given = self._missed
        return VersionName(self._missed)

    def next_change(self, offset: int) -> int | None:
        return offset + 17 - (offset - self._seed) % 17

    def next_timer(self, offset: int, boundary: int, done: Timer | None) -> Timer | None:
        return None


def decisions(world: Rehearsal) -> list[list[Decision]]:
    return [[_decision(said.value) for said in shard.outputs if said.role == "decisions"] for shard in world.shards]


def recorded(world: Rehearsal) -> list[Recorded]:
    return [Recorded(said) for said in decisions(world)]


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["live", "long delay", "evaluation"]), st.integers(1, 300))
def test_a_replay_that_obeys_the_records_gives_the_same_bytes(seed: int, variant: str, batch: int) -> None:
    given_settings = VARIANTS[variant]
    logs = synthetic(seed, PARTITIONS, customers=15, days=100)
    live = rehearse(logs, given_settings, adoptions=[Tardy(given_settings, seed + n) for n in range(PARTITIONS)])
    again = rehearse(logs, given_settings, batch=lambda at: batch, adoptions=recorded(live))
    assert digest(again) == digest(live)
    told = rehearse(logs, given_settings, adoptions=recorded(live), engine=plainly)
    assert digest(told) == digest(live)


@pytest.mark.parametrize("variant", ["live", "evaluation"])
def test_lateness_changes_decisions_and_is_written_down(variant: str) -> None:
    given_settings = VARIANTS[variant]
    logs = synthetic(3, PARTITIONS, customers=60, days=150)
    live = rehearse(logs, given_settings, adoptions=[Tardy(given_settings, n) for n in range(PARTITIONS)])
    assert digest(live) != digest(rehearse(logs, given_settings))
    changes = [said for shard in decisions(live) for said in shard if said.what == IN_FORCE]
    assert {said.late is None for said in changes} == {True, False}
    for shard in decisions(live):
        versions = [said.model_version for said in shard if said.what == IN_FORCE]
        assert versions == sorted(versions), "a version in force is never followed by an older one"


def test_in_lockstep_the_records_say_what_the_rule_says() -> None:
    given_settings = VARIANTS["live"]
    logs = synthetic(4, PARTITIONS, customers=20, days=80)
    world = rehearse(logs, given_settings)
    assert digest(rehearse(logs, given_settings, adoptions=recorded(world))) == digest(world)
    assert all(said.late is None for shard in decisions(world) for said in shard)
    lockstep = Lockstep(given_settings)
    assert (lockstep.at_record(5, 0), lockstep.next_change(5)) == (None, None)


def test_records_are_found_by_their_place() -> None:
    def change(time: int, offset: int, version: int, late: int | None = None) -> Decision:
        return Decision("x", IN_FORCE, time, Position(0, offset, True), model_version=version, late=late)

    other = Decision("y", "erased", 5, Position(0, 50, False))
    rule = Recorded(
        [change(100, 7, 1), change(130, 12, 2, 100), other, change(140, 30, 3, 100), change(145, 30, 4, 120)]
    )
    assert [rule.at_boundary(time) for time in (100, 130, 200)] == [VersionName(1), None, None]
    assert [rule.at_record(offset, 100) for offset in (7, 12, 30, 50)] == [None, VersionName(2), VersionName(3), None]
    assert rule.at_record(30, 120) == VersionName(4)
    assert [rule.next_change(offset) for offset in (0, 12, 29, 30)] == [12, 30, 30, None]
    assert rule.next_timer(30, 100, None) is None


def test_a_record_between_two_timers_is_found_by_the_first_of_them_that_it_decides() -> None:
    def change(boundary: int, timer: tuple[int, str], version: int) -> Decision:
        at = Position(0, 12, True)
        return Decision("x", IN_FORCE, 130, at, model_version=version, late=boundary, timer=timer)

    rule = Recorded([change(100, (804, "é"), 1), change(100, (844, "b"), 2), change(120, (964, "a"), 3)])
    first, second, third = (804.0, "é".encode()), (844.0, b"b"), (964.0, b"a")
    assert rule.at_record(12, 100) is None
    assert [rule.at_record(12, 100, timer) for timer in (first, second, third)] == [
        VersionName(1),
        VersionName(2),
        None,
    ]
    assert [rule.next_timer(12, 100, done) for done in (None, (804.0, b"a"), first, second)] == [
        first,
        first,
        second,
        None,
    ]
    assert [rule.next_timer(12, 120, None), rule.next_timer(13, 100, None)] == [third, None]
    assert rule.next_change(11) == 12
    assert Lockstep(VARIANTS["live"]).next_timer(12, 100, None) is None
