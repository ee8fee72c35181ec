"""What the console does for those who may act, and the port through which it is done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from models.timeline.stop_types import Stop
from streams.operations.champion import Choice
from streams.operations.policy.bringing import Asked, Brought
from streams.operations.policy.changing import Changed, Proposed
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

    async def policy_text(self, number: int | None) -> str:
        """Of the policy that was applied last, empty: none was; or of one that was applied once."""

    async def policy_look(self, text: str) -> Changed:
        """As `retention policy check` and `diff`."""

    async def policy_propose(self, text: str, by: str, reason: str, base: str, rolls_back: int) -> str:
        """As `retention policy propose`; the proposal's name. base: from which it was made; rolls_back: as the ledger
        has it."""

    async def policy_proposed(self, which: str) -> Proposed:
        """A proposal."""

    async def policy_approve(self, which: str, by: str) -> None:
        """As `retention policy approve`."""

    async def policy_apply(self, which: str, asked: Asked) -> Brought:
        """As `retention policy apply` of a proposal."""
