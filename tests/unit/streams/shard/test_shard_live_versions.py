"""Live, as in production: a version an hour, used an hour later; versions that are in time, late, and very late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from models.settings import DAY, HOUR, MINUTE
from models.timeline.batch import LogRecord
from streams.learner.model_registry import NEWEST
from streams.shard.meta import unpack_body
from streams.store.fake import FakeStore
from streams.store.port import LEARNER
from tests.support.adoptions import adoptions_of
from tests.support.logs import START, log_of, synthetic, ticking, told
from tests.support.workers import SETTINGS, Site, Worker, play

UNEXPIRED = replace(SETTINGS, version_delay=HOUR, trigger_life=100 * 365 * DAY)
"""Triggers of the year 2000 are still worth sending."""
HOURLY = replace(UNEXPIRED, boundary=HOUR, tick=4 * HOUR, horizon=8 * HOUR, lateness=10 * MINUTE)
HOURS = 17


def _logs() -> list[list[LogRecord]]:
    """Two shards that buy and are silent, with a clock record every ten minutes."""
    logs = []
    for shard in range(2):
        entries = [ticking(START + at * MINUTE) for at in range(0, (HOURS + 1) * 60, 10)]
        for customer in range(6):
            times = [START + (shard + 3 * customer + 7 * n) * HOUR + 17 * MINUTE for n in range(customer + 1)]
            entries += [told("purchase", f"{shard}-{customer}", time, {"amount": 20}) for time in times]
        logs.append(log_of(sorted(entries, key=lambda entry: entry[0])))
    return logs


def _site(store: FakeStore) -> Site:
    return Site(store, store.snapshot, _logs(), HOURLY, mode="live", batch=lambda offset: 4)


def _published(store: FakeStore) -> int:
    return int(store.snapshot(LEARNER).values.get(NEWEST, -1))


class Run:
    """Shards that go through the log hour by hour, and a learner beside them, or only now and then."""

    def __init__(self) -> None:
        self.store = FakeStore()
        self.site = _site(self.store)

    async def work(self, hours: Sequence[float], learns: bool) -> None:
        """Take the shards up to each of these hours; a learner too, until the last version is published."""
        worker = Worker(self.site, learns=learns)
        life = worker.start()
        for hour in hours:
            await worker.work_up_to(START + int(hour * HOUR))
            if learns and hour >= 1:
                await worker.until(lambda hour=hour: _published(self.store) == START + int(hour) * HOUR)  # type: ignore[misc]  # a lambda's default
        assert worker.error is None, worker.error
        await worker.stop(life)

    def changes(self, since: int = 0) -> list[list[tuple[float, float, bool]]]:
        """By shard: hour of the version, of the last boundary before it, and whether it was late; from an hour on."""
        found = [adoptions_of(told) for told in self.site.decisions()]
        return [
            [
                ((one.version - START) / HOUR, (one.crossed - START) / HOUR, one.late)
                for one in shard
                if one.crossed >= START + since * HOUR
            ]
            for shard in found
        ]


def test_a_learner_in_time_has_every_version_in_force_an_hour_after_its_boundary() -> None:
    async def scenario() -> None:
        run = Run()
        await run.work([hour / 2 for hour in range(1, 16)], learns=True)
        assert run.changes(since=3) == [[(hour - 1, hour, False) for hour in range(3, 8)]] * 2
        await run.site.live()

    play(scenario)


def test_a_learner_that_was_away_for_five_hours_brings_the_version_that_is_an_hour_old_and_no_newer_one() -> None:
    async def scenario() -> None:
        run = Run()
        await run.work([*range(1, 11)], learns=True)
        await run.work([15.5], learns=False)
        await run.work([15.6, 15.7, 16.2], learns=True)
        told = [(10, 11, False), (14, 15, True), (15, 16, False)]
        assert [shard[-3:] for shard in run.changes()] == [told] * 2
        await run.site.live()

    play(scenario)


class SeenBetweenTimers(FakeStore):
    """Versions are seen only where the shard's last commit has ended between two timers."""

    shown = 0

    async def load(self, place: str, names: Sequence[bytes]) -> list[bytes | None]:
        found = await super().load(place, names)
        if place != LEARNER or NEWEST not in names:
            return found
        meta = await self.read_meta("0")
        if meta is None or unpack_body("0", meta.body).state.commit_position == 0:
            return [None] * len(names)
        self.shown += 1
        return found


def test_between_two_timers_before_one_record_no_version_comes_into_force() -> None:
    """Nobody who reads the log again could find that place: the decision names the record alone."""

    async def scenario() -> None:
        store = SeenBetweenTimers()
        engine = replace(UNEXPIRED, boundary=DAY, piece_items=1)
        site = Site(store, store.snapshot, synthetic(3, partitions=1, customers=20, days=60), engine, mode="live")
        await site.live()
        assert store.shown > 0
        assert [adoptions_of(told) for told in site.decisions()] == [[]]

    play(scenario)
