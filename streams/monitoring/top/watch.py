"""Builds the view from successive polls of workers. No I/O and no clock: reports and times are given."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Hashable, Iterable, Mapping, Sequence

from models.loyalty.loop import STAGES
from streams.monitoring.top.exposition import ALL_BANDS, Numbers, ShardNumbers
from streams.monitoring.top.history import Counters, QualityOverTime, quantiles
from streams.monitoring.top.view import BudgetRow, Quantiles, ShardRow, TriggerRow, View, WorkerRow
from streams.monitoring.top.workers import Report

RATE_S = 5.0
"""Events are counted once per commit: over a shorter time their rate jumps between nothing and a whole batch."""

WINDOW_S = 60.0
"""Of the quantiles of latency: long enough for a p99 to mean something, short enough to follow an outage."""

RATES, LATEST = 240, 100
EVENTS: Hashable = "events"


class Watch:
    """What has been seen since the watching began.

    Args:
        title: of the view.
        partitions: shards there are in all, where no worker tells.
        goal: see `View`.
    """

    def __init__(self, title: str, partitions: int | None = None, goal: int | None = None) -> None:
        self._title, self._partitions, self._goal = title, partitions, goal
        self._counters = Counters(WINDOW_S)
        self._quality = QualityOverTime()
        self._rates: deque[float] = deque(maxlen=RATES)
        self._latest: deque[TriggerRow] = deque(maxlen=LATEST)

    def look(
        self,
        reports: Sequence[Report],
        new: Sequence[TriggerRow],
        at_s: float,
        wall_ms: int,
        triggers_trouble: str = "",
    ) -> View:
        """Take in one poll of all workers.

        Args:
            reports: one of each worker.
            new: triggers since the last poll, oldest first.
            at_s: when, in seconds on a clock that never goes back.
            wall_ms: when, ms since the epoch.
            triggers_trouble: why the triggers topic can't be read; empty: it can.

        Returns:
            All that is shown.
        """
        self._latest.extend(new)
        answers = {report.url: report.numbers for report in reports if report.numbers is not None}
        self._counters.look(at_s, {url: _counters(numbers) for url, numbers in answers.items()})
        shards, states = _shards(reports)
        learner = max(answers.values(), key=lambda n: (n.version or 0, n.quality.get("labels", 0)), default=Numbers())
        self._quality.look(learner.version, learner.quality)
        rate = self._rate()
        partitions = max((n.partitions or 0 for n in answers.values()), default=0) or self._partitions
        times = [numbers.time for numbers in shards.values()]
        known = [time for time in times if time is not None]
        return View(
            title=self._title,
            at=wall_ms,
            time=min(known) if known and len(known) >= max(len(times), partitions or 0) else None,
            events=sum(numbers.events for numbers in answers.values()),
            rate=rate,
            rates=tuple(self._rates),
            goal=self._goal,
            triggers=_total(answers.values(), "triggers") or 0,
            duplicates=_total(answers.values(), "duplicate") or 0,
            dead=_total(answers.values(), "dead") or 0,
            redelivered=_total(answers.values(), "redelivered"),
            decided=_counted(numbers.decided for numbers in answers.values()),
            held=_most_first(_counted(numbers.held for numbers in answers.values())),
            budgets=_budgets(shards),
            alarms=_alarms(shards),
            lag=_sum(numbers.lag for numbers in shards.values()),
            outbox=_sum(numbers.outbox for numbers in shards.values()),
            due=_sum(numbers.due for numbers in shards.values()),
            latency=self._quantiles("latency", [numbers.latency for numbers in answers.values()]),
            commits=self._quantiles("commits", [numbers.commits for numbers in answers.values()]),
            bands={band: sum(n.bands.get(band, 0) for n in shards.values()) for band in ALL_BANDS},
            stages=_stages(shards),
            uncounted=tuple(shard for shard, numbers in sorted(shards.items()) if numbers.uncounted),
            quality=learner.quality,
            history=self._quality.points,
            version=learner.version,
            champion=learner.champion,
            pinned=learner.pinned,
            partitions=partitions,
            mode=next((numbers.mode for numbers in answers.values() if numbers.mode), ""),
            shards=tuple(_row(shard, numbers, states.get(shard)) for shard, numbers in sorted(shards.items())),
            workers=tuple(map(_worker, reports)),
            latest=tuple(self._latest),
            fresh=min(len(new), len(self._latest)),
            triggers_trouble=triggers_trouble,
        )

    def _rate(self) -> float | None:
        short, recent = self._counters.rise(0.0), self._counters.rise(RATE_S)
        if short is None or recent is None:
            return None
        self._rates.append(short.by.get(EVENTS, 0.0) / short.seconds)
        return recent.by.get(EVENTS, 0.0) / recent.seconds

    def _quantiles(self, what: str, since_start: Iterable[Mapping[float, float]]) -> Quantiles | None:
        """Of the last minute; since the workers' start when nothing was observed within it."""
        if (rise := self._counters.rise(WINDOW_S)) is not None:
            window: dict[float, float] = {}
            for name, value in rise.by.items():
                if isinstance(name, tuple) and name[0] == what:
                    window[name[1]] = value
            if (recent := quantiles(window, rise.seconds)) is not None:
                return recent
        sums: dict[float, float] = {}
        for buckets in since_start:
            for bound, value in buckets.items():
                sums[bound] = sums.get(bound, 0.0) + value
        return quantiles(sums, None)


