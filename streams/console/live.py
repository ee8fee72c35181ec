"""What is live, as server-sent events: made once for all who watch, and the page of now only for who has it open."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Final

from streams.console.roles import Role
from streams.console.sources import Sources
from streams.errors import EngineError
from streams.monitoring.top.view import View
from streams.text import printable

EVERY_S: Final = 2.0


class Live:
    """Args:
    sources: asked once in `EVERY_S`, by whomever comes first.
    rendered: the live part of the page of now, for a role.
    """

    def __init__(self, sources: Sources, rendered: Callable[[View, Role], str]) -> None:
        self._sources, self._rendered = sources, rendered
        self._lock = asyncio.Lock()
        self._tick = -1
        self._told: dict[Role | None, bytes] = {}
        self._view: View | EngineError | None = None

    async def events(self, page_for: Role | None) -> AsyncIterator[bytes]:
        """One at once, and one at each tick from then on; ticks are the same for all. page_for: with the page of now,
        as this role may see it."""
        while True:
            yield await self._event(page_for)
            await asyncio.sleep(EVERY_S - _now() % EVERY_S)

    async def _event(self, page_for: Role | None) -> bytes:
        async with self._lock:
            tick = int(_now() // EVERY_S)
            if tick != self._tick:
                try:
                    self._view = await self._sources.now()
                except EngineError as error:
                    self._view = error
                self._tick, self._told = tick, {}
            if page_for not in self._told:
                assert self._view is not None
                self._told[page_for] = self._made(self._view, page_for)
            return self._told[page_for]

    def _made(self, view: View | EngineError, page_for: Role | None) -> bytes:
        if isinstance(view, EngineError):
            told = {"state": "away", "words": printable(str(view)), "html": ""}
        else:
            ill = not view.workers or any(not worker.well for worker in view.workers)
            told = {"state": "stale" if ill else "live", "words": _words(view.lag, ill)}
            told["html"] = "" if page_for is None else self._rendered(view, page_for)
        return b"data: " + json.dumps(told).encode() + b"\n\n"


def _words(lag: int | None, ill: bool) -> str:
    if ill:
        return "a worker is not well"
    return "live" if not lag else f"live, {lag:,} records behind"


def _now() -> float:
    return asyncio.get_running_loop().time()
