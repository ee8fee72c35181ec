"""HTTP server for metrics, health and readiness.

`/metrics`  Prometheus.
`/health`   200 while the learner, a takeover and every shard that has work can go on, else 503; names which and why.
`/ready`    200 once an assignment has been taken over, 503 before and during a rebalance.
`/valid`    `?customer=...&trigger=...`: 200 with whether the trigger may still be sent, 503 where nobody can say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec
from aiohttp import web

from streams.errors import EngineError
from streams.monitoring.health import Progress
from streams.monitoring.metrics import Metrics
from streams.retry import Unavailable
from streams.routes import PLAIN, Answer, Field, Route, data, serve

SHUTDOWN_S = 1.0
"""A scrape that hangs must not hold up the worker's stop."""


class AddressTaken(EngineError):
    """The metrics address can't be listened on."""

    remedy = "free the port, or set RETENTION_METRICS_PORT (0: any free one) and RETENTION_METRICS_HOST"


Valid = Callable[[str, str], Awaitable[dict[str, Any]]]
"""Answers whether a customer's trigger may be sent; raises EngineError or Unavailable where nobody can say."""
ANSWER_S = 2.0


class WebServer:
    """The worker's HTTP endpoint, on the worker's own event loop. routes: what others answer there."""

    def __init__(self, metrics: Metrics, progress: Progress, routes: Iterable[Route] = ()) -> None:
        self._metrics, self._progress, self._routes = metrics, progress, tuple(routes)
        self.valid: Valid | None = None
        self._runner: web.AppRunner | None = None

    @property
    def table(self) -> tuple[Route, ...]:
        """What is answered here."""
        return (
            Route(
                "GET",
                "/metrics",
                self._get_metrics,
                "Metrics for Prometheus.",
                {200: Answer("in the text format 0.0.4", PLAIN)},
            ),
            Route(
                "GET",
                "/health",
                self._get_health,
                "Whether the learner, a takeover and every shard that has work can go on.",
                {200: data("they can", "Health"), 503: data("what can't is named", "Health")},
            ),
            Route(
                "GET",
                "/ready",
                self._get_ready,
                "Whether an assignment has been taken over.",
                {200: data("it has", "Ready"), 503: data("before, and during a rebalance", "Ready")},
            ),
            Route(
                "GET",
                "/valid",
                self._get_valid,
                "Whether a trigger that is still held may be sent. Any worker answers for any customer.",
                {
                    200: data("the answer; `valid` says it, `reason` why not", "Validity"),
                    400: data("customer or trigger is missing", "Error"),
                    503: data("nobody can say: marketing is not sent, all else is", "Error"),
                },
                query={"customer": Field("the trigger's customer"), "trigger": Field("its id")},
            ),
            *self._routes,
        )

    async def start(self, host: str, port: int) -> int:
        """Listen; the port (the one chosen when `port` is 0). Raises AddressTaken."""
        app = web.Application()
        serve(app, self.table)
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
        if parked := self._progress.parks():
            body["parked"] = parked
        if takeover:
            body["takeover"] = takeover
        if learner is not None:
            body["learner"] = learner
        if self._progress.topic_trouble is not None:
            body["topic"] = self._progress.topic_trouble
        return _json(body, 200 if body["healthy"] else 503)

    async def _get_valid(self, request: web.Request) -> web.Response:
        customer, trigger = request.query.get("customer"), request.query.get("trigger")
        if not customer or not trigger:
            return _json({"error": "give customer and trigger, as in /valid?customer=anna&trigger=4f1d..."}, 400)
        if self.valid is None:
            return _json({"error": "this process answers nobody about triggers"}, 503)
        try:
            async with asyncio.timeout(ANSWER_S):
                return _json(await self.valid(customer, trigger), 200)
        except (EngineError, Unavailable, TimeoutError) as error:
            return _json({"error": str(error) or "the store does not answer"}, 503)

    async def _get_ready(self, _: web.Request) -> web.Response:
        ready = self._progress.ready
        body = {"ready": ready, "shards": sorted(self._progress.states())}
        if not ready:
            waits = sorted({told["reason"] for told in self._progress.takeover()})
            under_way = "; ".join(waits) or "no assignment taken over yet, or a rebalance is under way"
            body["reason"] = self._progress.topic_trouble or under_way
        return _json(body, 200 if ready else 503)


def _json(body: dict[str, Any], status: int) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), status=status, content_type="application/json")
