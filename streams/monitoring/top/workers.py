"""HTTP client for workers' metrics, health and readiness; an unreachable worker is reported, not raised."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp

from streams.config import Config, ConfigError
from streams.monitoring.top.exposition import Numbers, numbers
from streams.text import printable

TIMEOUT_S = 2.0
"""For all three answers of a worker together. They are ready in memory: one that needs longer is in trouble."""

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}
"""Addresses that a worker may listen on, and where it is then found on this machine."""


@dataclass(frozen=True, slots=True)
class Report:
    """One look at one worker. ready, healthy: None where it did not say. states: by shard, as /health tells.

    trouble: why it could not be looked at, "" when it could.
    """

    url: str
    numbers: Numbers | None = None
    ready: bool | None = None
    healthy: bool | None = None
    why: tuple[str, ...] = ()
    states: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    trouble: str = ""

    @property
    def name(self) -> str:
        return self.url.partition("://")[2]


def worker_urls(given: Sequence[str], config: Config) -> list[str]:
    """The workers to look at: the given addresses, else the one that the configuration names. Raises ConfigError."""
    if given:
        return list(dict.fromkeys(map(_url, given)))
    if not config.metrics_port:
        raise ConfigError(
            "metrics_port is 0: a worker then takes a free port and logs it at its start; "
            "name workers with --worker HOST:PORT, or set RETENTION_METRICS_PORT to the workers' port"
        )
    host = EVERYWHERE.get(config.metrics_host, config.metrics_host)
    return [f"http://{host}:{config.metrics_port}"]


def _url(given: str) -> str:
    """host:port, or a URL with or without one of the paths, as the URL that the paths are added to."""
    url = given if "://" in given else f"http://{given}"
    parts = urlsplit(url)
    try:
        known = parts.scheme in ("http", "https") and parts.hostname and (parts.port or "://" in given)
    except ValueError:  # a port that is no port
        known = False
    if not known:
        raise ConfigError(f"--worker is {given!r}; give HOST:PORT or a URL such as http://127.0.0.1:9100")
    path = parts.path.rstrip("/")
    for end in ("/metrics", "/health", "/ready"):
        path = path.removesuffix(end)
    return f"{parts.scheme}://{parts.netloc}{path}"


class Workers:
    """Looks at all workers at the same time, however long one of them takes; a context manager.

    It has an event loop of its own, so that Ctrl-C ends a look at once.
    """

    def __init__(self, urls: Iterable[str]) -> None:
        self._urls = list(urls)
        self._runner = asyncio.Runner()
        self._session: aiohttp.ClientSession | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._session is not None:
            self._runner.run(self._session.close())
            self._session = None
        self._runner.close()

    def look(self) -> list[Report]:
        """One report per worker, in the order given; within about `TIMEOUT_S`."""
        return self._runner.run(self._look())

    async def _look(self) -> list[Report]:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))
        session = self._session
        return list(await asyncio.gather(*(_report(session, url) for url in self._urls)))


async def _report(session: aiohttp.ClientSession, url: str) -> Report:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            (status, text), (_, health), (_, ready) = await asyncio.gather(
                *(_get(session, f"{url}/{path}") for path in ("metrics", "health", "ready"))
            )
    except TimeoutError:
        return Report(url, trouble=f"no answer within {TIMEOUT_S:g} s")
    except (aiohttp.ClientError, OSError) as error:
        return Report(url, trouble=_unreachable(error))
    try:
        if status != 200:
            raise ValueError(f"/metrics answers {status}")
        return read(url, text, health, ready)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return Report(url, trouble=f"no worker of a retention engine answers here: {printable(str(error))[:120]}")


async def _get(session: aiohttp.ClientSession, url: str) -> tuple[int, str]:
    async with session.get(url) as answer:
        return answer.status, await answer.text(errors="replace")


def _unreachable(error: Exception) -> str:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, ConnectionRefusedError):
        return "nothing listens there (connection refused)"
    return printable(getattr(cause, "strerror", None) or str(cause) or type(cause).__name__)


def read(url: str, metrics: str, health: str, ready: str) -> Report:
    """A report from the three answers. Raises ValueError, KeyError, TypeError or AttributeError when they are not a
    worker's."""
    answer: dict[str, Any] = json.loads(health)
    readiness: dict[str, Any] = json.loads(ready)
    why = [
        f"shard {s['shard']} stands still for {s['seconds']:,.0f} s: {s['reason']}" for s in answer.get("stalled", ())
    ]
    why += [f"shard {s['shard']} is parked for {s['seconds']:,.0f} s: {s['reason']}" for s in answer.get("parked", ())]
    if learner := answer.get("learner"):
        why.append(f"the learner stands still: {learner}")
    if not readiness["ready"]:
        why.append(f"not ready: {readiness.get('reason') or 'no reason given'}")
    states = {
        int(shard): (printable(state["state"]), printable(state.get("reason", "")))
        for shard, state in answer.get("shards", {}).items()
    }
    return Report(
        url,
        numbers(metrics),
        bool(readiness["ready"]),
        bool(answer["healthy"]),
        tuple(map(printable, why)),
        states,
    )
