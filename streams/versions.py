"""Model versions as the scorers find them: cut by the learner, kept in the store, waited for in lockstep."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

from models.churn import UNTRAINED, Scorer, SnapshotRefused, Version, schema_of, scorer_of, unseal
from models.learning import initial_version
from models.settings import EngineSettings
from streams.checkpoint import patiently
from streams.store import Store

logger = logging.getLogger(__name__)

LEARNER = "learner"
ORIGIN, CUT = b"origin", b"cut"
"""Where the learner keeps its first boundary and its last."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.005, 0.1
KEPT = 8
ALARM_EVERY_S = 10.0
REFUSED_PAUSE_S = 2.0


def name_of(boundary: int) -> bytes:
    """The name under which a version is stored."""
    return b"v:%d" % boundary


Relearn = Callable[[int, int, Callable[[str], None]], Awaitable[Version]]
"""(boundary, the last boundary that was cut, who is told of an outage) -> the version, learned again."""

Waits = Callable[[str, str], None]
"""Is told for what somebody waits: (one of streams.metrics.PAUSES, the detail)."""


def unheard(reason: str, detail: str) -> None:
    """Nobody wants to know, as outside a worker."""


class InForce(NamedTuple):
    """A version and its scorer."""

    version: Version
    scorer: Scorer


class VersionSource(Protocol):
    """What a shard needs of the versions. The methods are told at `Versions`.

    Implemented by Versions and HistoryVersions.
    """

    async def named(self, boundary: int, waits: Waits) -> InForce: ...
    async def at(self, boundary: int, waits: Waits) -> InForce: ...
    async def newest(self, most: int, waits: Waits) -> InForce | None: ...


def lasting(settings: EngineSettings) -> int:
    """How much older (ms) than the newest version one must be that no shard asks for any more: a shard whose watermark
    is b may still ask for the version of the last boundary <= b - D."""
    return (-(-settings.version_delay // settings.boundary) + 2) * settings.boundary


class Versions:
    """Versions by boundary, for all shards of a worker."""

    def __init__(self, store: Store, settings: EngineSettings, relearn: Relearn | None = None) -> None:
        """relearn: gives a version that the learner has cut and let go since (streams/relearning.py)."""
        self._store, self._settings, self._relearn = store, settings, relearn
        self._schema = schema_of(settings)
        self._kept: OrderedDict[int, InForce] = OrderedDict()

    async def named(self, boundary: int, waits: Waits) -> InForce:
        """The version of a boundary that some decision already used (or `UNTRAINED`)."""
        return await self.at(boundary, waits) if boundary != UNTRAINED else self._initial()

    async def at(self, boundary: int, waits: Waits) -> InForce:
        """The version of a boundary, waiting for it as long as it takes: nothing is decided on another one.

        Before the learner's origin it is the untrained model. A version that is corrupted or foreign is refused; what
        is in force stays so, and the shard waits, with an alarm, until the learner's state is mended.
        """
        pause, started, alarmed = FIRST_PAUSE_S, time.monotonic(), time.monotonic()
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
            await asyncio.sleep(pause)
            pause = min(1.5 * pause, LONGEST_PAUSE_S)

    async def newest(self, most: int, waits: Waits) -> InForce | None:
        """The newest version up to a boundary that the learner has cut; None while it has cut none of them.

        Does not wait for the learner. One that is refused is as good as none, with an alarm.
        """
        if most in self._kept:
            return self._kept[most]
        origin, cut = await patiently(
            "looking for the newest model version",
            lambda: self._store.load(LEARNER, [ORIGIN, CUT]),
            lambda detail: waits("store", detail),
        )
        if origin is None or cut is None:
            return None
        try:
            newest, first = min(most, number_of(cut, CUT)), number_of(origin, ORIGIN)
        except SnapshotRefused as error:
            logger.error("the newest model version is refused: %s", error)
            return None
        if newest < first:
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
        value, origin, cut = await patiently(
            "looking for a model version",
            lambda: self._store.load(LEARNER, [name_of(boundary), ORIGIN, CUT]),
            lambda detail: waits("store", detail),
        )
        try:
            if value is not None:
                return self._in_force(_checked(unseal(value, self._schema, Version), boundary))
            if origin is not None and boundary < number_of(origin, ORIGIN):
                return self._initial()
            if self._relearn is not None and cut is not None and boundary <= number_of(cut, CUT):
                told = f"of boundary {boundary}, learned again"
                waits("version", told)
                again = await self._relearn(
                    boundary, number_of(cut, CUT), lambda detail: waits("version", f"{told}: {detail}")
                )
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


def _checked(version: Version, boundary: int) -> Version:
    if version.boundary != boundary:
        raise SnapshotRefused(f"what is stored under {name_of(boundary)!r} is the version of {version.boundary}")
    return version


def number_of(value: bytes, name: bytes) -> int:
    """The time (ms) that the learner keeps under `name`. Raises SnapshotRefused."""
    try:
        return int(value)
    except ValueError as error:
        raise SnapshotRefused(f"the learner's {name.decode()} is {value!r}, not a time in ms") from error
