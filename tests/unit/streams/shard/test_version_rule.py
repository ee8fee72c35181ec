"""Which version comes into force where: live with a delay of an hour, in lockstep, and as recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import msgspec
import pytest

from models.churn import Version
from models.engine.step import InForce, VersionAtRecord
from models.learning.adoption import Timer
from models.learning.learner import initial_version
from models.learning.schema import schema_of
from models.outputs import Decision, Position, encode
from models.settings import HOUR, EngineSettings
from models.timeline.boundaries import UNTRAINED
from models.timeline.shard_state import ShardState
from streams.learner.model_registry import ModelRegistry, name_of
from streams.learner.versions import Versions
from streams.shard.version_rule import VersionRule
from streams.store import StoreChanges
from streams.store.checkpoint import Checkpoint
from streams.store.fake import FakeStore
from streams.store.port import LEARNER
from tests.support.workers import PATIENCE_S, play, until

SETTINGS = EngineSettings(boundary=HOUR, version_delay=HOUR)
NOON = 12 * HOUR
STATE = ShardState(0, 1, 500, boundary=NOON, adopted=NOON - HOUR, version=9 * HOUR)
"""About to cross noon, with the version of nine o'clock."""


class Ground:
    """A rule on the real versions over a store, what the learner has published in it, and what the rule waited for."""

    def __init__(self, settings: EngineSettings = SETTINGS, lockstep: bool = False) -> None:
        self._settings, self._store = settings, FakeStore()
        self._learner = Checkpoint(self._store, LEARNER)
        self.waits: list[tuple[str, str]] = []
        self.rule = VersionRule(
            settings,
            lockstep,
            Versions(self._store, settings),
            lambda reason, detail: self.waits.append((reason, detail)),
        )

    async def publish(self, hours: Sequence[int]) -> None:
        """The learner's versions up to now."""
        if self._learner.number < 0:
            await self._learner.create(b"state")
        untrained = initial_version(self._settings)
        versions = [Version(hour * HOUR, hour, untrained.model, untrained.quality) for hour in hours]
        values = ModelRegistry.values_to_write(versions, schema_of(self._settings), 0, max(hours) * HOUR)
        await self._learner.write(b"state", StoreChanges(values))

    async def sealed(self, hour: int) -> bytes | None:
        """The version as it is stored."""
        [value] = await self._store.load(LEARNER, [name_of(hour * HOUR)])
        return value

    async def at_noon(self, state: ShardState = STATE) -> int | None:
        return _hour(await self.rule.at_boundary(state, NOON))

    async def at_record(
        self,
        state: ShardState,
        crossed: int = NOON,
        offset: int = 500,
        begins: bool = True,
        timer: Timer | None = None,
    ) -> int | None:
        return _hour(await self.rule.at_record(state, VersionAtRecord(offset, crossed, begins, timer)))


def _hour(found: InForce | None) -> int | None:
    return None if found is None else found.version.boundary // HOUR


def _told(
    version: int, time: int, offset: int = 0, late: int | None = None, timer: tuple[int, str] | None = None
) -> bytes:
    at = Position(0, offset, due=True)
    return encode(Decision("id", "version_in_force", time, at, model_version=version, late=late, timer=timer))


LIVE = [
    # hours published, D in hours, the hour that comes into force at noon
    (range(13), 1, 11),
    (range(13), 0, 12),
    (range(13), 2, 10),
    (range(13), 1.5, 10),
    (range(13), 0.5, 11),
    (range(12), 1, 11),
    (range(11), 1, 10),  # eleven o'clock's is late
    (range(10), 1, None),  # nine o'clock's is in force already
    (range(9), 1, None),  # a store that went back has older ones only
]


@pytest.mark.parametrize(("published", "delay", "comes"), LIVE)
def test_live_a_boundary_brings_the_newest_published_version_that_is_old_enough(
    published: Sequence[int], delay: float, comes: int | None
) -> None:
    async def scenario() -> None:
        ground = Ground(replace(SETTINGS, version_delay=int(delay * HOUR)))
        await ground.publish(published)
        assert await ground.at_noon() == comes

    play(scenario)


