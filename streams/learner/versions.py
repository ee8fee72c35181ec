"""Model versions for scoring: cached, read from the registry, waited for in lockstep.

Versions of two lineages may stand side by side after a release that learns otherwise (streams/learner/lineage.py).
Where a shard must have a version it names the lineage too; where it takes the newest it takes that of whichever has
come furthest, this release's own before another's.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from msgspec.structs import replace

from models.churn import SnapshotRefused, Version, scorer_of
from models.engine.step import InForce
from models.learning.adoption import VersionName
from models.learning.learner import initial_version
from models.learning.schema import schema_of
from models.settings import EngineSettings
from models.timeline.boundaries import UNTRAINED
from streams.errors import VersionUnreadable
from streams.learner.lineage import FIRST, lineage_to_read
from streams.learner.model_registry import ModelRegistry, Stored, sealed_by
from streams.retry import Backoff, retry_while_unavailable
from streams.store import Store

logger = logging.getLogger(__name__)

FIRST_LOOK_S, LONGEST_LOOK_S, LOOK_GROWTH = 0.005, 0.1, 1.5
"""Between two looks for a version that is waited for: in lockstep it comes within milliseconds."""
KEPT, KEPT_BYTES = 8, 4 << 20
"""Versions in memory, and what they take in sealed form; the newest stays, whatever it takes. Unsealed they take about
four times as much."""
ALARM_EVERY_S = 10.0
REFUSED_PAUSE_S = 2.0

T = TypeVar("T")

Relearn = Callable[[int, int, Callable[[str], None]], Awaitable[Version]]
"""(boundary, the last boundary that was published, who is told of an outage) -> the version, learned again."""

Waits = Callable[[str, str], None]
"""Is told for what somebody waits: (one of streams.monitoring.label_values.PAUSES, the detail)."""


def unheard(reason: str, detail: str) -> None:
    """Default callback: does nothing, as outside a worker."""


class VersionSource(Protocol):
    """What a shard needs of the versions. The methods are told at `Versions`.

    Implemented by Versions, HistoryVersions and LearnedVersions.
    """

    async def named(self, name: VersionName, waits: Waits) -> InForce: ...
    async def at(self, boundary: int, waits: Waits) -> InForce: ...
    async def newest(self, most: int, waits: Waits, beside: str = FIRST) -> InForce | None: ...
    async def stored(self, name: VersionName, copy: bytes | None, waits: Waits) -> InForce | None: ...
    def untrained(self) -> InForce: ...


class Versions:
    """Versions by name, for all shards of a worker."""

    def __init__(self, store: Store, settings: EngineSettings, relearn: Relearn | None = None) -> None:
        """relearn: gives a version that the learner has published and deleted since (streams/learner/relearning.py)."""
        self._store, self._settings, self._relearn = store, settings, relearn
        self._schema = schema_of(settings)
        self._lineage: str | None = None
        self._kept: OrderedDict[VersionName, InForce] = OrderedDict()

    async def named(self, name: VersionName, waits: Waits) -> InForce:
        """A version that some decision already used (or `UNTRAINED`), and no other.

        Waits for one of this release's lineage. Raises VersionUnreadable for one of another lineage that is gone, or
        that this release can't score with: nobody will make it again.
        """
        if name.boundary == UNTRAINED:
            return self.untrained()
        if (kept := self._found(name)) is not None:
            return kept
        own = await self._own(waits)
        if name.lineage == (FIRST if own is None else own):
            return await self.at(name.boundary, waits)
        where = f"model version {name.boundary} of lineage {name.lineage or 'the first'}"
        try:
            found = await self._read(name, waits)
        except SnapshotRefused as error:
            raise VersionUnreadable(f"{where}: {error}") from error
        if found is None:
            raise VersionUnreadable(f"{where}: it is no longer stored, and this release's learner makes another")
        return found

    async def at(self, boundary: int, waits: Waits) -> InForce:
        """This release's version of a boundary, waiting for it as long as it takes: nothing is decided on another one.

        Before the learner's origin it is the untrained model. A version that is corrupted is refused; what is in force
        stays so, and the shard waits, with an alarm, until the learner's state is mended. Where only another lineage
        has published so far, this release's learner is on its way through all examples.
        """
        backoff = Backoff(FIRST_LOOK_S, LONGEST_LOOK_S, LOOK_GROWTH)
        started = alarmed = time.monotonic()
        while True:
            if self._lineage is not None and (kept := self._found(VersionName(boundary, self._lineage))) is not None:
                return kept
            own = await self._own(waits)
            found = await self._look(VersionName(boundary, own or FIRST), waits)
            if found is not None:
                return found
            relearning = " (this release learns all examples anew)" if own else ""
            waits("version", f"of boundary {boundary}{relearning}")  # also after an outage of the store, or a refusal
            now = time.monotonic()
            if now - alarmed > ALARM_EVERY_S:
                alarmed = now
                logger.warning(
                    "model version %d is not there after %.0f s%s: is the learner up?",
                    boundary,
                    now - started,
                    relearning,
                )
            await backoff.pause()

    async def newest(self, most: int, waits: Waits, beside: str = FIRST) -> InForce | None:
        """The newest version up to a boundary that a learner has published; None while there is none of them.

        Does not wait for the learner. One that is refused is as good as none, with an alarm. beside: the lineage that
        is in force, whose versions count too.
        """
        own = await self._own(waits)
        found: list[VersionName] = []
        for lineage in dict.fromkeys((own or FIRST, beside, FIRST)):
            bounds = await self._asked("looking for the newest model version", self._registry(lineage).bounds, waits)
            try:
                last, first = bounds.newest, bounds.origin
            except SnapshotRefused as error:
                logger.error("the newest model version is refused: %s", error)
                continue
            if last is not None and first is not None and min(most, last) >= first:
                found.append(VersionName(min(most, last), lineage))
        for name in sorted(found, key=lambda name: -name.boundary):  # stable: this release's own first
            try:
                if (version := self._found(name) or await self._read(name, waits)) is not None:
                    return version
            except SnapshotRefused as error:
                self._log_refused(name, error)
        return None

    async def stored(self, name: VersionName, copy: bytes | None, waits: Waits) -> InForce | None:
        """The version of a name without waiting for anybody, if this release can score with it.

        copy: the one that the shard keeps beside its state, in sealed form.
        """
        if name.boundary == UNTRAINED:
            return self.untrained()
        if (kept := self._found(name)) is not None:
            return kept
        registry = self._registry(name.lineage)
        if copy is not None:
            try:
                return self._keep(name, self._in_force(registry.unsealed(copy, name.boundary), copy))
            except SnapshotRefused as error:
                logger.warning("the shard's copy of model version %d is refused: %s", name.boundary, error)
        try:
            return await self._read(name, waits)
        except SnapshotRefused as error:
            self._log_refused(name, error)
            return None

    def untrained(self) -> InForce:
        """The model before the learner's first boundary."""
        version = initial_version(self._settings)
        return InForce(version, scorer_of(version, self._settings))

    async def _own(self, waits: Waits) -> str | None:
        """This release's lineage; None while nobody has published a version."""
        if self._lineage is not None:
            return self._lineage
        found, sure = await self._asked(
            "looking for the learner", lambda: lineage_to_read(self._store, self._schema), waits
        )
        self._lineage = found if sure else None
        return found

    def _registry(self, lineage: str) -> ModelRegistry:
        return ModelRegistry(self._store, self._schema, lineage, others=True)

    def _found(self, name: VersionName) -> InForce | None:
        return self._kept.get(name)

    def _keep(self, name: VersionName, found: InForce) -> InForce:
        self._kept[name] = found
        size = sum(len(kept.sealed) for kept in self._kept.values())
        while len(self._kept) > KEPT or (size > KEPT_BYTES and len(self._kept) > 1):
            _, gone = self._kept.popitem(last=False)
            size -= len(gone.sealed)
        return found

    async def _asked(self, what: str, call: Callable[[], Awaitable[T]], waits: Waits) -> T:
        return await retry_while_unavailable(what, call, lambda detail: waits("store", detail))

    async def _read(self, name: VersionName, waits: Waits) -> InForce | None:
        """What is stored under a name. Raises SnapshotRefused."""
        registry = self._registry(name.lineage)
        stored = await self._asked("looking for a model version", lambda: registry.read(name.boundary), waits)
        if stored.version is None:
            return None
        return self._keep(name, self._in_force(stored.version, stored.sealed))

    async def _look(self, name: VersionName, waits: Waits) -> InForce | None:
        """This release's version of a boundary, learned again where it is no longer stored; None: not yet."""
        boundary = name.boundary
        registry = ModelRegistry(self._store, self._schema, name.lineage)
        try:
            stored = await self._asked("looking for a model version", lambda: registry.read(boundary), waits)
            found = await self._made(name, stored, waits)
            return None if found is None else self._keep(name, found)
        except SnapshotRefused as error:
            self._log_refused(name, error)
            waits("version", f"of boundary {boundary}, which is refused: {error}")
            await asyncio.sleep(REFUSED_PAUSE_S)
            return None

    async def _made(self, name: VersionName, stored: Stored, waits: Waits) -> InForce | None:
        boundary = name.boundary
        if stored.version is not None:
            return self._in_force(stored.version, stored.sealed)
        if (origin := stored.origin) is not None and boundary < origin:
            return self.untrained()
        if self._relearn is not None and (newest := stored.newest) is not None and boundary <= newest:
            told = f"of boundary {boundary}, learned again"
            waits("version", told)
            again = await self._relearn(boundary, newest, lambda detail: waits("version", f"{told}: {detail}"))
            sealed = sealed_by(again, self._schema)
            return self._in_force(replace(again, lineage=name.lineage) if name.lineage else again, sealed)
        return None

    def _log_refused(self, name: VersionName, error: SnapshotRefused) -> None:
        logger.error("model version %d is refused: %s", name.boundary, error)

    def _in_force(self, version: Version, sealed: bytes) -> InForce:
        return InForce(version, scorer_of(version, self._settings), sealed)