def _stages(shards: Mapping[int, ShardNumbers]) -> dict[str, int]:
    """Customers by stage of the loyalty loop; empty where the policy keeps none, or a shard's can't be told."""
    if any(numbers.uncounted for numbers in shards.values()):
        return {}
    found: dict[str, int] = {stage: sum(n.stages.get(stage, 0) for n in shards.values()) for stage in STAGES}
    return found if any(found.values()) else {}


def _counted(told: Iterable[Mapping[str, float]]) -> dict[str, int]:
    """By name, in the workers' order; without what never was."""
    found: dict[str, int] = {}
    for counts in told:
        for what, many in counts.items():
            if many:
                found[what] = found.get(what, 0) + int(many)
    return found


def _most_first(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda one: -one[1]))


def _budgets(shards: Mapping[int, ShardNumbers]) -> tuple[BudgetRow, ...]:
    found: dict[str, Counter[str]] = {}
    for numbers in shards.values():
        for name, units in numbers.budgets.items():
            found.setdefault(name, Counter()).update(units)
    return tuple(
        BudgetRow(name, units["allowed"], units["reserved"], units["unmet"]) for name, units in sorted(found.items())
    )


def _alarms(shards: Mapping[int, ShardNumbers]) -> dict[str, tuple[int, ...]]:
    names = sorted({what for numbers in shards.values() for what in numbers.alarms})
    return {what: tuple(n for n, numbers in sorted(shards.items()) if what in numbers.alarms) for what in names}


def _counters(numbers: Numbers) -> dict[Hashable, float]:
    return {
        EVENTS: float(numbers.events),
        **{("latency", bound): value for bound, value in numbers.latency.items()},
        **{("commits", bound): value for bound, value in numbers.commits.items()},
    }


def _shards(reports: Sequence[Report]) -> tuple[dict[int, ShardNumbers], dict[int, tuple[str, str]]]:
    """Each shard's numbers and state. While a shard changes hands two workers may show it: who is further is right."""
    shards: dict[int, ShardNumbers] = {}
    states: dict[int, tuple[str, str]] = {}
    for report in reports:
        if report.numbers is None:
            continue
        for shard, numbers in report.numbers.shards.items():
            known = shards.get(shard)
            if known is None or (numbers.next_offset or 0) >= (known.next_offset or 0):
                shards[shard] = numbers
                if shard in report.states:
                    states[shard] = report.states[shard]
    return shards, states


def _row(shard: int, numbers: ShardNumbers, health: tuple[str, str] | None) -> ShardRow:
    told = ("parked", numbers.parked) if numbers.parked else (numbers.paused, numbers.paused)
    state, why = health or told
    return ShardRow(
        shard, numbers.lag, numbers.outbox, numbers.due, numbers.time, state or told[0], why or numbers.paused
    )


def _worker(report: Report) -> WorkerRow:
    numbers = report.numbers
    if numbers is None:
        return WorkerRow(report.name, False, why=(report.trouble,))
    shards = tuple(sorted(report.states))
    return WorkerRow(
        report.name, True, report.ready, report.healthy, report.why, shards, numbers.events, numbers.memory
    )


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _total(answers: Iterable[Numbers], what: str) -> int | None:
    known = [numbers.counts[what] for numbers in answers if what in numbers.counts]
    return int(sum(known)) if known else None
