"""What stands against one more contact: caps as rolling windows, the last contact, promotions that are open.

Trusts a `Standing` that `models.decisions.contact.settle` has brought to the present. A trigger that may yet arrive
counts in every window; one that arrived from its delivery on; of a day's count all as if they had been at its end.
"""

from __future__ import annotations

from models.decisions.rule_types import ANY, Limit
from models.decisions.standing import MAX_OUTSTANDING, TAKES_ROOM, Stage, Standing
from models.settings import DAY

_ROOM, _GIVEN_BACK = (*map(int, TAKES_ROOM),), int(Stage.GIVEN_BACK)
"""As numbers, which are compared in a fifth of the time."""
Mark = tuple[int, int, int, int]
"""Contacts at one time: the time, ms, the channel and kind by number, and how many."""


def marks_of(standing: Standing, purpose: int) -> list[Mark]:
    """The contacts for a purpose (by number), the latest first. Of a trigger that may yet arrive the time is the latest
    at which it can: so it counts in every window, and a word of it frees earlier."""
    marks: list[Mark] = []
    for _, time, expires, _, channel, _, kind, whose, stage, _, _, _ in standing.outstanding:
        if whose == purpose and stage != _GIVEN_BACK:
            marks.append((expires if stage in _ROOM else time, channel, kind, 1))
    for day, channel, kind, whose, many in standing.counts:
        if whose == purpose:
            marks.append(((day + 1) * DAY, channel, kind, many))
    if len(marks) > 1:
        marks.sort(reverse=True)
    return marks


def reached(marks: list[Mark], limit: Limit, now: int) -> int | None:
    """When a limit that is reached lets one contact through again, ms; 0: never. None: it is not reached."""
    most, span, _, channel, kind, _ = limit
    if most == 0:
        return 0
    since, found = now - span, 0
    for at, on, sort, many in marks:
        if at <= since:
            break
        if channel in (on, ANY) and kind in (sort, ANY):
            found += many
            if found >= most:
                return at + span
    return None


def contacts(standing: Standing, limit: Limit, now: int) -> int:
    """How many contacts count against a limit."""
    return sum(
        many
        for at, channel, kind, many in marks_of(standing, limit.purpose)
        if at > now - limit.within and limit.channel in (ANY, channel) and limit.kind in (ANY, kind)
    )


def frees_at(standing: Standing, limit: Limit, now: int) -> int:
    """The earliest moment at which a limit that is reached lets one contact through, ms; 0: it never does, or it is not
    reached."""
    return reached(marks_of(standing, limit.purpose), limit, now) or 0


def full_until(standing: Standing, now: int) -> int:
    """Until when the record has no room for one more trigger, ms, at the longest; 0: it has."""
    entries = standing.outstanding
    if len(entries) < MAX_OUTSTANDING:
        return 0
    ends = []
    for one in entries:
        in_flight = one.stage in TAKES_ROOM
        if one.stage == Stage.GIVEN_BACK or not (in_flight or one.until):
            return 0
        ends.append(max(one.expires if in_flight else 0, one.until))
    return min(ends)


def promotion_ends(standing: Standing, now: int) -> int:
    """When the last promotion that is open ends, ms; 0: none is open."""
    return max(
        (one.until for one in standing.outstanding if one.until > now and one.stage != Stage.GIVEN_BACK), default=0
    )
