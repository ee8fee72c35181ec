"""What would have been chosen if actions in shadow were live: recorded once a level and episode, and nothing else.

It reserves nothing, sends nothing and opens no window. Its draw is one of its own, over what is live and in shadow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from models.decisions.draw import chances, drawn
from models.decisions.gates import Judged
from models.decisions.given import Given, Said, id_at
from models.decisions.waits import LEAVE_ALONE, is_in_control, lifts, score_of, told_candidates

SHADOW: Final = "shadow"
"""What is said of it (`Decision.what`), and the code of the gate."""


def passes_in_shadow(found: Judged) -> bool:
    """Whether nothing but its mode holds an action."""
    return len(found.held) == 1 and found.held[0].code == SHADOW


ONLY_SHADOW: Final = 1
TURNED: Final = 2
"""Of `Standing.live`: the level waits since all that could be done is in shadow; it has had its turn."""


def alone(judged: Sequence[Judged]) -> bool:
    """Whether what is in shadow is all that could be done: nothing live waits for a gate that lifts by itself."""
    waits = any(lifts(found) and SHADOW not in {held.code for held in found.held} for found in judged)
    return not waits and any(map(passes_in_shadow, judged))


def of_level(given: Given, name: str, level: str, threshold: float, judged: Sequence[Judged]) -> list[Said]:
    """The draw among what could be done and what could be if it were live, once a level and episode."""
    standing = given.standing
    if standing.shadowed >= threshold or not any(map(passes_in_shadow, judged)):
        return []
    standing.shadowed = threshold
    free = [found for found in judged if not found.held or passes_in_shadow(found)]
    choice = given.policy.policy.choice
    likely = chances([score_of(given, found) for found in free], choice.floor, choice.hold_out)
    found_id = id_at(given, f"{name}.{SHADOW}", level)
    fell = drawn(likely, bytes.fromhex(found_id))
    by_action = {LEAVE_ALONE: likely[0]} | {
        found.action: chance for found, chance in zip(free, likely[1:], strict=True)
    }
    return [_said(given, found_id, name, level, free[fell - 1] if fell else None, judged, by_action)]


def of_touchpoint(given: Given, name: str, judged: Sequence[Judged], best: Judged | None) -> list[Said]:
    """The action in shadow that would have had a touchpoint's moment; nothing where a live one has it all the same."""
    actions = given.policy.policy.action
    in_shadow = [found for found in judged if passes_in_shadow(found)]
    if not in_shadow:
        return []
    first = max(in_shadow, key=lambda found: (actions[found.action].priority, score_of(given, found)))
    if best is not None and actions[best.action].priority >= actions[first.action].priority:
        return []
    return [_said(given, id_at(given, f"{name}.{SHADOW}"), name, "", first, judged, {})]


def _said(
    given: Given,
    name: str,
    moment: str,
    level: str,
    found: Judged | None,
    judged: Sequence[Judged],
    likely: dict[str, int],
) -> Said:
    return Said(
        SHADOW,
        name,
        moment=moment,
        level=level,
        action=LEAVE_ALONE if found is None else found.action,
        channel="" if found is None else found.channel,
        candidates=told_candidates(given, judged, likely),
        control=is_in_control(given),
    )
