"""Chooses the model version that a shard scores with, and when the next one becomes active.

In lockstep every boundary brings the version that the rule names, and the shard waits for it. Live the shard never
waits for the learner: it goes on with the newest older version, and takes a late one at the start of a batch. Where the
version that its state names can't be had or can't be scored with any more, the newest that can comes into force with
the next piece. Where the store went back behind outputs that are public, the versions that were in force then come
into force where they did, and are waited for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from models.churn import Scorer, Version, lineage_name
from models.engine.step import InForce, VersionAtRecord
from models.learning.adoption import Adoption, Timer, VersionName, in_force_in, obeying, timer_of_change
from models.settings import EngineSettings
from models.timeline.boundaries import version_for
from models.timeline.order import newer
from models.timeline.shard_state import ShardState
from streams.learner.versions import VersionSource, Waits


class VersionRule:
    """The rule of one shard. A version that comes into force is handed out once, for the decision that tells of it."""

    def __init__(self, engine: EngineSettings, lockstep: bool, versions: VersionSource, waits: Waits) -> None:
        """waits: is told for what the shard waits: for the learner before it does, for the store when it is away."""
        self._engine, self._lockstep, self._versions, self._waits = engine, lockstep, versions, waits
        self._in_force: InForce | None = None
        self._instead: tuple[VersionName, InForce] | None = None  # of which, and what comes into force for it
        self._recorded: Adoption | None = None
        self._public_to: Mapping[str, int] = {}

    @property
    def scorer(self) -> Scorer:
        if self._in_force is None:
            raise RuntimeError("no model version is in force: the shard has not resumed its state")
        return self._in_force.scorer

    def obey(self, decisions: Iterable[bytes], public_to: Mapping[str, int]) -> None:
        """Live, after the store went back: what the decisions say, until all that is public has been said again.

        public_to: role to the sequence number of its last published output.
        """
        self._recorded, self._public_to = obeying(decisions), public_to

    async def resume(self, state: ShardState, copy: bytes | None = None) -> None:
        """The version that the state was left with; live, where it can't be had, another in its place.

        copy: the one that is kept beside the state. Raises VersionUnreadable where no other would do.
        """
        name = in_force_in(state)
        self._waits("version", f"in force, of boundary {state.version}")
        self._in_force = await self._versions.stored(name, copy, self._waits)
        if self._in_force is not None:
            return
        if self._lockstep or self._obeyed(state) is not None:
            self._in_force = await self._versions.named(name, self._waits)
            return
        most = version_for(self._engine, state.boundary)
        newest = await self._versions.newest(most, self._waits, name.lineage)
        self._in_force = newest or self._versions.untrained()
        self._instead = name, self._in_force

    def instead(self, state: ShardState) -> Version | None:
        """The version that comes into force with the next piece, in place of one that is gone."""
        if self._instead is not None and in_force_in(state) != self._instead[0]:
            self._instead = None  # that is committed
        return None if self._instead is None else self._instead[1].version

    def copy(self, version: Version | None) -> bytes | None:
        """What is kept beside the state of a version that comes into force; None: nothing new."""
        found = self._in_force
        return found.sealed if version is not None and found is not None and found.version is version else None

    def change_after(self, state: ShardState, offset: int) -> int | None:
        """The first record after `offset` before which a version comes into force, if that is known by now."""
        recorded = self._obeyed(state)
        return None if recorded is None else recorded.next_change(offset)

    def change_between(self, state: ShardState, offset: int) -> Timer | None:
        """The first timer before the record at `offset` before which a version comes into force, if one is known."""
        recorded = self._obeyed(state)
        return None if recorded is None else timer_of_change(recorded, state, offset)

    async def at_boundary(self, state: ShardState, boundary: int) -> InForce | None:
        """The version that comes into force at a boundary; None: the one in force stays."""
        recorded = self._obeyed(state)
        if recorded is not None:
            return await self._named(state, recorded.at_boundary(boundary))
        wanted = version_for(self._engine, boundary)
        if not self._lockstep:
            return await self._newer(state, wanted)
        self._waits("version", f"of boundary {wanted}")
        self._in_force = await self._versions.at(wanted, self._waits)
        return self._in_force

    async def at_record(self, state: ShardState, asked: VersionAtRecord) -> InForce | None:
        """The version that comes into force just before a record: live, at a batch's start, the one of the last
        boundary, if it was late then and is there now."""
        recorded = self._obeyed(state)
        if recorded is not None:
            return await self._named(state, recorded.at_record(asked.offset, asked.boundary, asked.timer))
        wanted = version_for(self._engine, asked.boundary)
        begins = asked.begins_batch and asked.timer is None
        if self._lockstep or not begins or not newer(wanted, self._newest_yet(state)):
            return None
        return await self._newer(state, wanted)

    def _obeyed(self, state: ShardState) -> Adoption | None:
        if self._recorded is not None and all(state.sequences.get(role, 0) >= n for role, n in self._public_to.items()):
            self._recorded = None
        return self._recorded

    async def _named(self, state: ShardState, name: VersionName | None) -> InForce | None:
        """A version that was in force once, if it is another than the one in force; waits for it."""
        if name is None or name == in_force_in(state):
            return None
        self._waits("version", f"of boundary {name.boundary}, as recorded")
        self._in_force = await self._versions.named(name, self._waits)
        return self._in_force

    async def _newer(self, state: ShardState, most: int) -> InForce | None:
        """The newest version up to a boundary that a learner has published, if it is newer than the one in force."""
        found = await self._versions.newest(most, self._waits, lineage_name(state.lineage))
        if found is None or not newer(found.version.boundary, self._newest_yet(state)):
            return None
        self._in_force = found
        return found

    def _newest_yet(self, state: ShardState) -> int:
        instead = self.instead(state)
        return state.version if instead is None else instead.boundary
