"""Faults that many checks of a policy look for: names that are not there, what is given twice, times of nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from models.decisions.policy.parts import ms_of
from models.decisions.policy.structure import Problem, meant
from models.decisions.policy.types import Policy
from models.decisions.policy.wording import one_of, shown

Faults = Iterator[Problem]
MOST_NAMED: Final = 12
"""Names that are listed for whoever gave nearly one of them."""


def among(key: str, named: Iterable[str], known: Collection[str], what: str) -> Faults:
    """Names in a list that refer to something else in the policy."""
    for n, name in enumerate(named):
        if name not in known:
            near = meant(name, known)
            names = "" if near and len(known) > MOST_NAMED else f": {', '.join(map(shown, known))}"
            yield Problem(f"{key}[{n}]", shown(name), f"{near}give one of {what}{names}")


def twice(key: str, named: Iterable[object]) -> Faults:
    seen: set[object] = set()
    for n, name in enumerate(named):
        if name in seen:
            yield Problem(f"{key}[{n}]", shown(name), "give it once")
        seen.add(name)


def positive(key: str, duration: str | None) -> Faults:
    if duration is not None and ms_of(duration) == 0:
        yield Problem(key, shown(duration), 'give a duration above zero, such as "14d"')


def known(key: str, channels: Iterable[str], policy: Policy) -> Faults:
    for name in channels:
        if name not in policy.channel:
            yield Problem(key, shown(name), f"{meant(name, policy.channel)}give {one_of(policy.channel)}")
