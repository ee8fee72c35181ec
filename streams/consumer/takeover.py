"""The takeover of one partition: steps 1 to 8, each on its own and repeated while Redis or Kafka does not answer.

 1. read the meta                                                           (`PartitionOwner.peek`)
 2. commit its next offset to Kafka: the coordinator thereby checks that generation and member are still ours
 3. mint the token: from here on the former owner can write nothing         (`PartitionOwner.mint`)
 4. check log start <= next offset <= log end, topic id, partition count    (`PartitionOwner.check`)
 5. to 8. start the publisher, read tails and outbox, publish what is missing, trim (`PartitionOwner.recover`)

Partitions are taken over beside each other. They share requests where they are at the same step at the same moment
(streams/consumer/together.py), and nothing else. After each await it is checked that no rebalance has begun: a worker
stopped inside a takeover wakes up, is refused and mints nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from faust.types import TP

from streams.consumer.protocols import ConsumerGroup, PartitionOwner
from streams.consumer.together import Together
from streams.crash_points import point
from streams.errors import TakeoverFailed
from streams.kafka.errors import KafkaUnavailable
from streams.kafka.partition_facts import LogFacts
from streams.retry import retry_while_unavailable

logger = logging.getLogger(__name__)

T = TypeVar("T")

AT_ONCE = 64
"""Steps that are tried for the first time at the same moment: each holds a connection to Redis, and a survivor of many
workers takes hundreds of shards over. One that waits, or failed before, takes no place of the others."""
SLOW_S = 10.0
"""After this long a step counts as one that waits: nobody has failed, but somebody should know."""
ANSWER_S = 15.0
"""Kafka's answer to a question of a step; then it is asked again."""
END_RETRIES, END_PAUSE_S = 5, 0.5  # a new leader's high watermark may lag for a moment: that is no truncated log


class NotOurs(Exception):
    """A rebalance has begun, or the coordinator has refused us: the next assignment brings the next takeover."""


class Takeovers:
    """The takeovers of one assignment.

    Args:
        group: the consumer.
        generation: the rebalance count of the assignment.
        step_s: a step that only asks is broken off (TakeoverFailed) when it lasts for longer.
        waits: told what a takeover waits for, and None when it waits no more.
    """

    def __init__(
        self,
        group: ConsumerGroup,
        generation: int,
        step_s: float,
        waits: Callable[[PartitionOwner, str | None], None],
    ) -> None:
        self._group, self.generation, self._step_s, self._waits = group, generation, step_s, waits
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._confirmed: Together[TP, int, bool] = Together(self._confirm)
        self._facts: Together[TP, None, LogFacts] = Together(self._log_facts)

    def cancel(self) -> None:
        """The assignment is over."""
        self._confirmed.cancel()
        self._facts.cancel()

    async def take(self, owner: PartitionOwner) -> None:
        """Steps 1 to 8. Raises NotOurs, and the named errors of the steps."""
        there = await self._step(owner, "reading the meta", lambda again: owner.peek(), self._step_s)
        point("takeover.1.meta_read")
        # A learner's partition has no offset of its own; committing its 0 still asks the coordinator.
        if there or not owner.reads:
            await self._ask_the_coordinator(owner)
        point("takeover.2.offsets_committed")
        await self._step(owner, "minting", lambda again: owner.mint(), self._step_s)
        point("takeover.3.minted")
        facts = await self._facts_of(owner)
        await self._step(owner, "checking the log", lambda again: owner.check(facts), self._step_s)
        point("takeover.4.checked")
        await self._step(owner, "recovering", lambda again: owner.recover(), None)

    def check_generation(self) -> None:
        """Raises NotOurs when a rebalance has begun."""
        if self.generation != self._group.generation:
            raise NotOurs

    async def _step(
        self, owner: PartitionOwner, step: str, do: Callable[[bool], Awaitable[T]], limit_s: float | None
    ) -> T:
        """One step, until it is done.

        Args:
            owner: whose step it is.
            step: its name.
            do: takes it; is told whether it has failed before.
            limit_s: a try that lasts for longer is broken off; None: it may have much to read or publish.
        """
        what, again, waited = f"{step} of {owner.tp.topic} {owner.tp.partition}", False, False

        async def once() -> T:
            nonlocal again
            first, again = not again, True
            async with self._slots if first else contextlib.nullcontext():
                try:
                    async with asyncio.timeout(limit_s) as limit:
                        return await do(not first)
                except TimeoutError as error:
                    if limit.expired():
                        raise TakeoverFailed(f"{what} was not done within request_timeout_s={limit_s:g}") from error
                    raise

        def wait(detail: str) -> None:
            nonlocal waited
            waited = True
            self._waits(owner, detail)

        slow = asyncio.get_running_loop().call_later(SLOW_S, wait, f"{what} takes longer than {SLOW_S:g} s")
        try:
            done = await retry_while_unavailable(what, once, wait)
        finally:
            slow.cancel()
            if waited:
                self._waits(owner, None)
        self.check_generation()
        return done

    async def _ask_the_coordinator(self, owner: PartitionOwner) -> None:
        next_offset = owner.next_offset
        if not await self._step(
            owner,
            "committing the next offset",
            lambda again: self._confirmed.ask(owner.tp, next_offset, again),
            self._step_s,
        ):
            logger.info("the coordinator refused generation %d: waiting for the next assignment", self.generation)
            raise NotOurs

    async def _facts_of(self, owner: PartitionOwner) -> LogFacts:
        for tries_left in reversed(range(END_RETRIES)):
            facts = await self._step(
                owner,
                "asking for the log's bounds",
                lambda again: self._facts.ask(owner.tp, None, again),
                self._step_s,
            )
            if not tries_left or not owner.reads or owner.next_offset <= facts.end:
                break
            await asyncio.sleep(END_PAUSE_S)
            self.check_generation()
        return facts

    async def _confirm(self, next_offsets: Mapping[TP, int]) -> Mapping[TP, bool]:
        confirmed = await _answered(self._group.confirm(next_offsets))
        return dict.fromkeys(next_offsets, confirmed)

    async def _log_facts(self, tps: Mapping[TP, None]) -> Mapping[TP, LogFacts]:
        return await _answered(self._group.log_facts(tps))


async def _answered(asked: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(ANSWER_S):
            return await asked
    except TimeoutError as error:
        raise KafkaUnavailable(f"no answer within {ANSWER_S:g} s") from error
