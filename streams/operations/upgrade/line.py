"""One line of an upgrade's check: what was looked at, what this release makes of it, and the remedy."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from streams.errors import EngineError, ExitCode


class Status(StrEnum):
    OK = "ok"
    RELEARNS = "will_relearn"
    REFUSED = "refused"


class Line(NamedTuple):
    """code: of a worker, where the status is refused."""

    check: str
    status: Status
    text: str
    remedy: str = ""
    code: ExitCode = ExitCode.OK


def ok(check: str, text: str) -> Line:
    return Line(check, Status.OK, text)


def relearns(check: str, text: str, remedy: str) -> Line:
    return Line(check, Status.RELEARNS, text, remedy)


def refused(check: str, error: EngineError) -> Line:
    """What a worker would name."""
    return Line(check, Status.REFUSED, str(error).removesuffix(f" | remedy: {error.remedy}"), error.remedy, error.code)


def verdict(lines: Iterable[Line]) -> ExitCode:
    """OK when workers of this release start and go on, else what the first line that is refused says: the lines stand
    in the order in which a worker looks."""
    return next((line.code for line in lines if line.status is Status.REFUSED), ExitCode.OK)
