"""A stream for every rule of the auditor, in which that rule is broken once and no other is: `broken_*`, by subject."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.audited import Log

BROKEN: dict[str, list[Callable[[Log], None]]] = {}
Break = Callable[[Log], None]


def breaks(rule: str) -> Callable[[Break], Break]:
    """Says which rule a function breaks, in a stream in which anna may be written to."""

    def decorate(function: Break) -> Break:
        BROKEN.setdefault(rule, []).append(function)
        return function

    return decorate
