"""One measured run of ours, of the floor or of the peer, in the same terms."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from benchmarks.baselines import Ran, run_floor, run_peer
from benchmarks.paused import Paused
from benchmarks.proc import Sampler
from benchmarks.servers import APP, Servers, Worker
from benchmarks.watch import Behind, Progress, Watch
from benchmarks.world import World, settle
from streams.config import load

RUN_S = 1_800.0


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """events: in `seconds` from `began` (time.time()), the first, to the last. cpu_us: CPU per event, by process.

    rss: resident bytes of the worker at eleven moments of the run. paused: share of the shards' time by reason.
    totals: what the engine counted meanwhile. published_s: from the last commit until everything was public.
    """

    what: str
    events: int
    began: float
    seconds: float
    cpu_us: dict[str, float]
    rss: list[int] = []
    paused: dict[str, float] = {}
    totals: dict[str, int] = {}
    published_s: float = 0.0

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds

    def told(self) -> str:
        cpu = ", ".join(f"{name} {us:.1f}" for name, us in self.cpu_us.items())
        return f"{self.what:<12} {self.rate:>10,.0f} events/s  ({self.events:,} in {self.seconds:.1f} s; µs CPU: {cpu})"


TOTALS = ("applied", "duplicate", "late", "due", "scored", "episodes", "triggers")


def ours(
    servers: Servers,
    world: World,
    *,
    workers: int = 1,
    own: Mapping[str, Any] | None = None,
    ends: list[int] | None = None,
    count: Callable[[Progress], int] = lambda progress: progress.touchpoints,
    program: Sequence[str] = (),
    what: str = "engine",
) -> Run:
    """Workers catch up with the backlog, up to `ends`.

    count: what an event is, by default a touchpoint. program: runs in `retention worker`'s place.
    """
    facts = world.facts
    settings = servers.settings({**world.workload.settings(), **(own or {})})
    names = [f"worker{n + 1}" if workers > 1 else "worker" for n in range(workers)]
    started = [Worker(servers.directory, settings, name=name, program=program) for name in names]
    watch = Watch(servers.redis_url, APP, ends or facts.ends)
    pids = servers.pids() | {name: _pid(worker) for name, worker in zip(names, started, strict=True)}
    with Sampler(pids) as sampler, contextlib.ExitStack() as running:
        watch.start()
        start_together(started, running)
        with Paused(started[0].metrics_url, world.workload.partitions) as paused:
            try:
                watch.wait(RUN_S, lambda: all(worker.running for worker in started))
            except Behind as error:
                raise Behind(f"{error}\n{started[0].log_tail()}") from error
        settle(servers, world.workload.partitions)
        published = time.time()
    return _measured(what, watch.progress(), count, sampler, names, paused, published)


def _pid(worker: Worker) -> Callable[[], int]:
    return lambda: worker.pid


def start_together(workers: list[Worker], running: contextlib.ExitStack) -> None:
    """Start all at once, so that the group has all of them when it first shares the partitions."""
    with ThreadPoolExecutor(len(workers)) as pool:
        for worker in pool.map(Worker.__enter__, workers):
            running.push(worker)


def _measured(
    what: str,
    progress: Progress,
    count: Callable[[Progress], int],
    sampler: Sampler,
    names: list[str],
    paused: Paused,
    published: float,
) -> Run:
    began, ended, events = progress.first.at, progress.last.at, count(progress)
    if not events:
        raise Behind("nothing to count lay between the first commit and the last: give the worker more to do")
    cpu = {name: sampler.cpu_s(name, began, ended) / events * 1e6 for name in (*names, "redis", "broker")}
    return Run(
        what=what,
        events=events,
        began=began,
        seconds=progress.seconds,
        cpu_us=cpu,
        rss=sampler.rss(names[0], began, ended),
        paused=paused.shares(),
        totals={name: progress.total(name) for name in TOTALS},
        published_s=max(0.0, published - ended),
    )


def floor(servers: Servers, world: World, batch_records: int | None = None) -> Run:
    """The floor over the same day."""
    records = batch_records or load().batch_records
    with Sampler(servers.pids()) as sampler:
        ran = run_floor(servers, world, records)
        time.sleep(0.2)  # a last look at the CPU after its end
    return of_itself("floor", ran, sampler)


def peer(servers: Servers, world: World, events: int) -> Run:
    """The peer over the first events of the same day."""
    with Sampler(servers.pids()) as sampler:
        ran = run_peer(servers, world, events)
        time.sleep(0.2)
    return of_itself("peer", ran, sampler)


def of_itself(what: str, ran: Ran, sampler: Sampler) -> Run:
    """A run of a program that says itself when it began and ended."""
    cpu = {"worker": ran.cpu_s / ran.events * 1e6}
    cpu |= {name: sampler.cpu_s(name, ran.began, ran.ended) / ran.events * 1e6 for name in ("redis", "broker")}
    return Run(
        what=what,
        events=ran.events,
        began=ran.began,
        seconds=ran.ended - ran.began,
        cpu_us=cpu,
        totals={"triggers": ran.triggers} if ran.triggers else {},
    )
