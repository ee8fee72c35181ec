"""A moment that is none of risk asks: its plans begin, and it waits for its answer."""

from __future__ import annotations

from collections.abc import Iterator

from models.decisions.given import Given, Said
from models.decisions.plans import begin
from models.decisions.rules import rules_of
from models.decisions.standing import MAX_WAITING, Waiting
from models.decisions.waits import crowded, note_once


def comes(given: Given, name: str, since: int) -> Iterator[Said]:
    """Let it ask, unless it waits already or did so of late. since: when its life began, ms."""
    standing, now, moment = given.standing, given.now, rules_of(given.policy).moments[name]
    if any(one.moment == moment.number and not one.threshold for one in standing.waiting):
        return
    if moment.once_per and now < standing.once.get(moment.number, -moment.once_per) + moment.once_per:
        return
    yield from begin(given, name)
    if not moment.actions and name in rules_of(given.policy).plans_of:
        note_once(given, name)
        return
    if len(standing.waiting) >= MAX_WAITING:
        yield crowded(given, name)
        return
    standing.waiting.append(Waiting(moment.number, since, now))
