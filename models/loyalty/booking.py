"""What is booked in an account of points. Each function changes the account and says what it did, entry by entry: the
account is the sum of its entries."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Final

from models.loyalty.account import MAX_EARNED, MAX_LOTS, MAX_PARTS, MAX_SPENT, MOST_POINTS, Account, Drawn, Earned
from models.outputs.ledger_entry import LedgerEntry

NOT_COVERED, NOT_WHOLE, FULL = "not_covered", "not_whole", "account_full"
UNKNOWN_REWARD, UNKNOWN_ORDER, REDEEMED = "unknown_reward", "unknown_order", "redeemed_already"
"""Why something is refused."""
EARLY: Final = "to have room for what came since"
Lots = tuple[tuple[int, int], ...]


def advance(account: Account, now: int) -> list[LedgerEntry]:
    """Let what has come to its time become active or expire, in the order of time; forget what can be undone no more.
    Then there are no more lots than a record has."""
    said: list[LedgerEntry] = []
    while True:
        due = min((one for one in account.earned if one.active_at), key=lambda one: one.active_at, default=None)
        expires = min(account.lots, default=now + 1)
        if due is not None and due.active_at <= min(now, expires):
            said += _activate(account, due)
        elif expires <= now:
            points = account.lots.pop(expires)
            _lapse(account, expires, points)
            said.append(booked(account, "expired", lots=((expires, -points),)))
        else:
            break
    account.earned = [one for one in account.earned if one.active_at or one.until > now]
    account.drawn = [one for one in account.drawn if one.until > now]
    return said + _fit(account)


def earn(account: Account, now: int, earned: Earned) -> list[LedgerEntry]:
    """Points are earned: pending until `earned.active_at`, or active at once."""
    if earned.points * (2 if earned.cents else 1) + account.at_most > MOST_POINTS:
        return [refuse(account, FULL, earned.points)]
    if earned.active_at > now:
        account.earned.append(earned)
        held = ((earned.active_at, earned.expires, earned.points),)
        said = [booked(account, "earned", held=held)]
    else:
        if earned.until > now and earned.cents:
            account.earned.append(earned._replace(active_at=0))
        lots, owed = _put(account, ((earned.expires, earned.points),), now)
        said = [booked(account, "earned", lots=lots, owed=-owed)]
    return said + make_room(account)


def spend(account: Account, now: int, points: int, reward: int, until: int) -> list[LedgerEntry]:
    """Draw from the lots that expire first. until: the reward can be cancelled before, ms."""
    if points > account.balance:
        return [refuse(account, NOT_COVERED, points)]
    parts = taken(account, points, sorted(account.lots))
    if until > now and parts:
        account.drawn.append(Drawn(reward, until, parts))
        drop_rewards(account, MAX_SPENT)
    return [booked(account, "spent", lots=minus(parts))]


def cancel(account: Account, now: int, reward: int) -> list[LedgerEntry]:
    """A reward is cancelled: its points go back to the lots that they came from. Of two with one number the later."""
    drawn = next((one for one in reversed(account.drawn) if one.reward == reward), None)
    if drawn is None:
        return [refuse(account, UNKNOWN_REWARD)]
    account.drawn.remove(drawn)
    lots, owed = _put(account, drawn.parts, now)
    return [booked(account, "given_back", lots=lots, owed=-owed)]


def take_back(account: Account, order: int, cents: int, may_owe: bool) -> list[LedgerEntry]:
    """Money is refunded: the same share of what it had earned goes, rounded down, and all with the last of it.

    Pending points go first, then active ones: those of its lot, then of the lots that expire last. What is spent
    already is owed, or forgiven: then no cancelled reward gives it back.

    Args:
        account: changed.
        order: its number; 0: none was named, so it is the newest one that so much can be refunded of, else the newest
            ones together. Of an order with several touchpoints the newest is refunded first.
        cents: that are refunded, hundredths.
        may_owe: whether a balance may become negative.
    """
    meant = _refunds(account, order, cents)
    if not meant:
        return [refuse(account, UNKNOWN_ORDER)]
    held: list[tuple[int, int, int]] = []
    lots: dict[int, int] = {}
    asked = spent = 0
    for place, one in enumerate(account.earned):
        refunded = min(meant.get((one.order, one.touch), 0), one.cents)
        if not refunded:
            continue
        back = one.points * refunded // one.cents
        account.earned[place] = one._replace(points=one.points - back, cents=one.cents - refunded)
        asked += back
        if one.active_at:
            held.append((one.active_at, one.expires, -back))
            continue
        own = [one.expires] if one.expires in account.lots else []
        parts = taken(account, back, own + [lot for lot in sorted(account.lots, reverse=True) if lot not in own])
        for expires, points in parts:
            lots[expires] = lots.get(expires, 0) - points
            back -= points
        spent += back
    owed = spent if may_owe else 0
    account.owed += owed
    _forgive(account, spent - owed)
    account.earned = [one for one in account.earned if one.cents or (one.active_at and one.points)]
    found = tuple(one for one in held if one[2])
    return [booked(account, "taken_back", lots=tuple(sorted(lots.items())), held=found, owed=owed, asked=asked)]


def adjust(account: Account, now: int, points: int, expires: int) -> list[LedgerEntry]:
    """A person gives or takes points. expires: of what is given."""
    if points < 0:
        if -points > account.balance:
            return [refuse(account, NOT_COVERED, -points)]
        return [booked(account, "adjusted", lots=minus(taken(account, -points, sorted(account.lots))))]
    if points + account.at_most > MOST_POINTS:
        return [refuse(account, FULL, points)]
    lots, owed = _put(account, ((expires, points),), now)
    return [booked(account, "adjusted", lots=lots, owed=-owed)]


def close(account: Account) -> list[LedgerEntry]:
    """The account comes to its end with whatever is in it."""
    lots = minus(tuple(sorted(account.lots.items())))
    held = tuple((one.active_at, one.expires, -one.points) for one in account.earned if one.active_at)
    owed, account.owed = account.owed, 0
    account.lots.clear()
    account.earned.clear()
    account.drawn.clear()
    return [booked(account, "closed", lots=lots, held=held, owed=-owed)] if lots or held or owed else []


def refuse(account: Account, why: str, asked: int = 0) -> LedgerEntry:
    """Nothing is booked. asked: points that were."""
    return booked(account, "refused", asked=asked, why=why)


# -- parts


def make_room(account: Account) -> list[LedgerEntry]:
    """No more of what was earned of late than a record has: the first that is active is forgotten; where all are
    pending the first becomes active before its time."""
    said: list[LedgerEntry] = []
    while len(account.earned) > MAX_EARNED:
        first = next((one for one in account.earned if not one.active_at), None)
        if first is None:
            first = account.earned[0]._replace(active_at=0)
            said += _activate(account, account.earned[0], EARLY)
        account.earned.remove(first)
    return said


def drop_rewards(account: Account, most: int) -> None:
    """No more rewards that can be cancelled than `most`, and than a record has room for: the first can be no more."""
    while len(account.drawn) > most or sum(len(one.parts) for one in account.drawn) > MAX_PARTS:
        account.drawn.pop(0)


def booked(
    account: Account,
    change: str,
    lots: Lots = (),
    held: tuple[tuple[int, int, int], ...] = (),
    owed: int = 0,
    asked: int = 0,
    why: str = "",
) -> LedgerEntry:
    """An entry, with what there is after it."""
    return LedgerEntry(change, lots, held, owed, asked, account.balance, account.pending, why)


def minus(parts: Lots) -> Lots:
    """What goes."""
    return tuple((expires, -points) for expires, points in parts)


def _activate(account: Account, earned: Earned, why: str = "") -> list[LedgerEntry]:
    place = account.earned.index(earned)
    account.earned[place] = earned._replace(active_at=0)
    lots, owed = _put(account, ((earned.expires, earned.points),), earned.active_at)
    held = ((earned.active_at, earned.expires, -earned.points),)
    return [booked(account, "activated", lots=lots, held=held, owed=-owed, why=why)]


def _put(account: Account, parts: Lots, now: int) -> tuple[Lots, int]:
    """Let points become active: they make up for what is owed first, unless they have expired by now. Returns what went
    into which lot, and how much made up."""
    made_up, found = 0, []
    for expires, points in parts:
        less = min(account.owed, points) if expires > now else 0
        account.owed -= less
        made_up += less
        if points > less:
            account.lots[expires] = account.lots.get(expires, 0) + points - less
            found.append((expires, points - less))
    return tuple(found), made_up


def _lapse(account: Account, expires: int, points: int) -> None:
    """What has expired is taken back no more: of what was earned into that lot the newest, since a spend draws from the
    oldest."""
    for place in reversed(range(len(account.earned))):
        one = account.earned[place]
        if one.expires == expires and not one.active_at:
            less = min(points, one.points)
            account.earned[place] = one._replace(points=one.points - less)
            points -= less


def _forgive(account: Account, points: int) -> None:
    """What is spent and was forgiven comes back no more: of the newest rewards first."""
    for place in reversed(range(len(account.drawn))):
        one, parts = account.drawn[place], list[tuple[int, int]]()
        for expires, drawn in one.parts:
            less = min(points, drawn)
            points -= less
            if drawn > less:
                parts.append((expires, drawn - less))
        account.drawn[place] = one._replace(parts=tuple(parts))


def taken(account: Account, points: int, order: list[int]) -> Lots:
    """Take points from lots, in an order; as many as there are."""
    found = []
    for expires in order:
        taken = min(points, account.lots[expires])
        if taken == 0:
            break
        found.append((expires, taken))
        points -= taken
        account.lots[expires] -= taken
        if not account.lots[expires]:
            del account.lots[expires]
    return tuple(found)


def _refunds(account: Account, order: int, cents: int) -> dict[tuple[int, int], int]:
    """What a refund comes to: cents by order and touchpoint. Each cent is refunded once, whatever rules earned."""
    can = {(one.order, one.touch): one.cents for one in reversed(account.earned) if one.cents}
    if not order:
        orders = Counter[int]()
        for (named, _), left in can.items():
            orders[named] += left
        order = next((named for named, left in orders.items() if left >= cents), 0)
    found = {}
    for one, left in can.items():
        if order in (0, one[0]):
            found[one] = min(cents, left)
            cents -= found[one]
    return found


def _fit(account: Account) -> list[LedgerEntry]:
    """No more lots than a record has: those closest to each other become one, at the later expiry."""
    said = []
    while len(account.lots) > MAX_LOTS:
        first, second = min(pairwise(sorted(account.lots)), key=lambda pair: pair[1] - pair[0])
        points = account.lots.pop(first)
        account.lots[second] += points
        account.earned = [
            one._replace(expires=second) if one.expires == first and not one.active_at else one
            for one in account.earned
        ]
        account.drawn = [one._replace(parts=_moved(one.parts, first, second)) for one in account.drawn]
        said.append(booked(account, "merged", lots=((first, -points), (second, points))))
    return said


def _moved(parts: Lots, first: int, second: int) -> Lots:
    """Parts of a reward, those of the first lot in the second."""
    found = Counter[int]()
    for expires, points in parts:
        found[second if expires == first else expires] += points
    return tuple(sorted(found.items()))
