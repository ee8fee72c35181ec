"""Which model version a shard decides with, and when the next one comes into force (docs/design.md).

In lockstep every boundary brings the version that the rule names, and the shard waits for it. Live the shard never
waits for the learner: it goes on with the newest older version, and takes a late one at the start of a batch. Where the
store went back behind outputs that are public, the versions that were in force then come into force where they did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from models.adoption import Adoption, obeying
from models.calendar import newer, version_for
from models.churn import Scorer
from models.line import ShardState
from models.settings import EngineSettings
from models.step import InForce, VersionAtRecord
from streams.versions import VersionSource


class VersionRule:
    """The rule of one shard. A version that comes into force is handed out once, for the decision that tells of it."""

    def __init__(
        self, engine: EngineSettings, lockstep: bool, versions: VersionSource, waits: Callable[[str], None]
    ) -> None:
        """waits: is told, before a wait for the learner, for what."""
        self._engine, self._lockstep, self._versions, self._waits = engine, lockstep, versions, waits
        self._in_force: InForce | None = None
        self._recorded: Adoption | None = None
        self._public_to: Mapping[str, int] = {}

    @property
    def scorer(self) -> Scorer:
        if self._in_force is None:
            raise RuntimeError("no model version is in force: the shard has not resumed its state")
        return self._in_force.scorer

    def obey(self, said: Iterable[bytes], public_to: Mapping[str, int]) -> None:
        """Live, after the store went back: what the decisions say, until all that is public has been said again.

        public_to: role to the count of its last public output.
        """
        self._recorded, self._public_to = obeying(said), public_to

    async def resume(self, state: ShardState) -> None:
        """The version that the state was left with."""
        self._waits(f"in force, of boundary {state.version}")
        self._in_force = await self._versions.named(state.version)

    def change_after(self, state: ShardState, offset: int) -> int | None:
        """The first record after `offset` before which a version comes into force, if that is known by now."""
        recorded = self._obeyed(state)
        return None if recorded is None else recorded.next_change(offset)

    async def at_boundary(self, state: ShardState, boundary: int) -> InForce | None:
        """The version that comes into force at a boundary; None: the one in force stays."""
        recorded = self._obeyed(state)
        if recorded is not None:
            return await self._named(state, recorded.at_boundary(boundary))
        wanted = version_for(self._engine, boundary)
        if not self._lockstep:
            return await self._newer(state, wanted)
        self._waits(f"of boundary {wanted}")
        self._in_force = await self._versions.at(wanted)
        return self._in_force

    async def at_record(self, state: ShardState, asked: VersionAtRecord) -> InForce | None:
        """The version that comes into force just before a record: live, at a batch's start, the one of the last
        boundary, if it was late then and is there now."""
        recorded = self._obeyed(state)
        if recorded is not None:
            return await self._named(state, recorded.at_record(asked.offset, asked.boundary))
        wanted = version_for(self._engine, asked.boundary)
        if self._lockstep or not asked.begins_batch or not newer(wanted, state.version):
            return None
        return await self._newer(state, wanted)

    def _obeyed(self, state: ShardState) -> Adoption | None:
        if self._recorded is not None and all(state.counts.get(role, 0) >= n for role, n in self._public_to.items()):
            self._recorded = None
        return self._recorded

    async def _named(self, state: ShardState, boundary: int | None) -> InForce | None:
        """A version that was in force once, if it is newer than the one in force; waits for it."""
        if not newer(boundary, state.version):
            return None
        self._waits(f"of boundary {boundary}, as recorded")
        found = self._in_force = await self._versions.at(boundary)
        return found if newer(found.version.boundary, state.version) else None

    async def _newer(self, state: ShardState, most: int) -> InForce | None:
        """The newest version up to a boundary that the learner has cut, if it is newer than the one in force."""
        found = await self._versions.newest(most)
        if found is None or not newer(found.version.boundary, state.version):
            return None
        self._in_force = found
        return found
