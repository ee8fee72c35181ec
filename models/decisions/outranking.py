"""A more important action takes the place of one that is on its way: that is taken back, and the place is awaited."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from models.customer.restrictions import ACTION_PURPOSES, MARKETING
from models.decisions.ask import Ask
from models.decisions.gates import Judged, judge
from models.decisions.standing import IN_FLIGHT, Outstanding

OUTRANKING: Final = "outranking"
MAKES_ROOM: Final = frozenset({"cap", "cool_down", "promotion_open"})
"""Gates that open when something was never sent."""
_MARKETING: Final = ACTION_PURPOSES.index(MARKETING)


class Outranked(NamedTuple):
    """An action, and what is on its way and must give way to it."""

    judged: Judged
    gives_way: tuple[Outstanding, ...]


def outranked(ask: Ask, judged: Sequence[Judged]) -> Outranked | None:
    """Of the actions of a moment the most important one that only lacks room, if marketing of less priority that has
    not arrived takes it: what gives way, the least important first, and no more of it than needed.

    Args:
        ask: what asks.
        judged: its actions, the most important first, none of which may be done.
    """
    if not ask.rules.policy.contact.outranking:
        return None
    for found in judged:
        action = ask.rules.policy.action[found.action]
        if action.purpose != MARKETING or not {held.code for held in found.held} <= MAKES_ROOM:
            continue
        lower = _lower(ask, action.priority)
        for many in range(1, len(lower) + 1):
            if not judge(_without(ask, lower[:many]), found.action).held:
                return Outranked(found, tuple(lower[:many]))
    return None


def _lower(ask: Ask, priority: int) -> list[Outstanding]:
    """Marketing of ours that has not arrived and that the policy gives less priority."""
    actions, named = ask.rules.policy.action, ask.policy.named
    found = []
    for one in ask.standing.outstanding:
        action = actions.get(named.get(one.action, ""))
        ours = one.id and one.purpose == _MARKETING and one.channel not in ask.rules.final
        if ours and one.stage in IN_FLIGHT and action is not None:
            found.append((action.priority, one.time, one))
    return [one for least, _, one in sorted(found) if least < priority]


def _without(ask: Ask, given: Sequence[Outstanding]) -> Ask:
    kept = [one for one in ask.standing.outstanding if one not in given]
    standing = replace(ask.standing, outstanding=kept)
    return Ask(ask.policy, ask.person, standing, ask.now, ask.moment, ask.asked, ask.level, stops=ask.stops)
