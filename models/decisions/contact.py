"""Contacts: reserved with the trigger, settled by time and by what is said of them, and counted by the day for caps.

A reservation is one entry of `Standing`. Of its contact somebody says that it arrived (*delivered*) or was never sent
(*given back*): `models.decisions.reports`. When its expiry passes without a word it counts as delivered, until one of
both is said. A withdrawal by us is no such word: nobody knows yet whether the sender obeyed. The promotion in it is
open until it is redeemed, declined, given back or over. What is settled and old becomes a count by day.

Times are log time in ms. All of it changes the `Standing` that it is given, and expects one that `settle` has brought
to the present.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from models.customer.moments import whole
from models.customer.restrictions import ACTION_PURPOSES
from models.customer.restrictions import CARE as TO_CARE
from models.customer.restrictions import MARKETING as TO_MARKET
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.rules import rules_of
from models.decisions.standing import (
    IN_FLIGHT,
    LONGEST_WINDOW,
    MAX_COUNTS,
    MAX_OUTSTANDING,
    TAKES_ROOM,
    DayCount,
    Outstanding,
    Spent,
    Stage,
    Standing,
    Waiting,
    channel_number,
)
from models.settings import DAY, SECOND

CARE, MARKETING = ACTION_PURPOSES.index(TO_CARE), ACTION_PURPOSES.index(TO_MARKET)
KEPT: Final = 14 * DAY
"""So long a settled trigger is kept, since more may be said of it."""
OTHERS_KEPT: Final = DAY
"""So long a contact by others is kept; nothing more can be said of it."""
MOST_OF_A_DAY: Final = 255
NEVER: Final = 2**62
"""Behind every moment, ms."""

_FLYING, _HELD = (*map(int, IN_FLIGHT),), int(Stage.HELD)
_OUT, _GIVEN_BACK, _DELIVERED = Stage.OUT, int(Stage.GIVEN_BACK), int(Stage.DELIVERED)
"""As numbers, which are compared in a fifth of the time."""

# What happens to a reservation.
DELIVERED, GIVEN_BACK, LATE, REFUSED = "delivered", "given_back", "late", "refused"
DECLINED, REDEEMED, UNUSED = "declined", "redeemed", "unused"


class Settled(NamedTuple):
    """What became of a reservation.

    id: the trigger's (`id_of`). entry: as it was before. what: ``delivered`` (or presumed so), ``given_back``, ``late``
    (delivered after it was given back), ``refused`` (a give-back of what was delivered); of its promotion ``declined``,
    ``redeemed``, ``unused``.
    """

    id: int
    what: str
    entry: Outstanding


def reserve(
    standing: Standing,
    policy: PolicyInForce,
    action: str,
    channel: str,
    trigger: int,
    now: int,
    expires: int = 0,
    until: int = 0,
    in_episode: bool = False,
    spent: tuple[Spent, ...] = (),
    asked: Waiting | None = None,
) -> list[Settled]:
    """Reserve what a trigger takes: a contact, and the slot of its promotion.

    Args:
        trigger: its id (`id_of`).
        expires, until: of the trigger and of its promotion; 0: as the policy says.
        in_episode: a promotion is the open episode's.
        spent: what it has taken of budgets (`models.decisions.purse`).
        asked: what asked, where it may ask once more if the trigger is not sent.

    Returns:
        what had to be settled to make room: nothing, as long as gates are obeyed.
    """
    rules = rules_of(policy)
    one = rules.actions[action]
    made = make_room(standing, forced=True)
    if one.once_per:
        remember(standing, policy, one.number, now)
    if one.promotion:
        standing.promoted = standing.promoted or in_episode
        until = until or now + one.valid
    standing.outstanding.append(
        Outstanding(
            trigger,
            second_from(now),
            second_from(expires or now + one.expires),
            second_from(until),
            channel_number(channel),
            one.number,
            one.kind,
            ACTION_PURPOSES.index(one.purpose),
            _OUT,
            spent,
            0 if asked is None else asked.moment,
            0 if asked is None else asked.asked,
        )
    )
    return made


def remember(standing: Standing, policy: PolicyInForce, number: int, now: int) -> None:
    """Let a moment or action of `once_per` have been just now. What the policy no longer asks for is forgotten."""
    once_per = rules_of(policy).once_per
    kept = {key: time for key, time in standing.once.items() if now < time + once_per.get(key, 0) and key != number}
    kept[number] = second_from(now)
    standing.once = kept


def release(standing: Standing, trigger: int) -> tuple[Spent, ...]:
    """Let what is reserved be as if it never had been; what it had taken of budgets. trigger: its number."""
    at = find(standing, trigger)
    if at is None or standing.outstanding[at].stage != Stage.HELD:
        return ()
    entry = standing.outstanding.pop(at)
    if entry.until:
        standing.promoted = False
    if standing.once.get(entry.action) == entry.time:
        del standing.once[entry.action]
    return entry.spent


def hold(standing: Standing) -> None:
    """What was reserved last is for no trigger yet."""
    standing.outstanding[-1] = standing.outstanding[-1]._replace(stage=Stage.HELD)


def withdraw(standing: Standing, trigger: int, final: frozenset[int] = frozenset()) -> bool:
    """Mark a trigger as taken back; whether it was out. It keeps what it reserved: the sender may not obey. final:
    channels from which nothing is taken back."""
    at = find(standing, trigger)
    if at is None or standing.outstanding[at].stage != Stage.OUT or standing.outstanding[at].channel in final:
        return False
    standing.outstanding[at] = standing.outstanding[at]._replace(stage=Stage.WITHDRAWN)
    return True


def settle(standing: Standing, now: int) -> list[Settled]:
    """Do what time alone does: expiries, ends of promotions, windows and rests, what is old enough to be counted by the
    day or forgotten. From then on the next timer is a moment that waits, or lies ahead."""
    settled: list[Settled] = []
    if standing.outstanding and min(map(due_at, standing.outstanding)) <= now:
        kept: list[Outstanding] = []
        for former in standing.outstanding:
            entry = former
            if entry.expires <= now and entry.stage in _FLYING:
                settled.append(Settled(entry.id, DELIVERED, entry))
                entry = entry._replace(stage=Stage.PRESUMED, time=entry.expires)
            if 0 < entry.until <= now and entry.stage != _GIVEN_BACK:
                settled.append(Settled(entry.id, UNUSED, entry))
                entry = without_promotion(entry)
            if now < _done_at(entry):
                kept.append(entry)
            elif entry.stage != _GIVEN_BACK:
                count_entry(standing, entry)
        standing.outstanding = kept
    if standing.counts and min(standing.counts).ends + LONGEST_WINDOW <= now:
        standing.counts = [one for one in standing.counts if now < one.ends + LONGEST_WINDOW]
    if standing.window_ends <= now:
        standing.window_ends = 0
    if standing.rests_until <= now:
        standing.rests_until = 0
    if standing.harmed_until <= now:
        standing.harmed_until = 0
    if standing.talks_until <= now:
        standing.talks_until = 0
    if standing.treated is not None and 0 < standing.treated.until <= now:
        standing.treated = None
    return settled


def without_promotion(entry: Outstanding) -> Outstanding:
    """Its promotion is over and was not used: the money that it has taken of budgets is free again."""
    return entry._replace(until=0, spent=tuple(one for one in entry.spent if not one.money))


def second_from(ms: int) -> int:
    """The first whole second from a moment on, as the record can keep it: nothing ends before its time. 0: none."""
    return whole(ms + SECOND - 1) if ms > 0 else 0


def find(standing: Standing, trigger: int) -> int | None:
    """Where a trigger's entry stands; 0 is nobody's."""
    return next((at for at, one in enumerate(standing.outstanding) if trigger and one.id == trigger), None)


def due_at(entry: Outstanding) -> int:
    """From when on `settle` would change an entry, ms."""
    ident, time, expires, until, _, _, _, purpose, stage, _, _, _ = entry
    if stage == _GIVEN_BACK:
        return expires + KEPT
    if stage in _FLYING:
        return min(expires, until) if until else expires
    if until:
        return until
    if stage == _HELD:
        return NEVER
    if purpose != MARKETING and (purpose != CARE or stage == _DELIVERED):
        return 0
    return time + (KEPT if ident else OTHERS_KEPT)


def _done_at(entry: Outstanding) -> int:
    """From when on an entry has nothing more to wait for, ms."""
    if entry.stage == _GIVEN_BACK:
        return entry.expires + KEPT
    if entry.stage in _FLYING or entry.stage == _HELD or entry.until:
        return NEVER
    if entry.purpose != MARKETING and (entry.purpose != CARE or entry.stage == _DELIVERED):
        return 0
    return entry.time + (KEPT if entry.id else OTHERS_KEPT)


def make_room(standing: Standing, forced: bool) -> list[Settled]:
    """Make room for one entry: what was given back goes first, then the oldest settled one into its day's count.
    forced: then one that is not settled, as if it had arrived."""
    entries = standing.outstanding
    if len(entries) < MAX_OUTSTANDING:
        return []
    at = min(range(len(entries)), key=lambda place: (*_worth(entries[place]), place))
    entry = entries[at]
    worth = _worth(entry)[0]
    if worth > _SETTLED and not forced:
        return []
    del entries[at]
    if entry.stage == Stage.GIVEN_BACK:
        return []
    count_entry(standing, entry)
    settled = [Settled(entry.id, DELIVERED, entry)] if entry.stage in IN_FLIGHT else []
    return [*settled, Settled(entry.id, UNUSED, entry)] if entry.until else settled


_SETTLED: Final = 1


def _worth(entry: Outstanding) -> tuple[int, int]:
    """How much is lost with an entry: the least goes first, of equals the oldest."""
    if entry.stage == Stage.GIVEN_BACK:
        return 0, entry.time
    if entry.stage == Stage.HELD:
        return 5, entry.time  # it is to be given back, or sent; a record has one of them
    if entry.stage not in TAKES_ROOM and not entry.until:
        return _SETTLED, entry.time
    if entry.purpose != MARKETING:
        return 4, entry.time  # a sender who asks whether it may still be sent is told what is known
    return (3 if entry.until else 2), entry.time


def count_entry(standing: Standing, entry: Outstanding) -> None:
    """Make an entry a count of its day. Contract and legal are never counted."""
    if entry.purpose not in (CARE, MARKETING):
        return
    count_contact(standing, DayCount(entry.time // DAY, entry.channel, entry.kind, entry.purpose, 1))


def count_contact(standing: Standing, new: DayCount) -> None:
    """Add contacts to those of their day."""
    for at, one in enumerate(standing.counts):
        if one[:4] == new[:4]:
            standing.counts[at] = _joined(one, new)
            return
    standing.counts.append(new)
    if len(standing.counts) > MAX_COUNTS:
        standing.counts = _fewer(sorted(standing.counts))


def _fewer(counts: list[DayCount]) -> list[DayCount]:
    """One less: the oldest that has a later one of its sort joins it, so that nothing leaves a window too early."""
    for at, one in enumerate(counts):
        for later in range(at + 1, len(counts)):
            if counts[later][1:4] == one[1:4]:
                counts[later] = _joined(counts[later], one)
                return counts[:at] + counts[at + 1 :]
    return counts[1:]


def _joined(one: DayCount, other: DayCount) -> DayCount:
    return one._replace(contacts=min(one.contacts + other.contacts, MOST_OF_A_DAY))
