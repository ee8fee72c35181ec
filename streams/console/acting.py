"""Does what those who may act ask for, by the same ways as the commands."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from models.timeline.stop_types import Stop
from streams.config import Config
from streams.kafka.security import kafka_connection
from streams.operations.champion import Choice, chosen
from streams.operations.partitions import touchpoint_partitions
from streams.operations.policy import read
from streams.operations.policy.bringing import Asked, Brought, bring
from streams.operations.policy.changing import Changed, Proposed, looked_at, proposed
from streams.operations.policy.in_log import InLog, all_in
from streams.operations.policy.sight import sight_of
from streams.operations.stopping import Resumed, Stopped, resume_now, stop_now

WAIT_S: Final = 10.0
"""For the shards to read it; a page waits so long."""
FORECASTS: Final = 2
"""Policies that are looked at or changed at a time: each looks at thousands of records."""
FRESH_S: Final = 5.0
"""A proposal that was looked at serves whoever asks within so long."""
T = TypeVar("T")


class Acting:
    """Stops have threads of their own (with `stop_now`'s, those of the event loop): nothing that takes long is before
    them.

    Args:
        config: of the application.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._stopping = ThreadPoolExecutor(2, "console-stop")
        self._policies = ThreadPoolExecutor(FORECASTS, "console-policy")
        self._proposed: dict[str, tuple[float, asyncio.Future[Proposed]]] = {}

    async def stop(self, wanted: Stop) -> Stopped:
        return await stop_now(self._config, await self._partitions(), wanted, WAIT_S)

    async def resume(self, numbers: Sequence[int], by: str, why: str) -> Resumed:
        partitions = await self._partitions()
        return await resume_now(self._config, partitions, numbers, lambda _: True, (by, why), WAIT_S)

    async def choose_model(self, model: str | None, by: str) -> Choice:
        return await chosen(self._config, model, by)

    async def policy_text(self, number: int | None) -> str:
        return await self._beside(lambda: self._policy_text(number))

    async def policy_look(self, text: str) -> Changed:
        return await self._beside(lambda: looked_at(sight_of(self._config), text))

    async def policy_propose(self, text: str, by: str, reason: str, base: str, rolls_back: int) -> str:
        def proposing() -> str:
            sight, now = sight_of(self._config), int(time.time() * 1000)
            touched = sight.forecast(read(text)).data()["day"]
            put, _ = sight.with_changes(
                lambda changes: changes.propose(text, by, reason, base, now, rolls_back, touched)
            )
            return put.proposal.name

        return await self._beside(proposing)

    async def policy_proposed(self, which: str) -> Proposed:
        """Whoever asks for the same one at about the same time is answered by one look."""
        now = time.monotonic()
        self._proposed = {one: known for one, known in self._proposed.items() if now - known[0] < FRESH_S}
        if which not in self._proposed:
            look = asyncio.ensure_future(self._beside(lambda: proposed(sight_of(self._config), which)))
            self._proposed[which] = now, look
        return await asyncio.shield(self._proposed[which][1])

    async def policy_approve(self, which: str, by: str) -> None:
        def approving() -> None:
            now = int(time.time() * 1000)
            sight_of(self._config).with_changes(lambda changes: changes.approve(which, by, now))

        await self._beside(approving)
        self._proposed.clear()

    async def policy_apply(self, which: str, asked: Asked) -> Brought:
        def applying() -> Brought:
            sight = sight_of(self._config)
            text = sight.with_changes(lambda changes: changes.text_of(which))
            return bring(sight, text, asked._replace(wait_s=WAIT_S))

        self._proposed.clear()
        return await self._beside(applying)

    def _policy_text(self, number: int | None) -> str:
        sight = sight_of(self._config)
        if number is None:
            return "" if sight.last is None else sight.last.text

        async def in_log() -> list[InLog]:
            return all_in(kafka_connection(self._config), self._config.topic("touchpoints"))

        return sight.with_changes(lambda changes: changes.former(number, in_log))

    async def _beside(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._policies, work)

    async def _partitions(self) -> int:
        return await asyncio.get_running_loop().run_in_executor(self._stopping, touchpoint_partitions, self._config)
