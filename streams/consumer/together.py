"""Asks once for many callers: what several want to know at the same moment is one request to Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")
R = TypeVar("R")

TOGETHER_S = 3.0
"""Longest wait for a common answer. Hundreds of partitions take tenths of a second; a broker that hangs, or a partition
without a leader, holds the others up for no longer than this."""


class Together(Generic[K, V, R]):
    """Collects questions while one is under way, and asks them all at once.

    A common question that fails, for whatever reason, is asked again by each caller for itself: one partition that
    can't be asked for fails nobody else.
    """

    def __init__(self, ask: Callable[[Mapping[K, V]], Awaitable[Mapping[K, R]]]) -> None:
        self._ask = ask
        self._waiting: dict[K, tuple[V, asyncio.Future[Mapping[K, R] | None]]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def ask(self, key: K, value: V, alone: bool = False) -> R:
        """The answer for `key`. alone: True for a question that has failed before."""
        if not alone:
            answered: asyncio.Future[Mapping[K, R] | None] = asyncio.get_running_loop().create_future()
            self._waiting[key] = value, answered
            if self._asking is None:
                self._asking = asyncio.ensure_future(self._ask_all())
            answers = await answered
            if answers is not None:
                return answers[key]
        return (await self._ask({key: value}))[key]

    def cancel(self) -> None:
        """End what is under way; its callers are cancelled."""
        if self._asking is not None:
            self._asking.cancel()

    async def _ask_all(self) -> None:
        taken: dict[K, tuple[V, asyncio.Future[Mapping[K, R] | None]]] = {}
        try:
            await asyncio.sleep(0)  # who is ready in this turn of the loop comes along
            while self._waiting:
                taken, self._waiting = self._waiting, {}
                try:
                    async with asyncio.timeout(TOGETHER_S):
                        answers = await self._ask({key: value for key, (value, _) in taken.items()})
                except Exception:  # noqa: BLE001 - each caller asks for itself, and gets its own
                    _answer(taken, None)
                else:
                    _answer(taken, answers)
        finally:
            self._asking = None
            for _, answered in (*taken.values(), *self._waiting.values()):
                answered.cancel()  # nothing to those that are done


def _answer(taken: Mapping[K, tuple[V, asyncio.Future[Mapping[K, R] | None]]], answers: Mapping[K, R] | None) -> None:
    for _, answered in taken.values():
        if not answered.done():  # its caller may be gone
            answered.set_result(answers)
