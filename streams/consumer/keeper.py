"""Keeps one partition from its assignment to its revocation: takes it over, lets its owner work, and parks it over an
error that is its own.

*Parked*: the owner has ended (its write has its outcome, its publisher is stopped), the partition stays assigned and
unread, its error and remedy are told until it works again, and the others go on. From time to time the whole takeover
is tried again with a new owner, so that a repaired state needs no restart. What would end the next worker too, or says
that we are no longer the owner, ends the process (`ENDS_THE_PROCESS`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, Final, NoReturn, Protocol

from faust.types import TP

from streams.consumer.protocols import ConsumerGroup, PartitionOwner
from streams.consumer.takeover import NotOurs, Takeovers
from streams.crash_points import point
from streams.errors import EngineError, ExitCode, Fenced, ShardFailed, TakeoverFailed
from streams.kafka.errors import ProducerFenced
from streams.retry import Backoff

logger = logging.getLogger(__name__)

ENDS_THE_PROCESS: Final = frozenset(
    (
        ExitCode.FENCED,
        ExitCode.STORE_WENT_BACK,
        ExitCode.TOPIC_CHANGED,
        ExitCode.TOPIC_UNFIT,
        ExitCode.STALLED,
        ExitCode.BACKFILL_UNFINISHED,
        ExitCode.SWITCHED_OFF,
        ExitCode.ACCESS_REFUSED,
    )
)
"""Not ours, or not one shard's own: the rest is parked."""

FIRST_RETRY_S, LONGEST_RETRY_S = 1.0, 60.0
TOLD_EVERY_S = 60.0
"""How often a parked shard is named in the log again."""
WELL_AFTER_S = 5.0
"""A parked shard that is tried again counts as well when it has moved, or has worked for so long: it is handed the
record that it failed on within a fraction of that."""
LOOK_EVERY_S = 0.2


class Keeping(Protocol):
    """What a keeper needs of those who have all of them.

    Implemented by Ownership.
    """

    @property
    def group(self) -> ConsumerGroup: ...
    @property
    def new_owner(self) -> Callable[[TP, int], PartitionOwner]: ...
    def enters(self, owner: PartitionOwner) -> None:
        """It may be handed batches from here on."""

    def leaves(self, owner: PartitionOwner) -> None:
        """It may be handed none any more."""

    def has_left(self, owner: PartitionOwner) -> None:
        """Its main loop is over: its next offset is final."""

    def changed(self) -> None:
        """A partition has begun, waits, or was parked."""


