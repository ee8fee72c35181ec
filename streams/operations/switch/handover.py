"""Hands the outputs of one application over to another that follows it (steps 1 to 7 of the room's list)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from math import inf
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from models.churn import SnapshotRefused, schema_in, seal, unseal
from models.customer.versions import written
from models.learning.choices import goes_on
from models.learning.learner import LearningState
from models.timeline.shard_state import ShardState
from streams.crash_points import point
from streams.errors import MetaMissing
from streams.kafka.errors import ProducerFenced
from streams.learner.example_reader import offsets_after
from streams.learner.model_registry import BEGUN
from streams.operations.switch.carry_over import carried_over, may_carry, taken_over
from streams.operations.switch.follower import NOT_YET, Follower
from streams.operations.switch.settings import (
    Customers,
    NotFollowing,
    OtherSwitch,
    OutOfStep,
    Switched,
    SwitchSettings,
)
from streams.outbox.entry import Entry, pack, unpack
from streams.retry import ignore, retry_while_unavailable
from streams.shard import switch_plan
from streams.shard.meta import ShardBody, pack_body, unpack_body
from streams.shard.rebuild_plan import NAMESPACE, RebuildPlan, pack_plan, unpack_plan
from streams.shard.stored_policy import record_version
from streams.shard.switch_plan import SwitchPlan, pack_switch, unpack_switch
from streams.store import Store, StoreChanges
from streams.store.checkpoint import Checkpoint
from streams.store.port import LEARNER

T = TypeVar("T")

RECORD = b"c:"
TOGETHER = 500
"""Customers of one shard that are looked at together."""
PUBLISHING_TRIES = 5


def of_actions(sealed: bytes) -> dict[str, Any] | None:
    """What a learner's state, of whatever schema, holds of actions."""
    try:
        found = unseal(sealed, schema_in(sealed) or "", LearningState).choice
    except SnapshotRefused:  # of a release that keeps it otherwise
        return None
    return None if isinstance(found, UnsetType) else found


