"""Does what those who may act ask for, by the same ways as the commands."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from models.timeline.stop_types import Stop
from streams.config import Config
from streams.operations.champion import Choice, chosen
from streams.operations.partitions import touchpoint_partitions
from streams.operations.stopping import Resumed, Stopped, resume_now, stop_now

WAIT_S: Final = 10.0
"""For the shards to read it; a page waits so long."""


class Acting:
    """Args:
    config: of the application.
    """

    def __init__(self, config: Config) -> None:
        self._config = config

    async def stop(self, wanted: Stop) -> Stopped:
        return await stop_now(self._config, await self._partitions(), wanted, WAIT_S)

    async def resume(self, numbers: Sequence[int], by: str, why: str) -> Resumed:
        partitions = await self._partitions()
        return await resume_now(self._config, partitions, numbers, lambda _: True, (by, why), WAIT_S)

    async def choose_model(self, model: str | None, by: str) -> Choice:
        return await chosen(self._config, model, by)

    async def _partitions(self) -> int:
        return await asyncio.to_thread(touchpoint_partitions, self._config)
