"""A group of checks against one server, in bounded time; findings so far survive an error."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field

from kafka.errors import KafkaError

from streams.errors import EngineError
from streams.operations.doctor.finding import CHECKS, Finding, Status, problem
from streams.store.port import StoreUnavailable
from streams.store.redis.errors import CAUGHT

CALL_S = 8.0
"""For one question."""

SECTION_S = 25.0
"""For all questions to a server that answers some of them and not others."""

FAILED = (EngineError, KafkaError, StoreUnavailable, *CAUGHT, TimeoutError, ValueError)
"""What ends a section's questions. ValueError: an address that is none, an answer that can't be read."""


@dataclass
class Section:
    """at: the check under way, which an error belongs to. remedy: for errors that know none. whom: who is asked, put
    before what an error says.
    why: by the word before a check's dot, what those that are not made wait for."""

    at: str
    remedy: str
    whom: str = ""
    found: list[Finding] = field(default_factory=list)
    why: dict[str, str] = field(default_factory=dict)
    failed: str = ""

    async def ask(self, questions: Awaitable[None]) -> None:
        """All questions, up to one that is not answered: that is a problem of the check under way."""
        try:
            async with asyncio.timeout(SECTION_S):
                await questions
        except FAILED as error:
            remedy = error.remedy if isinstance(error, EngineError) else self.remedy
            self.found.append(problem(self.at, self.whom + error_text(error), remedy))
            self.failed = f"{self.at} comes first"

    def waits_for(self, kind: str, check: str) -> None:
        """The rest of a kind of checks is not made before that one is fine."""
        self.why[kind] = f"{check} comes first"

    def completed(self, kind: str) -> list[Finding]:
        """One finding for each check of a kind, in order; skipped where there is none."""
        by_check = {finding.check: finding for finding in self.found}
        why = self.failed or self.why.get(kind, "not asked")
        return [
            by_check.get(check, Finding(check, Status.SKIPPED, f"not checked: {why}"))
            for check in CHECKS
            if check.startswith(f"{kind}.")
        ]

    def fine(self, check: str) -> bool:
        """Whether it was checked, and is no problem."""
        return any(f.check == check and f.status in (Status.OK, Status.WARNING) for f in self.found)


def error_text(error: Exception) -> str:
    """An error without the remedy that ours carry."""
    if isinstance(error, TimeoutError) and not str(error):
        return "no answer in time"
    if isinstance(error, EngineError):
        return str(error.args[0]) if error.args else type(error).__name__
    return str(error) or repr(error)