@pytest.mark.parametrize(("published", "delay", "comes"), LIVE)
def test_live_the_first_record_of_a_batch_brings_the_one_that_was_late_at_the_last_boundary(
    published: Sequence[int], delay: float, comes: int | None
) -> None:
    async def scenario() -> None:
        ground = Ground(replace(SETTINGS, version_delay=int(delay * HOUR)))
        await ground.publish(published)
        crossed = msgspec.structs.replace(STATE, adopted=NOON)
        assert await ground.at_record(crossed, timer=(8.0 * NOON, b"a")) is None, "between two timers none comes"
        assert await ground.at_record(crossed) == comes
        assert await ground.at_record(crossed, begins=False) is None
        assert ground.rule.change_between(crossed, 500) is None

    play(scenario)


def test_live_nothing_is_published_and_nothing_is_waited_for() -> None:
    async def scenario() -> None:
        ground = Ground()
        assert await asyncio.wait_for(ground.at_noon(), PATIENCE_S) is None
        assert await asyncio.wait_for(ground.at_record(STATE), PATIENCE_S) is None
        assert ground.waits == []

    play(scenario)


def test_the_scorer_is_that_of_the_version_which_came_into_force_last() -> None:
    async def scenario() -> None:
        ground = Ground()
        with pytest.raises(RuntimeError, match="has not resumed its state"):
            _ = ground.rule.scorer
        await ground.publish(range(11))
        await ground.rule.resume(STATE)
        resumed = ground.rule.scorer
        assert await ground.at_noon() == 10
        at_ten = ground.rule.scorer
        assert at_ten is not resumed
        await ground.publish([11])
        ten = msgspec.structs.replace(STATE, adopted=NOON, version=10 * HOUR)
        assert await ground.at_record(ten) == 11
        assert ground.rule.scorer is not at_ten
        eleven, scorer = msgspec.structs.replace(ten, version=11 * HOUR), ground.rule.scorer
        assert await ground.at_record(eleven) is None
        assert ground.rule.scorer is scorer

    play(scenario)


def test_in_lockstep_a_boundary_waits_for_its_version_and_a_record_brings_none() -> None:
    async def scenario() -> None:
        ground = Ground(lockstep=True)
        await ground.publish(range(11))
        coming = asyncio.create_task(ground.at_noon())
        await until(lambda: ground.waits)
        await asyncio.sleep(0.02)
        assert not coming.done()
        assert ("version", f"of boundary {11 * HOUR}") in ground.waits
        await ground.publish([11, 12])
        assert await asyncio.wait_for(coming, PATIENCE_S) == 11
        assert await ground.at_record(STATE) is None
        # It is said anew at every boundary, and only at boundaries.
        assert await ground.at_noon(msgspec.structs.replace(STATE, version=11 * HOUR)) == 11

    play(scenario)


def test_after_the_store_went_back_a_version_comes_between_the_timers_between_which_it_came() -> None:
    async def scenario() -> None:
        ground = Ground()
        await ground.publish(range(13))
        timer = 8 * NOON + 12
        ground.rule.obey([_told(10 * HOUR, NOON + 5, 507, NOON, (timer, "b"))], {"decisions": 1})
        crossed = msgspec.structs.replace(STATE, adopted=NOON)
        between = msgspec.structs.replace(crossed, commit_position=timer, commit_customer="b")
        assert ground.rule.change_after(crossed, 500) == 507
        assert ground.rule.change_between(crossed, 507) == (timer, b"b")
        assert [ground.rule.change_between(state, 507) for state in (between, STATE)] == [None, (timer, b"b")]
        assert ground.rule.change_between(crossed, 506) is None
        assert await ground.at_record(crossed, offset=507) is None
        assert await ground.at_record(between, offset=507, timer=(timer, b"b")) == 10

    play(scenario)


def test_after_the_store_went_back_the_recorded_versions_come_where_they_did_until_all_is_said_again() -> None:
    async def scenario() -> None:
        ground = Ground()
        await ground.publish(range(13))
        records = [_told(10 * HOUR, NOON), _told(11 * HOUR, NOON + 5, offset=507, late=NOON)]
        ground.rule.obey(records, {"decisions": 4, "triggers": 2})
        behind = msgspec.structs.replace(STATE, sequences={"decisions": 2, "triggers": 2})
        assert ground.rule.change_after(behind, 500) == 507
        assert ground.rule.change_after(behind, 507) is None
        assert await ground.at_noon(behind) == 10
        crossed = msgspec.structs.replace(behind, adopted=NOON, version=10 * HOUR)
        assert await ground.at_record(crossed, offset=506) is None, "by the rule eleven o'clock's would come here"
        assert await ground.at_record(crossed, offset=507, begins=False) == 11
        assert await ground.at_record(crossed, offset=507, crossed=NOON + HOUR) is None
        # One that is in force already is not said again.
        assert await ground.at_record(msgspec.structs.replace(crossed, version=11 * HOUR), offset=507) is None
        for sequences in ({"decisions": 4}, {"decisions": 3, "triggers": 2}, {"triggers": 5}):
            assert ground.rule.change_after(msgspec.structs.replace(behind, sequences=sequences), 500) == 507
        said = msgspec.structs.replace(crossed, sequences={"decisions": 4, "triggers": 2})
        assert ground.rule.change_after(said, 500) is None
        assert await ground.at_record(said, offset=501) == 11, "the rule counts again"
        assert ground.rule.change_after(behind, 500) is None, "for good"

    play(scenario)