class Keeper:
    """Of one partition, for one assignment.

    Args:
        tp: the partition.
        keeping: who has all keepers.
        takeovers: of the assignment.
        on_parked: told why the partition is parked, and None when it works again or is no longer ours to tell of.
    """

    def __init__(
        self,
        tp: TP,
        keeping: Keeping,
        takeovers: Takeovers,
        on_parked: Callable[[PartitionOwner, EngineError | None], None],
    ) -> None:
        self.tp, self._keeping, self._takeovers, self._on_parked = tp, keeping, takeovers, on_parked
        self.reads = True
        """False once it is known that no records of the partition are read (the learner's)."""
        self.begun = self.waiting = False
        self.trouble: EngineError | None = None
        """Why it is parked, until it works again."""
        self._told_at = -TOLD_EVERY_S
        self._backoff = Backoff(FIRST_RETRY_S, LONGEST_RETRY_S)
        self._failed: asyncio.Future[Any] | None = None

    @property
    def settled(self) -> bool:
        """Works, or is parked: nothing more is to be expected of its takeover."""
        return self.begun or self.trouble is not None

    def fail(self, error: EngineError) -> None:
        """The partition can't be read on: as if its main loop had raised it."""
        if self._failed is not None and not self._failed.done():
            self._failed.set_exception(error)

    async def run(self) -> None:
        """Until cancelled, or the partition is not ours any more."""
        owner: PartitionOwner | None = None
        try:
            while True:
                owner = self._keeping.new_owner(self.tp, self._takeovers.generation)
                self.reads = owner.reads
                error = await self._own(owner)
                if error is None:
                    return
                if error.code in ENDS_THE_PROCESS:
                    self._keeping.group.end_process(error)
                    return
                self._park(owner, error)
                await self._backoff.pause()
                self._takeovers.check_generation()
        except NotOurs:
            return
        except Exception as error:  # else the partition would stand still without a word
            logger.exception("%s: keeping failed", _name(self.tp))
            self._keeping.group.end_process(ShardFailed(f"keeping {_name(self.tp)} raised {error!r}"))
        finally:
            if owner is not None and self.trouble is not None:
                self._on_parked(owner, None)

    async def _own(self, owner: PartitionOwner) -> EngineError | None:
        """One ownership, to its end; None when the partition is not ours any more."""
        taken = False
        try:
            await self._takeovers.take(owner)
            taken = True
            await self._work(owner)
        except NotOurs:
            return None
        except MemoryError as error:  # the process's, not the shard's
            self._keeping.group.end_process(EngineError(f"{_name(self.tp)}: out of memory: {error!r}"))
            return None
        except Exception as error:  # noqa: BLE001 - told, and parked
            return self._named(error, taken)
        finally:
            self.begun = False
            await finished(asyncio.ensure_future(self._close(owner)))

    async def _work(self, owner: PartitionOwner) -> NoReturn:
        """Steps 9 and 10, then the main loop. Raises what ends it."""
        point("takeover.9.before_seek")
        self._keeping.enters(owner)
        self._failed = asyncio.get_running_loop().create_future()
        working = asyncio.ensure_future(owner.run())
        try:
            if not await self._keeping.group.begin(owner, self._takeovers.generation):
                raise NotOurs
            point("takeover.10.after_seek")
            self.begun = True
            self._keeping.changed()
            await self._until_over(owner, working, self._failed)
        finally:
            self._keeping.leaves(owner)
            working.cancel()
            try:
                await finished(working)
            finally:
                self._keeping.has_left(owner)

    async def _until_over(
        self, owner: PartitionOwner, working: asyncio.Future[None], failed: asyncio.Future[Any]
    ) -> NoReturn:
        since, began_at = time.monotonic(), owner.next_offset
        while True:
            look = LOOK_EVERY_S if self.trouble is not None else None
            done, _ = await asyncio.wait((working, failed), timeout=look, return_when=asyncio.FIRST_COMPLETED)
            for over in done:
                over.result()
            if done:
                raise ShardFailed(f"the main loop of {_name(self.tp)} returned")
            if owner.next_offset > began_at or time.monotonic() - since > WELL_AFTER_S:
                self._is_well(owner)

    def _park(self, owner: PartitionOwner, error: EngineError) -> None:
        now, known = time.monotonic(), self.trouble
        self.trouble = error
        if known is None or type(known) is not type(error) or now - self._told_at >= TOLD_EVERY_S:
            self._told_at = now
            logger.error(
                "%s is parked, the others go on: %s: %s; tried again in %.0f s",
                _name(self.tp),
                type(error).__name__,
                error,
                self._backoff.pause_s,
            )
        self._on_parked(owner, error)
        self._keeping.changed()

    def _is_well(self, owner: PartitionOwner) -> None:
        logger.info("%s is parked no more", _name(self.tp))
        self.trouble = None
        self._backoff.reset()
        self._on_parked(owner, None)

    def _named(self, error: Exception, taken: bool) -> EngineError:
        if isinstance(error, EngineError):
            return error
        if isinstance(error, ProducerFenced):
            return Fenced(str(error))
        if self.trouble is None:
            logger.exception("%s: %s failed", _name(self.tp), "main loop" if taken else "takeover")
        if taken:
            return ShardFailed(f"the main loop of {_name(self.tp)} raised {error!r}")
        return TakeoverFailed(f"the takeover of {_name(self.tp)} raised {error!r}")

    async def _close(self, owner: PartitionOwner) -> None:
        try:
            await owner.ended()
        except Exception:  # the next owner fences it anyway
            logger.exception("%s: stopping failed", _name(self.tp))


async def finished(task: asyncio.Future[Any]) -> None:
    """Wait for the end of a task, however it ends and whatever happens to the caller, who is cancelled afterwards if it
    was meanwhile."""
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError:
            cancelled = True
    if not task.cancelled():
        task.exception()  # looked at: asyncio would log it
    if cancelled:
        raise asyncio.CancelledError


def _name(tp: TP) -> str:
    return f"{tp.topic} {tp.partition}"
