"""Model versions for scoring: cached, read from the registry, waited for in lockstep."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Protocol

from models.churn import SnapshotRefused, Version, scorer_of
from models.engine.step import InForce
from models.learning.learner import initial_version
from models.learning.schema import schema_of
from models.settings import EngineSettings
from models.timeline.boundaries import UNTRAINED
from streams.learner.model_registry import ModelRegistry
from streams.retry import Backoff, retry_while_unavailable
from streams.store import Store

logger = logging.getLogger(__name__)

FIRST_LOOK_S, LONGEST_LOOK_S, LOOK_GROWTH = 0.005, 0.1, 1.5
"""Between two looks for a version that is waited for: in lockstep it comes within milliseconds."""
KEPT = 8
ALARM_EVERY_S = 10.0
REFUSED_PAUSE_S = 2.0


Relearn = Callable[[int, int, Callable[[str], None]], Awaitable[Version]]
"""(boundary, the last boundary that was published, who is told of an outage) -> the version, learned again."""

Waits = Callable[[str, str], None]
"""Is told for what somebody waits: (one of streams.monitoring.metrics.PAUSES, the detail)."""


def unheard(reason: str, detail: str) -> None:
    """Default callback: does nothing, as outside a worker."""


class VersionSource(Protocol):
    """What a shard needs of the versions. The methods are told at `Versions`.

    Implemented by Versions and HistoryVersions.
    """

    async def named(self, boundary: int, waits: Waits) -> InForce: ...
    async def at(self, boundary: int, waits: Waits) -> InForce: ...
    async def newest(self, most: int, waits: Waits) -> InForce | None: ...


class Versions:
    """Versions by boundary, for all shards of a worker."""

    def __init__(self, store: Store, settings: EngineSettings, relearn: Relearn | None = None) -> None:
        """relearn: gives a version that the learner has published and deleted since (streams/learner/relearning.py)."""
        self._settings, self._relearn = settings, relearn
        self._registry = ModelRegistry(store, schema_of(settings))
        self._kept: OrderedDict[int, InForce] = OrderedDict()

    async def named(self, boundary: int, waits: Waits) -> InForce:
        """The version of a boundary that some decision already used (or `UNTRAINED`)."""
        return await self.at(boundary, waits) if boundary != UNTRAINED else self._initial()

    async def at(self, boundary: int, waits: Waits) -> InForce:
        """The version of a boundary, waiting for it as long as it takes: nothing is decided on another one.

        Before the learner's origin it is the untrained model. A version that is corrupted or foreign is refused; what
        is in force stays so, and the shard waits, with an alarm, until the learner's state is mended.
        """
        backoff = Backoff(FIRST_LOOK_S, LONGEST_LOOK_S, LOOK_GROWTH)
        started = alarmed = time.monotonic()
        while True:
            if boundary in self._kept:
                return self._kept[boundary]
            found = await self._look(boundary, waits)
            if found is not None:
                self._keep(boundary, found)
                return found
            waits("version", f"of boundary {boundary}")  # also after an outage of the store, or a refusal
            now = time.monotonic()
            if now - alarmed > ALARM_EVERY_S:
                alarmed = now
                logger.warning(
                    "model version %d is not there after %.0f s: is the learner up?", boundary, now - started
                )
            await backoff.pause()

    async def newest(self, most: int, waits: Waits) -> InForce | None:
        """The newest version up to a boundary that the learner has published; None while there is none of them.

        Does not wait for the learner. One that is refused is as good as none, with an alarm.
        """
        if most in self._kept:
            return self._kept[most]
        bounds = await retry_while_unavailable(
            "looking for the newest model version", self._registry.bounds, lambda detail: waits("store", detail)
        )
        try:
            last, first = bounds.newest, bounds.origin
        except SnapshotRefused as error:
            logger.error("the newest model version is refused: %s", error)
            return None
        if last is None or first is None or (newest := min(most, last)) < first:
            return None
        found = self._kept.get(newest) or await self._look(newest, waits)
        if found is not None:
            self._keep(newest, found)
        return found

    def _keep(self, boundary: int, found: InForce) -> None:
        self._kept[boundary] = found
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    async def _look(self, boundary: int, waits: Waits) -> InForce | None:
        try:
            stored = await retry_while_unavailable(
                "looking for a model version",
                lambda: self._registry.read(boundary),
                lambda detail: waits("store", detail),
            )
            if stored.version is not None:
                return self._in_force(stored.version)
            if (origin := stored.origin) is not None and boundary < origin:
                return self._initial()
            if self._relearn is not None and (newest := stored.newest) is not None and boundary <= newest:
                told = f"of boundary {boundary}, learned again"
                waits("version", told)
                again = await self._relearn(boundary, newest, lambda detail: waits("version", f"{told}: {detail}"))
                return self._in_force(again)
            return None
        except SnapshotRefused as error:
            logger.error("model version %d is refused: %s", boundary, error)
            waits("version", f"of boundary {boundary}, which is refused: {error}")
            await asyncio.sleep(REFUSED_PAUSE_S)
            return None

    def _initial(self) -> InForce:
        return self._in_force(initial_version(self._settings))

    def _in_force(self, version: Version) -> InForce:
        return InForce(version, scorer_of(version, self._settings))
