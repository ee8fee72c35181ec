"""Two records of one customer become one: how we stand with them. Each part says how, in one table.

What limits contacts is added up, or the stricter of both; what has asked is asked once; promotions of both stay open.
What the other id has taken of budgets stays spent: it was its shard's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from models.decisions.best_hour import MOST, PARTS, counts_of
from models.decisions.contact import Settled, count_contact, make_room, second_from
from models.decisions.running import MAX_RUNNING
from models.decisions.standing import (
    IN_FLIGHT,
    MAX_DATED,
    MAX_ONCE,
    MAX_OUTSTANDING,
    MAX_UNREACHABLE,
    MAX_WAITING,
    Outstanding,
    Standing,
)
from models.decisions.treated import Treated
from models.decisions.unsent import MAX_UNSENT
from models.decisions.window import Window

MAX_DRAWS: Final = 16
"""Draws of both ids that are remembered: beyond, the first is forgotten."""
How = Callable[[Standing, Standing], Any]
"""What a part of the customer's own standing is afterwards, given both."""


def older_window(own: Window | None, other: Window | None) -> tuple[Window | None, Window | None]:
    """Of two windows the one that stays, the older, and the one that ends; None: there is none."""
    if own is None or other is None:
        return own or other, None
    return (own, other) if (own.opened, own.decision) <= (other.opened, other.decision) else (other, own)


def _newest(name: str, most: int) -> How:
    """Times by number, of each the later; the newest are kept."""

    def joined(own: Standing, other: Standing) -> dict[int, int]:
        mine, theirs = getattr(own, name), getattr(other, name)
        found = {key: max(mine.get(key, 0), theirs.get(key, 0)) for key in mine.keys() | theirs.keys()}
        kept = sorted(found.items(), key=lambda item: (-item[1], item[0]))[:most]
        return dict(sorted(kept))

    return joined


def _with(name: str, key: Callable[[Any], Any], most: int) -> How:
    """The customer's own, and what the other has beside them."""

    def joined(own: Standing, other: Standing) -> list[Any]:
        mine = list(getattr(own, name))
        known = {key(one) for one in mine}
        return [*mine, *(one for one in getattr(other, name) if key(one) not in known)][:most]

    return joined


def _latest(name: str) -> How:
    return lambda own, other: max(getattr(own, name), getattr(other, name))


def _own(name: str) -> How:
    """What belongs to the customer's own open episode."""
    return lambda own, other: getattr(own, name)


def _answers(own: Standing, other: Standing) -> int:
    """At which parts of the day they answer, as far as it is counted."""
    counts = [mine + theirs for mine, theirs in zip(counts_of(own.answers), counts_of(other.answers), strict=True)]
    while max(counts) > MOST:
        counts = [count // 2 for count in counts]
    return sum(count << 4 * part for part, count in zip(range(PARTS), counts, strict=True))


def _treated(own: Treated | None, other: Treated | None) -> Treated | None:
    """Whatever was drawn under either id was drawn for the customer."""
    if own is None or other is None:
        return own or other
    draws = tuple(sorted({*own.draws, *other.draws})[-MAX_DRAWS:])
    return own._replace(draws=draws, until=max(own.until, other.until))


STANDING: Final[dict[str, How]] = {
    "reached": lambda own, other: max(own.reached, other.reached) if own.reached else 0.0,
    "window_ends": _latest("window_ends"),
    "rests_until": _latest("rests_until"),
    "harmed_until": _latest("harmed_until"),
    "promoted": lambda own, other: own.promoted or other.promoted,
    "waiting": _with("waiting", lambda one: one.moment, MAX_WAITING),
    "once": _newest("once", MAX_ONCE),
    "unreachable": _newest("unreachable", MAX_UNREACHABLE),
    "talks_until": _latest("talks_until"),
    "answers": _answers,
    "running": _with("running", lambda one: one.plan, MAX_RUNNING),
    "carried": _own("carried"),
    "shadowed": _own("shadowed"),
    "live": _own("live"),
    "dates": lambda own, other: tuple(_with("dates", lambda one: one.moment, MAX_DATED)(own, other)),
    "silence_kept": _own("silence_kept"),
    "unsent": _with("unsent", lambda one: one.trigger, MAX_UNSENT),
    "told": _own("told"),
    "window": lambda own, other: older_window(own.window, other.window)[0],
    "treated": lambda own, other: _treated(own.treated, other.treated),
    "shared": _with("shared", lambda one: one.trigger, MAX_OUTSTANDING),
    "inherited": lambda own, other: own.inherited or other.inherited,
}
"""By field. `outstanding` and `counts` go together (`join_standing`), since what has no room in the one goes into the
other; `read` is nothing that is known of the customer."""
TOGETHER: Final = frozenset({"outstanding", "counts", "read"})


def join_standing(own: Standing, other: Standing, now: int) -> list[Settled]:
    """Let a customer's standing have what another one says of them, too. now: log time, ms; what was due while it was
    on its way is due a second later, since a timer never stands before the place that sets it. Returns what had to be
    settled to make room."""
    joined = {name: how(own, other) for name, how in STANDING.items()}
    for count in other.counts:
        count_contact(own, count)
    settled = list[Settled]()
    for entry in sorted(other.outstanding, key=lambda one: (one.time, one.id)):
        settled += _take(own, entry._replace(spent=()))
    for name, value in joined.items():
        setattr(own, name, value)
    own.forget_told()
    _put_off(own, now)
    return settled


def due_on_its_way(now: int) -> int:
    """When that is due whose time came while it was on its way to another id. now: when it has arrived; both ms."""
    return second_from(now + 1)


def _put_off(own: Standing, now: int) -> None:
    """Whatever is due by now is due soon."""
    soon = due_on_its_way(now)

    def later(time: int) -> int:
        return soon if 0 < time <= now else time

    own.window_ends = later(own.window_ends)
    own.waiting = [one._replace(wakes=later(one.wakes)) for one in own.waiting]
    own.dates = tuple(one._replace(wakes=later(one.wakes)) for one in own.dates)
    own.unsent = [one._replace(wakes=later(one.wakes)) for one in own.unsent]
    own.running = [one._replace(due=later(one.due)) for one in own.running]
    own.outstanding = [
        one._replace(expires=later(one.expires) if one.stage in IN_FLIGHT else one.expires, until=later(one.until))
        for one in own.outstanding
    ]


def _take(own: Standing, entry: Outstanding) -> list[Settled]:
    """One more that is out, or was of late; where there is no room for it something is counted by its day."""
    if entry.id and any(one.id == entry.id for one in own.outstanding):
        return []
    settled = make_room(own, forced=True)
    own.outstanding.append(entry)
    own.outstanding.sort(key=lambda one: one.time)
    if len(own.outstanding) > MAX_OUTSTANDING:
        raise ValueError(f"{len(own.outstanding)} triggers are out, a record has room for {MAX_OUTSTANDING}")
    return settled
