"""Metrics, health and readiness over HTTP.

`/metrics`  Prometheus.
`/health`   200 while the learner, a takeover and every shard that has work can go on, else 503; names which and why.
`/ready`    200 once an assignment has been taken over, 503 before and during a rebalance.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from aiohttp import web

from streams.errors import EngineError
from streams.metrics import Metrics

SHUTDOWN_S = 1.0
"""A scrape that hangs must not hold up the worker's stop."""


class AddressTaken(EngineError):
    """The metrics address can't be listened on."""

    remedy = "free the port, or set RETENTION_METRICS_PORT (0: any free one) and RETENTION_METRICS_HOST"


State = Literal["idle", "working", "waiting"]


@dataclass(slots=True)
class _Shard:
    state: State
    since: float  # of the last progress: a commit, or work that came to an idle shard
    why: str = ""


class Progress:
    """Whether the shards move. Fed by their owner, once per batch; one thread.

    A shard is *idle* (nothing to do), *working* or *waiting* (it has work and says why it can't do it). The last two
    must move within `stall_after_s`. Beside that its outputs may be *unpublished*: commits go on then, and so does
    idleness, so that only a published transaction ends it.
    """

    def __init__(self, stall_after_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.stall_after_s = stall_after_s
        self._clock = clock
        self._shards: dict[int, _Shard] = {}
        self._unpublished: dict[int, tuple[float, str]] = {}  # since when, and why
        self._takeover: dict[int | str, tuple[float, str]] = {}  # by shard, or the learner: since when, and why
        self._learner: tuple[float, str] | None = None  # since when it waits, and why
        self._ready = False
        self.learner_trouble: str | None = None
        """Why the learner of this worker stands still, if it does."""

    @property
    def ready(self) -> bool:
        """An assignment is taken over (it may be empty: more workers than shards)."""
        return self._ready

    def taken_over(self, shards: Collection[int]) -> None:
        """An assignment is complete; shards that stay keep what was known of them."""
        now = self._clock()
        self._shards = {shard: self._shards.get(shard) or _Shard("idle", now) for shard in shards}
        self._unpublished = {shard: told for shard, told in self._unpublished.items() if shard in self._shards}
        self._ready = True

    def revoked(self) -> None:
        """A rebalance has begun: no shard is ours until the next `taken_over`. A publisher's trouble is told once only,
        so that it is kept for the shards that stay."""
        self._shards.clear()
        self._ready = False

    def working(self, shard: int) -> None:
        """A batch was taken in."""
        self._enter(shard, "working", "")

    def moved(self, shard: int) -> None:
        """A commit stands."""
        self._shards[shard] = _Shard("working", self._clock())

    def waiting(self, shard: int, why: str) -> None:
        """There is work, but it can't be done now."""
        self._enter(shard, "waiting", why)

    def idle(self, shard: int) -> None:
        """Nothing to do."""
        self._shards[shard] = _Shard("idle", self._clock())

    def unpublished(self, shard: int, why: str) -> None:
        """The shard's outputs can't be made public; the clock runs from the first time on."""
        since, _ = self._unpublished.get(shard, (self._clock(), ""))
        self._unpublished[shard] = since, why

    def published(self, shard: int) -> None:
        """They can, or are no longer ours to publish."""
        self._unpublished.pop(shard, None)

    def takeover_waits(self, place: int | str, why: str | None) -> None:
        """A takeover of a shard, or the learner's, waits; None: it does no more."""
        if why is None:
            self._takeover.pop(place, None)
        else:
            since, _ = self._takeover.get(place, (self._clock(), ""))
            self._takeover[place] = since, why

    def learner_waits(self, why: str | None) -> None:
        """The learner of this worker waits; None: it does no more."""
        since, _ = self._learner or (self._clock(), "")
        self._learner = None if why is None else (since, why)

    def takeover(self) -> list[dict[str, Any]]:
        """What a takeover waits for, for people."""
        now = self._clock()
        return [
            {"place": str(place), "seconds": round(now - since, 1), "reason": why}
            for place, (since, why) in self._takeover.items()
        ]

    @property
    def learner(self) -> str | None:
        """Why the learner stands still, or what it waits for."""
        return self.learner_trouble or (self._learner[1] if self._learner is not None else None)

    @property
    def healthy(self) -> bool:
        """Nothing has stood still for too long, and the learner has no trouble."""
        waits = [*self._takeover.values(), *([self._learner] if self._learner is not None else [])]
        overdue = any(self._clock() - since > self.stall_after_s for since, _ in waits)
        return not overdue and not self.stalled() and self.learner_trouble is None

    def _enter(self, shard: int, state: State, why: str) -> None:
        known = self._shards.get(shard)
        # Waiting is no progress: the clock goes on from the last movement. Only idle time does not count.
        since = known.since if known is not None and known.state != "idle" else self._clock()
        self._shards[shard] = _Shard(state, since, why)

    def stalled(self) -> dict[int, tuple[float, str]]:
        """Shards that have work and have not moved, or that have not published, for too long: seconds since, and why as
        far as it is known."""
        now = self._clock()
        found = {}
        for shard, known in sorted(self._shards.items()):
            causes = []
            if known.state != "idle":
                causes.append((known.since, known.why or "no commit and no reason given"))
            if shard in self._unpublished:
                causes.append(self._unpublished[shard])
            overdue = [(since, why) for since, why in causes if now - since > self.stall_after_s]
            if overdue:
                found[shard] = now - min(since for since, _ in overdue), "; ".join(why for _, why in overdue)
        return found

    def states(self) -> dict[int, dict[str, Any]]:
        """Every shard's state, for people."""
        now = self._clock()
        return {
            shard: {"state": known.state, "seconds": round(now - known.since, 1)}
            | ({"reason": why} if (why := self._why(shard)) else {})
            for shard, known in sorted(self._shards.items())
        }

    def _why(self, shard: int) -> str:
        _, unpublished = self._unpublished.get(shard, (0.0, ""))
        return "; ".join(why for why in (self._shards[shard].why, unpublished) if why)


class WebServer:
    """The worker's HTTP endpoint, on the worker's own event loop."""

    def __init__(self, metrics: Metrics, progress: Progress) -> None:
        self._metrics, self._progress = metrics, progress
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; the port (the one chosen when `port` is 0). Raises AddressTaken."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/metrics", self._get_metrics),
                web.get("/health", self._get_health),
                web.get("/ready", self._get_ready),
            ]
        )
        # Signals are the worker's own.
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN_S)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            await runner.cleanup()
            raise AddressTaken(f"metrics_host {host!r}, metrics_port {port}: {error.strerror or error}") from error
        self._runner = runner
        return int(runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening; does nothing when not started."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _get_metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=self._metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4"})

    async def _get_health(self, _: web.Request) -> web.Response:
        stalled, takeover, learner = self._progress.stalled(), self._progress.takeover(), self._progress.learner
        body: dict[str, Any] = {
            "healthy": self._progress.healthy,
            "stalled": [
                {"shard": shard, "seconds": round(seconds, 1), "reason": why}
                for shard, (seconds, why) in stalled.items()
            ],
            "shards": self._progress.states(),
        }
        if takeover:
            body["takeover"] = takeover
        if learner is not None:
            body["learner"] = learner
        return _json(body, 200 if body["healthy"] else 503)

    async def _get_ready(self, _: web.Request) -> web.Response:
        ready = self._progress.ready
        body = {"ready": ready, "shards": sorted(self._progress.states())}
        if not ready:
            waits = sorted({told["reason"] for told in self._progress.takeover()})
            body["reason"] = "; ".join(waits) or "no assignment taken over yet, or a rebalance is under way"
        return _json(body, 200 if ready else 503)


def _json(body: dict[str, Any], status: int) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), status=status, content_type="application/json")