class Switch:
    """One run; may be repeated however it ended.

    Args:
        settings: of it.
        blue, green: the stores of the two applications.
        told: is told what is being done.
        on_outage: told for what it waits while Redis or Kafka is away.
    """

    def __init__(
        self,
        settings: SwitchSettings,
        blue: Customers,
        green: Store,
        told: Callable[[str], None] = ignore,
        on_outage: Callable[[str], None] = ignore,
    ) -> None:
        self._settings, self._blue, self._green = settings, blue, green
        self._told, self._on_outage = told, on_outage
        self._blue_plan = Checkpoint(blue, switch_plan.NAMESPACE, on_outage=on_outage)
        self._green_plan = Checkpoint(green, NAMESPACE, on_outage=on_outage)
        self._plan: RebuildPlan | None = None

    async def run(self) -> Switched:
        """Raises:
        NotFollowing, OtherSwitch, OutOfStep: it can't be done; nothing was handed over.
        MetaMissing: a shard of blue has no state.
        Fenced: another run has taken this one's place.
        """
        plan = self._plan = await self._following()
        if plan.stage == "begun":
            await self._catch_up_and_cut()
        else:
            await self._claim()
            await self._fence()
        positions = {n: body.state for n, body in (await self._bodies(self._blue)).items()}
        episodes = 0
        if plan.stage != "done":
            await self._green_plan.mint()
            episodes = await self._hand_over(positions)
            point("switch.5.handed_over")
            await self._write_learner(positions)
            point("switch.6.learner")
            await self._green_plan.write(pack_plan(msgspec.structs.replace(self._planned, stage="done")))
        await self._blue_plan.write(pack_switch(SwitchPlan(switch_plan.SCHEMA, self._settings.green, "done")))
        point("switch.7.done")
        return Switched({n: state.next_offset for n, state in positions.items()}, episodes)

    @property
    def _planned(self) -> RebuildPlan:
        if self._plan is None:
            raise NotFollowing("there is no plan")
        return self._plan

    async def _following(self) -> RebuildPlan:
        settings = self._settings
        meta = await self._green_plan.read()
        plan = unpack_plan(meta.body) if meta is not None else None
        if plan is None or plan.follows != settings.blue:
            raise NotFollowing(f"the application {settings.green!r} does not follow {settings.blue!r}")
        return plan

    # -- steps 1 to 3

    async def _catch_up_and_cut(self) -> None:
        settings, follower = self._settings, self._settings.follower()
        await self._green_plan.mint()
        try:
            await follower.open()
            self._told(f"{settings.green} catches up")
            await follower.advance(await self._positions(follower))
            await self._claim()
            point("switch.1.begun")
            self._told(f"{settings.blue} is switched off")
            await self._fence()
            point("switch.2.fenced")
            await follower.advance(await self._positions(follower))
            point("switch.3.caught_up")
        finally:
            await follower.close()
        cut = self._plan = msgspec.structs.replace(self._planned, stage="cut")
        await self._green_plan.write(pack_plan(cut))
        point("switch.4.cut")

    async def _positions(self, follower: Follower) -> dict[int, int]:
        """Where blue stands."""
        found = {n: body.state.next_offset for n, body in (await self._bodies(self._blue)).items()}
        for number, offset in follower.next_offsets.items():
            if offset > found[number]:
                told = f"shard {number} of {self._settings.green!r} stands at offset {offset}"
                raise OutOfStep(f"{told}, that of {self._settings.blue!r} at {found[number]}")
        return found

    async def _claim(self) -> None:
        """Step 1's last part. Raises OtherSwitch."""
        settings = self._settings
        meta = await self._blue_plan.read()
        before = unpack_switch(meta.body) if meta is not None else None
        if before is not None and before.stage != "withdrawn" and before.to != settings.green:
            raise OtherSwitch(f"{settings.blue!r} was switched off for {before.to!r}")
        plan = pack_switch(SwitchPlan(switch_plan.SCHEMA, settings.green))
        if meta is None:
            await self._blue_plan.create(plan)
            return
        await self._blue_plan.mint()
        if before is None or before.stage == "withdrawn":
            await self._blue_plan.write(plan)

    async def _fence(self) -> None:
        """Step 2."""
        for number in range(self._settings.partitions):
            doing = f"taking over shard {number} of {self._settings.blue}"
            await self._retry(doing, partial(self._end_blue, number))
        learner = Checkpoint(self._blue, LEARNER, on_outage=self._on_outage)
        await self._retry("taking over the learner", learner.mint)

    async def _end_blue(self, number: int) -> None:
        """Nobody else writes or publishes for the shard from here on, and all that it decided is public."""
        namespace = str(number)
        checkpoint = Checkpoint(self._blue, namespace, on_outage=self._on_outage)
        meta = await checkpoint.mint()
        if meta is None:
            raise MetaMissing(f"shard {number} of {self._settings.blue!r} has no state")
        sequences = unpack_body(namespace, meta.body).state.sequences

        async def read(first: int) -> Sequence[Entry]:
            return [unpack(value) for value in await self._blue.outbox(namespace, first, TOGETHER)]

        for tries_left in reversed(range(PUBLISHING_TRIES)):
            outgoing = self._settings.outgoing(number)
            try:
                await outgoing.start(read, sequences)
                break
            except ProducerFenced:  # a worker that took it over just before; its next write ends it
                if not tries_left:
                    raise
            finally:
                await outgoing.stop()
        if ahead := outgoing.ahead(sequences):
            await self._blue_plan.write(pack_switch(SwitchPlan(switch_plan.SCHEMA, self._settings.green, "withdrawn")))
            raise OutOfStep(f"shard {number} of {self._settings.blue!r} is behind what it has published: {ahead}")
        if outgoing.trimmable:
            await checkpoint.write(meta.body, StoreChanges(trim=outgoing.trimmable))

    # -- steps 4 and 5

    async def _hand_over(self, blue: Mapping[int, ShardState]) -> int:
        checkpoints: dict[int, Checkpoint] = {}
        bodies: dict[int, ShardBody] = {}
        for number, body in (await self._bodies(self._green)).items():
            if body.creation.quiet_until == NOT_YET:
                checkpoints[number] = Checkpoint(self._green, str(number), on_outage=self._on_outage)
                await checkpoints[number].mint()
                bodies[number] = body
        episodes = 0
        self._told("open episodes and what is out are carried over")
        async for number, customers in self._customers(bodies):
            changed, opened, bodies[number] = await self._carried(number, customers, bodies[number])
            if changed.values:
                await checkpoints[number].write(pack_body(bodies[number]), changed)
                episodes += opened
        covered = await self._learned()
        for number, checkpoint in checkpoints.items():
            await self._end_quiet(number, checkpoint, bodies[number], blue[number], covered[number])
        return episodes

    async def _customers(self, wanted: Mapping[int, object]) -> AsyncIterator[tuple[int, list[bytes]]]:
        """Blue's customers, some of one shard at a time."""
        waiting: dict[int, list[bytes]] = {number: [] for number in wanted}
        async for namespace, name in self._blue.all_names(RECORD):
            if not namespace.isdigit() or int(namespace) not in waiting:
                continue
            some = waiting[int(namespace)]
            some.append(name)
            if len(some) == TOGETHER:
                yield int(namespace), some.copy()
                some.clear()
        for number, some in waiting.items():
            if some:
                yield number, some

    async def _carried(
        self, number: int, names: Sequence[bytes], body: ShardBody
    ) -> tuple[StoreChanges, int, ShardBody]:
        """The records with what blue knows of a dialogue, the open episodes among that, and the body that counts."""
        by_policy = body.state.policy is not UNSET
        found = await self._retry("reading records", lambda: self._blue.load(str(number), names))
        # With a policy what green holds may be what blue has not: then both are read.
        blue = {
            name: one
            for name, one in zip(names, found, strict=True)
            if one is not None and (by_policy or may_carry(one, by_policy))
        }
        green = await self._retry("reading records", lambda: self._green.load(str(number), list(blue)))
        values: list[tuple[bytes, bytes]] = []
        dues: list[tuple[float, bytes]] = []
        bands, episodes = list(body.state.bands), 0
        for (name, theirs), ours in zip(blue.items(), green, strict=True):
            if ours is None or not any(may_carry(one, by_policy) for one in (theirs, ours)):
                continue
            customer = name.removeprefix(RECORD)
            carried = carried_over(customer, theirs, ours, by_policy)
            if carried is not None:
                bands[carried.before] -= 1
                bands[carried.after] += 1
                episodes += carried.episode
                version = record_version(body.state, self._settings.record_version)
                values.append((name, written(carried.record, version)))
                if carried.due != inf:
                    dues.append((carried.due, customer))
        state = msgspec.structs.replace(body.state, bands=tuple(bands))
        return StoreChanges(values, dues=dues), episodes, msgspec.structs.replace(body, state=state)

    async def _learned(self) -> list[int]:
        """By shard, the example up to which green's stored learner has learned."""
        meta = await self._retry("reading the learner", lambda: self._green.read_meta(LEARNER))
        if meta is None:
            raise MetaMissing(f"the learner of {self._settings.green!r} has no state")
        return [shard.sequence for shard in unseal(meta.body, self._settings.examples.schema, LearningState).shards]

    async def _end_quiet(
        self, number: int, checkpoint: Checkpoint, body: ShardBody, blue: ShardState, learned: int
    ) -> None:
        """Step 5, of one shard: one commit."""
        stored = await self._retry("reading the outbox", lambda: self._green.outbox(str(number)))
        base = blue.sequences.get("examples", 0)
        left = [entry for entry in map(unpack, stored) if entry.topic == "examples" and entry.sequence > learned]
        renumbered = [msgspec.structs.replace(entry, sequence=base + n) for n, entry in enumerate(left, start=1)]
        sequences = dict(blue.sequences)
        if renumbered:
            sequences["examples"] = base + len(renumbered)
        state = msgspec.structs.replace(body.state, sequences=sequences, shared=taken_over(blue, body.state))
        creation = msgspec.structs.replace(body.creation, quiet_until=max(state.time, 1))
        now = ShardBody(body.schema, creation, state)
        await checkpoint.write(
            pack_body(now), StoreChanges(outbox=[pack(entry) for entry in renumbered], trim=len(stored))
        )

    # -- step 6

    async def _write_learner(self, blue: Mapping[int, ShardState]) -> None:
        settings, schema = self._settings.examples, self._settings.examples.schema
        checkpoint = Checkpoint(self._green, LEARNER, on_outage=self._on_outage)
        meta = await self._retry("taking over the learner", checkpoint.mint)
        if meta is None:
            raise MetaMissing(f"the learner of {self._settings.green!r} has no state")
        state = unseal(meta.body, schema, LearningState)
        sequences = [blue[number].sequences.get("examples", 0) for number in range(len(state.shards))]
        find = offsets_after
        offsets = await self._retry(
            "finding the examples", lambda: find(settings, sequences, self._settings.new_consumer)
        )
        for progress, sequence, offset in zip(state.shards, sequences, offsets, strict=True):
            progress.sequence, progress.offset = sequence, offset
        theirs = await self._retry("reading the learner", lambda: self._blue.read_meta(LEARNER))
        known = None if theirs is None else of_actions(theirs.body)
        if known is not None:
            if state.boundary is not None and goes_on(known, state.boundary):
                state.choice = known
                self._told("what was learned of the actions is carried over")
            else:
                self._told("what was learned of the actions can't be carried over: it is learned anew")
        body = seal(state, schema)
        await checkpoint.write(body, StoreChanges([(BEGUN, body)]))

    # -- both stores

    async def _bodies(self, store: Store) -> dict[int, ShardBody]:
        found = {}
        for number in range(self._settings.partitions):
            meta = await self._retry("reading a meta", partial(store.read_meta, str(number)))
            if meta is None:
                name = self._settings.blue if store is self._blue else self._settings.green
                raise MetaMissing(f"shard {number} of {name!r} has no state")
            found[number] = unpack_body(str(number), meta.body)
        return found

    async def _retry(self, what: str, call: Callable[[], Awaitable[T]]) -> T:
        return await retry_while_unavailable(what, call, self._on_outage)
