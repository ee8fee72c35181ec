"""What the console does for those who may act, and the port through which it is done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from models.timeline.stop_types import Stop
from streams.operations.champion import Choice
from streams.operations.stopping import Resumed, Stopped


class Doing(Protocol):
    """The same that the commands do.

    Implemented by Acting (`streams.console.acting`).

    All raise `streams.errors.EngineError`, with a remedy, where something is refused or a service does not answer."""

    async def stop(self, wanted: Stop) -> Stopped:
        """As `retention stop`. wanted: its number is not read."""

    async def resume(self, numbers: Sequence[int], by: str, why: str) -> Resumed:
        """As `retention resume NUMBER ...`."""

    async def choose_model(self, model: str | None, by: str) -> Choice:
        """As `retention models promote`; None: `unpin`."""