def test_a_recorded_version_that_is_not_there_is_waited_for() -> None:
    async def scenario() -> None:
        ground = Ground()
        await ground.publish(range(10))
        ground.rule.obey([_told(10 * HOUR, NOON)], {"decisions": 1})
        coming = asyncio.create_task(ground.at_noon())
        await until(lambda: ground.waits)
        await asyncio.sleep(0.02)
        assert not coming.done()
        assert ground.waits[0] == ("version", f"of boundary {10 * HOUR}, as recorded")
        await ground.publish([10])
        assert await asyncio.wait_for(coming, PATIENCE_S) == 10

    play(scenario)


def test_what_was_in_force_is_resumed_without_waiting_from_the_store_or_from_the_copy_beside_the_state() -> None:
    async def scenario() -> None:
        ground = Ground()
        await ground.publish(range(12))
        await ground.rule.resume(STATE)
        assert ground.rule.instead(STATE) is None
        found = await ground.rule.at_boundary(STATE, NOON)
        assert found is not None
        copy = ground.rule.copy(found.version)
        assert copy == await ground.sealed(11)
        assert ground.rule.copy(None) is None
        assert ground.rule.copy(initial_version(SETTINGS)) is None, "another than what is in force"

        emptied = Ground()
        eleven = msgspec.structs.replace(STATE, version=11 * HOUR)
        await emptied.rule.resume(eleven, copy)
        assert emptied.rule.instead(eleven) is None
        assert emptied.rule.scorer is not None
        assert emptied.waits[0] == ("version", f"in force, of boundary {11 * HOUR}")

    play(scenario)


@pytest.mark.parametrize(
    ("published", "delay", "comes"),
    [([8, 10, 11, 12], 1, 11), ([8, 10, 11, 12], 0, 12), ([7, 8], 1, 8), ([], 1, None)],
    ids=["an hour old", "at once", "older than what is gone", "nothing"],
)
def test_live_what_is_gone_has_the_newest_that_is_old_enough_in_its_place_until_that_is_committed(
    published: Sequence[int], delay: int, comes: int | None
) -> None:
    async def scenario() -> None:
        ground = Ground(replace(SETTINGS, version_delay=delay * HOUR))
        if published:
            await ground.publish(published)
        crossed = msgspec.structs.replace(STATE, adopted=NOON)
        await asyncio.wait_for(ground.rule.resume(crossed), PATIENCE_S)
        boundary = UNTRAINED if comes is None else comes * HOUR
        for _ in range(2):
            instead = ground.rule.instead(crossed)
            assert instead is not None
            assert instead.boundary == boundary
        assert await ground.at_record(crossed) is None, "it is the newest already"
        committed = msgspec.structs.replace(crossed, version=boundary)
        assert ground.rule.instead(committed) is None
        assert ground.rule.instead(crossed) is None, "for good"

    play(scenario)


@pytest.mark.parametrize("lockstep", [True, False], ids=["in lockstep", "while records are obeyed"])
def test_what_is_gone_is_waited_for_where_no_other_would_do(lockstep: bool) -> None:
    async def scenario() -> None:
        ground = Ground(lockstep=lockstep)
        await ground.publish([8, 10, 11, 12])
        if not lockstep:
            ground.rule.obey([_told(10 * HOUR, NOON)], {"decisions": 1})
        resuming = asyncio.create_task(ground.rule.resume(STATE))
        await asyncio.sleep(0.02)
        assert not resuming.done()
        await ground.publish([9, 12])
        await asyncio.wait_for(resuming, PATIENCE_S)
        assert ground.rule.instead(STATE) is None
        assert ground.rule.scorer is not None

    play(scenario)
