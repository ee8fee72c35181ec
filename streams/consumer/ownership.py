"""Partition ownership: takeover after a rebalance, revocation, and a watchdog.

*Taking over*, in the seek that follows a completed assignment and nowhere else:

 1. read the meta of every partition                                        (`PartitionOwner.peek`)
 2. commit their next offsets to Kafka: the coordinator thereby checks that generation and member are still ours
 3. mint the tokens: from here on the former owner can write nothing        (`PartitionOwner.mint`)
 4. check log start <= next offset <= log end, topic id, partition count    (`PartitionOwner.check`)
 5. to 8. start the publisher, read tails and outbox, publish what is missing, trim (`PartitionOwner.recover`)
 9. start the main loops; seek and free all partitions in one step in the consumer thread

After each await it is checked that no rebalance has begun: a worker stopped inside its takeover wakes up, is refused
and mints nothing. Each step may be repeated as it is when Redis or Kafka does not answer.

*Ending* starts in the consumer thread, the earliest point at which a revocation is known: the map of free partitions
is cleared there and `end` is called on the main loop, which cancels every wait of every owner. Faust goes on only when
`ended` returns: the writes in flight have their outcome and the publishers are stopped.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from faust.types import TP

from streams.consumer.protocols import ConsumerGroup, PartitionOwner
from streams.crash_points import point
from streams.errors import EngineError, Fenced, Stalled, TakeoverFailed
from streams.kafka.errors import ProducerFenced
from streams.kafka.partition_facts import LogFacts
from streams.retry import retry_while_unavailable

__all__ = ["ConsumerGroup", "Ownership", "PartitionOwner"]

logger = logging.getLogger(__name__)

END_RETRIES, END_PAUSE_S = 5, 0.5  # a new leader's high watermark may lag for a moment: that is no truncated log
END_S = 15.0  # above the time-outs of a store call: a write in flight is waited for
WATCHES = 10  # observations that must all be bad: a process that was merely stopped (SIGSTOP) gets one bad one


class Ownership:
    """The owners of this process. `factory(tp, generation)` makes one for a partition that was assigned.

    waits(owned, detail): is told what a takeover waits for, and None when it waits no more.
    """

    def __init__(
        self,
        factory: Callable[[TP, int], PartitionOwner],
        *,
        stall_s: float = 30.0,
        waits: Callable[[PartitionOwner, str | None], None] = lambda owner, detail: None,
    ) -> None:
        self._factory, self._waits = factory, waits
        self._stall_s = stall_s
        self._group: ConsumerGroup | None = None
        self._tasks: dict[TP, asyncio.Task[None]] = {}
        self._taking: asyncio.Task[None] | None = None
        self._ends: set[asyncio.Task[None]] = set()
        self.current: dict[TP, PartitionOwner] = {}
        self.complete = False
        """True from the end of a takeover to the next revocation; of nothing, too, when there are more workers."""
        self.left: dict[TP, int] = {}
        """The next offsets that the ended ownerships left, until they are committed to Kafka."""

    def bind(self, group: ConsumerGroup) -> None:
        """Called by the consumer when Faust creates it."""
        self._group = group

    @property
    def group(self) -> ConsumerGroup:
        if self._group is None:
            raise EngineError("ownership has no consumer yet: it is bound when the Faust app creates its consumer")
        return self._group

    # -- records

    def deliver(self, owner: PartitionOwner, records: list[Any]) -> bool:
        """Hand a batch over if its owner is current. Dropped otherwise: a takeover seeks to the next offset."""
        if self.current.get(owner.tp) is not owner:
            return False
        owner.hand_over(records)
        return True

    def release(self, owner: PartitionOwner) -> None:
        """The owner wants its next batch. Ignored if the ownership has ended."""
        if self.current.get(owner.tp) is owner:
            self.group.free(owner)

    def next_offsets(self) -> dict[TP, int]:
        """What Kafka's committed offsets should be."""
        return {tp: owner.next_offset for tp, owner in self.current.items() if owner.reads}

    # -- the end of an ownership

    def end(self) -> None:
        """End every wait of every owner, and a takeover under way. Main loop; returns at once."""
        if self._taking is not None and not self._taking.done():
            self._taking.cancel()
        self._end_current()

    def _end_current(self) -> None:
        self.complete = False
        owners, self.current = self.current, {}
        tasks, self._tasks = self._tasks, {}
        for tp, owner in owners.items():
            tasks[tp].cancel()
            finish = asyncio.ensure_future(self._finish(owner, tasks[tp]))
            self._ends.add(finish)
            finish.add_done_callback(self._ends.discard)

    async def ended(self) -> None:
        """`end`, and wait until every write in flight has its outcome and every publisher is stopped."""
        self.end()
        waiting: set[asyncio.Task[None]] = set(self._ends)
        if self._taking is not None and not self._taking.done():
            waiting.add(self._taking)
        if waiting:
            await asyncio.wait(waiting)

    async def _finish(self, owner: PartitionOwner, task: asyncio.Task[None]) -> None:
        _, still = await asyncio.wait([task], timeout=END_S)
        if still:
            self.group.end_process(Stalled(f"{owner.tp.topic} {owner.tp.partition} did not end within {END_S:g} s"))
            await asyncio.wait([task])
        if owner.reads:
            self.left[owner.tp] = owner.next_offset
        await self._close(owner)

    async def _close(self, owner: PartitionOwner) -> None:
        try:
            await owner.ended()
        except Exception:  # the next owner fences it anyway; the others must still be stopped
            logger.exception("%s %d: stopping failed", *owner.tp)

    # -- takeover

    async def take_over(self) -> None:
        """Take over what is assigned. Returns when done, or when a rebalance has begun meanwhile.

        Cancelling this call cancels the takeover.
        """
        await self.ended()
        taking = self._taking = asyncio.ensure_future(self._take_over())
        try:
            await asyncio.shield(taking)
        except asyncio.CancelledError:
            if taking.cancelled():
                return  # revoked under us: the next assignment brings the next takeover
            taking.cancel()
            raise

    async def _take_over(self) -> None:
        generation = self.group.generation
        owners = {tp: self._factory(tp, generation) for tp in sorted(self.group.assigned())}
        started = False
        try:
            await self._prepare(owners, generation)
            started = True
            await self._begin(owners, generation)
        except asyncio.CancelledError:
            if self.current is owners:
                self._end_current()  # main loops had started, but nothing was freed
            raise
        except Exception as error:
            named = _named(error)
            if named is None:
                logger.exception("takeover failed")
                named = TakeoverFailed(f"takeover of {_names(owners)} raised {error!r}")
            self.group.end_process(named)
        finally:
            for owner in owners.values():
                self._waits(owner, None)
            if not started:  # half-built: close what was opened
                await asyncio.gather(*(self._close(owner) for owner in owners.values()))

    async def _prepare(self, owners: dict[TP, PartitionOwner], generation: int) -> None:
        def all_wait(detail: str) -> None:
            for owner in owners.values():
                self._waits(owner, detail)

        async def each(step: str, do: Callable[[PartitionOwner], Awaitable[Any]]) -> list[Any]:
            def one(owner: PartitionOwner) -> Awaitable[Any]:
                what = f"{step} of {owner.tp.topic} {owner.tp.partition}"
                return retry_while_unavailable(what, lambda: do(owner), lambda names: self._waits(owner, names))

            done = await asyncio.gather(*(one(owner) for owner in owners.values()))
            self._still(generation)
            return done

        known = await each("reading the meta", lambda owner: owner.peek())
        point("takeover.1.meta_read")
        # A learner's partition has no offset of its own; committing its 0 still asks the coordinator.
        next_offsets = {
            o.tp: o.next_offset for o, there in zip(owners.values(), known, strict=True) if there or not o.reads
        }
        if next_offsets and not await retry_while_unavailable(
            "committing the next offsets", lambda: self.group.confirm(next_offsets), all_wait
        ):
            logger.info("the coordinator refused generation %d: waiting for the next assignment", generation)
            raise asyncio.CancelledError
        self._still(generation)
        point("takeover.2.offsets_committed")
        await each("minting", lambda owner: owner.mint())
        point("takeover.3.minted")
        facts = await self._facts(owners, generation, all_wait)
        await each("checking the log", lambda owner: owner.check(facts[owner.tp]))
        point("takeover.4.checked")
        await each("recovering", lambda owner: owner.recover())

    async def _begin(self, owners: dict[TP, PartitionOwner], generation: int) -> None:
        point("takeover.9.before_seek")
        self.current = owners
        self.left = {tp: next_offset for tp, next_offset in self.left.items() if tp not in owners}
        self._tasks = {tp: asyncio.ensure_future(self._run(owner)) for tp, owner in owners.items()}
        if not await self.group.begin(list(owners.values()), generation):
            raise asyncio.CancelledError
        self.complete = True
        point("takeover.10.after_seek")
        next_offsets = {tp.partition: owner.next_offset for tp, owner in owners.items() if owner.reads}
        logger.info("took over %s; next offsets %s", _names(owners), next_offsets)

    def _still(self, generation: int) -> None:
        if generation != self.group.generation:
            raise asyncio.CancelledError

    async def _facts(
        self, owners: Mapping[TP, PartitionOwner], generation: int, wait: Callable[[str], None]
    ) -> dict[TP, LogFacts]:
        for tries_left in reversed(range(END_RETRIES)):
            facts: dict[TP, LogFacts] = await retry_while_unavailable(
                "asking for the log's bounds", lambda: self.group.log_facts(owners), wait
            )
            self._still(generation)
            if not tries_left or all(owner.next_offset <= facts[tp].end for tp, owner in owners.items() if owner.reads):
                break
            await asyncio.sleep(END_PAUSE_S)
            self._still(generation)
        return facts

    async def _run(self, owner: PartitionOwner) -> None:
        try:
            await owner.run()
        except Exception as error:  # never restarted over a failed batch: it would skip or repeat it
            named = _named(error)
            if named is None:
                logger.exception("%s %d: main loop failed", *owner.tp)
                named = EngineError(f"main loop of {owner.tp.topic} {owner.tp.partition} raised {error!r}")
            self.group.end_process(named)
        else:
            self.group.end_process(EngineError(f"main loop of {owner.tp.topic} {owner.tp.partition} returned"))

    # -- watchdog

    async def watch(self) -> None:
        """End the process when an owner neither waits for records nor works, or when partitions are assigned and not
        taken over, with no takeover under way: nothing else would show it."""
        bad: dict[int, int] = {}
        polls, lying = -1, 0
        while True:
            await asyncio.sleep(self._stall_s / WATCHES)
            lying = lying + 1 if self._assigned_in_vain() else 0
            if lying >= WATCHES:
                names = ", ".join(f"{tp.topic} {tp.partition}" for tp in sorted(self.group.assigned()))
                self.group.end_process(Stalled(f"{names} assigned for {self._stall_s:g} s, and not taken over"))
                return
            polled, polls = self.group.polls != polls, self.group.polls
            seen: dict[int, int] = {}
            for owner in self.current.values():
                if not owner.reads or owner.busy or (polled and self.group.is_free(owner)):
                    continue
                seen[id(owner)] = bad.get(id(owner), 0) + 1
                if seen[id(owner)] >= WATCHES:
                    why = "free, but nothing polls" if self.group.is_free(owner) else "neither free nor busy"
                    self.group.end_process(
                        Stalled(f"{owner.tp.topic} {owner.tp.partition} is {why} for {self._stall_s:g} s")
                    )
                    return
            bad = seen

    def _assigned_in_vain(self) -> bool:
        taking = self._taking is not None and not self._taking.done()
        return not self.complete and not taking and bool(self.group.assigned())


def _named(error: Exception) -> EngineError | None:
    if isinstance(error, EngineError):
        return error
    return Fenced(str(error)) if isinstance(error, ProducerFenced) else None


def _names(owners: Mapping[TP, PartitionOwner]) -> str:
    return ", ".join(f"{tp.topic} {tp.partition}" for tp in owners) or "nothing"
