"""Partition ownership: who owns which partition of an assignment, its end, and a watchdog.

After a completed assignment each partition gets a keeper (streams/consumer/keeper.py), which takes it over
(streams/consumer/takeover.py, steps 1 to 8) and lets its owner begin:

 9. start the main loop
 10. seek and free the partition in one step in the consumer thread

A partition begins when *it* is ready. One that waits (it has no leader, its master of a Redis Cluster is down) or is
parked over an error is owned and unread, and holds up nobody: for Faust the rebalance is over when keepers are made.

*Ending* starts in the consumer thread, the earliest point at which a revocation is known: the map of free partitions
is cleared and the generation counted there, and `end` is called on the main loop, which cancels every keeper. Faust
goes on, and so the group, only when `ended` returns: the writes in flight have their outcome and the publishers are
stopped. A revocation, or a stop of the process, may fall

 - into a step: the keeper is cancelled, or finds another generation after the step; the half-built owner is closed;
 - before step 2, unnoticed (SIGSTOP): the coordinator refuses the next offset, and nothing is minted;
 - between 2 and 3, unnoticed: the token seen in step 1 is no longer the stored one, and nothing is minted;
 - behind 3, unnoticed: the next owner has minted, and every write is refused;
 - between 8 and 10: seeking and freeing is one callback of the thread that counts generations, before it or not at all;
 - while an owner works: nobody is handed a batch from `end` on, and `ended` waits for the write in flight;
 - while one that failed is being closed: `ended` waits for that too, a second cancellation does not cut it short;
 - while it is parked: there is no owner, hence no write and no publisher; the wait for the next try ends.

A parked partition is taken over anew in the same assignment, so two owners of one generation may follow each other.
The former has ended, with the outcome of its write and its publisher stopped, before the next is made; step 2 asks the
coordinator once more, and step 3 mints a token of the next owner's own. A batch that is still on its way to the former
is tagged with it and dropped (`deliver`). A release of the former that the thread has not seen yet comes before the
next one's step 10, which replaces it; what was fetched from the former's position is dropped by the seek there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any

from faust.types import TP

from streams.consumer.keeper import Keeper
from streams.consumer.protocols import ConsumerGroup, PartitionOwner
from streams.consumer.takeover import Takeovers
from streams.errors import EngineError, Stalled

__all__ = ["ConsumerGroup", "Ownership", "PartitionOwner"]

logger = logging.getLogger(__name__)

END_S = 15.0  # above the time-outs of a store call: a write in flight is waited for
WATCHES = 10  # observations that must all be bad: a process that was merely stopped (SIGSTOP) gets one bad one


class Ownership:
    """The owners of this process.

    Args:
        factory: makes an owner for a partition (tp, generation); called anew for each try of a parked one.
        stall_s: an owner that neither waits for records nor works for so long ends the process.
        step_s: a step of a takeover that only asks and takes longer is broken off, and the partition parked.
        waits: told what a takeover waits for, and None when it waits no more.
        parked: told why a partition is parked, and None when it is no more.
    """

    def __init__(
        self,
        factory: Callable[[TP, int], PartitionOwner],
        *,
        stall_s: float = 30.0,
        step_s: float = 90.0,
        waits: Callable[[PartitionOwner, str | None], None] = lambda owner, detail: None,
        parked: Callable[[PartitionOwner, EngineError | None], None] = lambda owner, error: None,
    ) -> None:
        self.new_owner, self._waits, self._parked = factory, waits, parked
        self._stall_s, self._step_s = stall_s, step_s
        self._group: ConsumerGroup | None = None
        self._takeovers: Takeovers | None = None
        self._keepers: dict[TP, Keeper] = {}
        self._tasks: dict[TP, asyncio.Task[None]] = {}
        self._ends: set[asyncio.Task[None]] = set()
        self._told: frozenset[TP] | None = None
        self.current: dict[TP, PartitionOwner] = {}
        """Owners that have begun, or are about to."""
        self.left: dict[TP, int] = {}
        """The next offsets that ended ownerships left, until they are committed to Kafka or taken over anew."""

    def bind(self, group: ConsumerGroup) -> None:
        """Called by the consumer when Faust creates it."""
        self._group = group

    @property
    def group(self) -> ConsumerGroup:
        if self._group is None:
            raise EngineError("ownership has no consumer yet: it is bound when the Faust app creates its consumer")
        return self._group

    @property
    def owned(self) -> frozenset[TP]:
        """The partitions of the present assignment, whether they have begun, wait or are parked."""
        return frozenset(self._keepers)

    @property
    def assigned(self) -> bool:
        """True from an assignment to the next revocation; of nothing, too, when there are more workers."""
        return self._takeovers is not None

    @property
    def complete(self) -> bool:
        """There is an assignment, and each of its shards has begun or is parked: none is still being taken over."""
        return self.assigned and all(keeper.settled for keeper in self._keepers.values() if keeper.reads)

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

    def fail(self, tps: Iterable[TP], error: EngineError) -> None:
        """These partitions can't be read on: their owners end with this error."""
        for tp in tps:
            if tp in self._keepers:
                self._keepers[tp].fail(error)

    # -- the end of an ownership

    def end(self) -> None:
        """End every takeover, every wait of every owner, and every park. Main loop; returns at once."""
        self.current = {}
        if self._takeovers is not None:
            self._takeovers.cancel()
            self._takeovers = None
        tasks, self._tasks, self._keepers = self._tasks, {}, {}
        for task in tasks.values():
            task.cancel()
        if tasks:
            finish = asyncio.ensure_future(self._finish(tasks))
            self._ends.add(finish)
            finish.add_done_callback(self._ends.discard)

    async def ended(self) -> None:
        """`end`, and wait until every write in flight has its outcome and every publisher is stopped."""
        self.end()
        if self._ends:
            await asyncio.wait(set(self._ends))

    async def _finish(self, tasks: dict[TP, asyncio.Task[None]]) -> None:
        _, still = await asyncio.wait(tasks.values(), timeout=END_S)
        if still:
            names = _names(tp for tp, task in tasks.items() if task in still)
            self.group.end_process(Stalled(f"{names} did not end within {END_S:g} s"))
            await asyncio.wait(still)

    # -- takeover

    async def take_over(self) -> None:
        """Make a keeper for each partition that is assigned. Returns when the former ones have ended."""
        await self.ended()
        generation = self.group.generation
        takeovers = self._takeovers = Takeovers(self.group, generation, self._step_s, self._takeover_waits)
        self._told = None
        self._keepers = {tp: Keeper(tp, self, takeovers, self._parked) for tp in sorted(self.group.assigned())}
        self._tasks = {tp: asyncio.ensure_future(keeper.run()) for tp, keeper in self._keepers.items()}
        self.changed()

    def _takeover_waits(self, owner: PartitionOwner, detail: str | None) -> None:
        self._waits(owner, detail)
        if (keeper := self._keepers.get(owner.tp)) is not None:
            keeper.waiting = detail is not None
            self.changed()

    # -- what keepers tell (`Keeping`)

    def enters(self, owner: PartitionOwner) -> None:
        self.current[owner.tp] = owner
        self.left.pop(owner.tp, None)

    def leaves(self, owner: PartitionOwner) -> None:
        if self.current.get(owner.tp) is owner:
            del self.current[owner.tp]

    def has_left(self, owner: PartitionOwner) -> None:
        if owner.reads:
            self.left[owner.tp] = owner.next_offset

    def changed(self) -> None:
        """Say what was taken over, once nothing more is to be expected for the moment."""
        keepers = self._keepers.values()
        begun = frozenset(keeper.tp for keeper in keepers if keeper.begun)
        if begun == self._told or (keepers and not begun) or not all(k.settled or k.waiting for k in keepers):
            return
        self._told = begun
        next_offsets = {tp.partition: self.current[tp].next_offset for tp in sorted(begun) if self.current[tp].reads}
        logger.info("took over %s; next offsets %s", _names(begun), next_offsets)

    # -- watchdog

    async def watch(self) -> None:
        """End the process when an owner neither waits for records nor works, or when a partition is assigned and nobody
        keeps it: nothing else would show it."""
        bad: dict[int, int] = {}
        polls, lying = -1, 0
        while True:
            await asyncio.sleep(self._stall_s / WATCHES)
            in_vain = self._assigned_in_vain()
            lying = lying + 1 if in_vain else 0
            if lying >= WATCHES:
                self.group.end_process(
                    Stalled(f"{_names(in_vain)} assigned for {self._stall_s:g} s, and not taken over")
                )
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

    def _assigned_in_vain(self) -> set[TP]:
        """Partitions that we are assigned and nobody keeps; `_finish` watches those that are ending."""
        kept = {tp for tp, task in self._tasks.items() if not task.done()}
        return set() if self._ends else self.group.assigned() - kept


def _names(tps: Iterable[TP]) -> str:
    return ", ".join(f"{tp.topic} {tp.partition}" for tp in sorted(tps)) or "nothing"
