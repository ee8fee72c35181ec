"""Whether an entry of the ledger is what its touchpoint, or the time, asks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from models.outputs.ledger_entry import LedgerEntry
from models.touchpoints import Kind, Touch
from streams.operations.audit.breaches import Finding
from streams.operations.audit.points_account import Account, Drawn, Earned
from streams.operations.audit.points_rules import Earns, cents, expiry
from streams.operations.audit.policies import Policy, Table, span
from streams.operations.audit.records import SECOND

MOST_LOTS, MOST_EARNED, MOST_REWARDS, MOST_DRAWN = 16, 32, 8, 32
MOST_POINTS: Final = 2**31 - 1
OWN: Final = {
    "return": "points_taken_back",
    "reward_redeemed": "points_spent",
    "reward_cancelled": "points_given_back",
    "points_adjusted": "points_adjusted",
}
"""Touchpoints that the ledger reads by itself, and the rule about what they book."""


@dataclass(slots=True)
class Asking:
    """A touchpoint at its place. earns: what rules say of it, as far as it is not said yet."""

    customer: str
    touch: Touch
    policy: Policy
    points: Table | None
    now: int
    unsure: bool
    earns: list[Earns]
    answered: int = 0

    def reads(self, kind: str) -> bool:
        """Whether the ledger is looked at when such a touchpoint comes."""
        rules = self.points["earn"].values() if self.points is not None else ()
        return self.points is not None and (kind in OWN or any(kind in rule["touchpoints"] for rule in rules))


def judge(account: Account, entry: LedgerEntry, asking: Asking | None, time: int) -> Iterator[Finding]:
    """What is wrong with an entry. account: as of before; what the auditor remembers beside it is changed."""
    if entry.cause and (asking is None or entry.cause != asking.touch.id):
        yield Finding("points_earned", "a touchpoint at its place", f"{entry.change} by {entry.cause}")
        return
    if asking is not None and entry.cause and entry.change not in ("activated", "merged"):
        asking.answered += 1
    match entry.change:
        case "earned":
            yield from _earned(account, entry, asking)
        case "activated" | "expired":
            yield from _of_time(account, entry, time)
        case "spent" | "refused":
            yield from _spent(account, entry, asking)
        case "given_back":
            yield from _given_back(account, entry, asking)
        case "taken_back":
            yield from _taken_back(account, entry, asking)
        case "adjusted":
            yield from _adjusted(account, entry, asking)
        case "merged":
            if sum(points for _, points in entry.lots) or len(account.in_order) <= MOST_LOTS:
                yield Finding("points_lots", "lots are merged where there are too many", f"{entry.lots}")
            if len(entry.lots) == 2:
                account.merges(entry.lots[0][0], entry.lots[1][0])
        case "closed":
            account.forget_all()
        case "moved_away":
            if dict(entry.lots) != {expires: -points for expires, points in account.lots.items() if points}:
                yield Finding("points_sum", f"all lots move, {account.lots}", f"{entry.lots}")
            account.forget_all()


def _net(entry: LedgerEntry) -> int:
    return sum(points for _, points in entry.lots) + sum(points for *_, points in entry.held) - entry.owed


def _earned(account: Account, entry: LedgerEntry, asking: Asking | None) -> Iterator[Finding]:
    said = next((one for one in asking.earns if one.rule == entry.rule), None) if asking is not None else None
    if asking is None or said is None:
        yield Finding("points_earned", "no rule earns points here", f"{_net(entry)} by {entry.rule}")
        return
    asking.earns.remove(said)
    points = _net(entry)
    held = said.active_at > asking.now
    where = [(active_at, expires) for active_at, expires, _ in entry.held] if held else [lot for lot, _ in entry.lots]
    wanted: list[Any] = [(said.active_at, said.expires)] if held else [said.expires]
    if (
        points != (points if said.points is None else said.points)
        or (where and where != wanted)
        or (held and not where)
        or (not held and -entry.owed != account.becomes_active({said.expires: points}, asking.now)[1])
    ):
        yield Finding("points_earned", f"{said}", f"{points} points, lots {entry.lots}, pending {entry.held}")
    order = getattr(asking.touch.data, "order_id", None) or ""
    if held or (said.until > asking.now and said.cents):
        active_at, touch = said.active_at if held else 0, asking.touch.id_hash
        account.earned.append(Earned(order, touch, active_at, said.until, said.expires, points, said.cents))
        if len(account.earned) > MOST_EARNED and (active := [one for one in account.earned if not one.active_at]):
            account.earned.remove(active[0])


def _of_time(account: Account, entry: LedgerEntry, time: int) -> Iterator[Finding]:
    if entry.change == "expired":
        early = [expires for expires, _ in entry.lots if expires > time]
        for expires, points in entry.lots:
            if -points != account.lots[expires]:
                yield Finding("points_time", f"all of a lot expires, {account.lots[expires]}", f"{-points}")
            account.lapses(expires, -points)
    else:
        room = len(account.earned) > MOST_EARNED
        early = [active_at for active_at, *_ in entry.held if active_at > time and not room]
        for active_at, expires, points in entry.held:
            for place, one in enumerate(account.earned):
                if (one.active_at, one.expires, one.points) == (active_at, expires, -points):
                    one.active_at = 0
                    if room:
                        account.earned.pop(place)
                    break
        if _net(entry):
            yield Finding("points_time", "what was pending becomes active", f"{_net(entry)} more")
    for at in early:
        yield Finding("points_time", f"not before {at}", f"{entry.change} at {time}")


def _spent(account: Account, entry: LedgerEntry, asking: Asking | None) -> Iterator[Finding]:
    kind = Kind(asking.touch.kind).type if asking is not None else ""
    if asking is None or asking.points is None or (entry.change == "spent" and kind != "reward_redeemed"):
        yield Finding("points_spent", "a reward is redeemed", f"{entry.change} without one")
        return
    data: Any = asking.touch.data
    if entry.change == "refused":
        yield from _refused(account, entry, asking, kind, data)
        return
    if data.redemption_id and any(one.reward == data.redemption_id for one in account.drawn):
        yield Finding("points_spent", f"{data.redemption_id} is redeemed once", f"{entry.lots}")
    lots, left = list[tuple[int, int]](), int(data.points)
    for expires, points in account.in_order:
        if left:
            lots.append((expires, -min(points, left)))
            left -= min(points, left)
    if left or account.owed or entry.lots != tuple(lots) or entry.held or entry.owed:
        yield Finding("points_spent", f"{int(data.points)} points from {account.in_order}", f"{entry.lots}")
    until = asking.touch.time // SECOND * SECOND + span(asking.points.get("cancels_within", "30d"))
    if until > asking.now and entry.lots:
        drawn = {expires: -points for expires, points in entry.lots}
        account.drawn.append(Drawn(data.redemption_id or data.reward, until, drawn))
        while len(account.drawn) > MOST_REWARDS or sum(len(one.lots) for one in account.drawn) > MOST_DRAWN:
            account.drawn.pop(0)


def _refused(account: Account, entry: LedgerEntry, asking: Asking, kind: str, data: Any) -> Iterator[Finding]:
    if entry.lots or entry.held or entry.owed:
        yield Finding(OWN.get(kind, "points_earned"), "what is refused books nothing", f"{entry.lots} {entry.held}")
    fair = False
    match kind:
        case "reward_redeemed":
            again = data.redemption_id and any(one.reward == data.redemption_id for one in account.drawn)
            fair = data.points != int(data.points) or data.points > account.balance or bool(again)
        case "reward_cancelled":
            fair = not any(one.reward == (data.redemption_id or data.reward) for one in account.drawn)
        case "return":
            fair = not _refunded(account, data)
        case "points_adjusted":
            fair = -data.points > account.balance or _too_many(account, data.points)
        case _:
            said = next((one for one in asking.earns if one.rule == entry.rule), None)
            undone = 2 if said is not None and said.cents else 1
            fair = said is not None and (said.points is None or _too_many(account, undone * said.points))
            asking.earns = [one for one in asking.earns if one != said]
    if not fair:
        rule = OWN.get(kind, "points_earned")
        yield Finding(rule, f"a balance of {account.balance}, {len(account.drawn)} rewards", f"refused: {entry.why}")


def _too_many(account: Account, points: int) -> bool:
    return points + account.at_most > MOST_POINTS


def _given_back(account: Account, entry: LedgerEntry, asking: Asking | None) -> Iterator[Finding]:
    data: Any = asking.touch.data if asking is not None else None
    cancels = asking is not None and asking.touch.kind == Kind.REWARD_CANCELLED
    drawn = None
    if cancels:
        named = data.redemption_id or data.reward
        drawn = next((one for one in reversed(account.drawn) if one.reward == named), None)
    if drawn is None:
        yield Finding("points_given_back", "no such reward can be cancelled", f"{entry.lots}")
        return
    account.drawn.remove(drawn)
    lots, paid = account.becomes_active(drawn.lots, asking.now if asking is not None else 0)
    if (dict(entry.lots), -entry.owed) != (lots, paid) or entry.held:
        yield Finding("points_given_back", f"{drawn.lots}", f"{entry.lots}")


def _refunded(account: Account, data: Any) -> dict[int, int]:
    """What a refund comes to, cents by touchpoint, the newest first."""
    left, money = {one.touch: one.cents for one in reversed(account.earned) if one.cents}, cents(data.amount)
    purchase_of = {one.touch: one.order or one.touch for one in reversed(account.earned) if one.cents}
    named: str | int | None = data.order_id or None
    if named is None:
        sums = Counter[str | int]()
        for touch, order in purchase_of.items():
            sums[order] += left[touch]
        named = next((order for order, has in sums.items() if has >= money), None)
    found = {}
    for touch, order in purchase_of.items():
        if named is None or named == order:
            found[touch] = min(left[touch], money)
            money -= found[touch]
    return found


def _taken_back(account: Account, entry: LedgerEntry, asking: Asking | None) -> Iterator[Finding]:
    if asking is None or asking.points is None or asking.touch.kind != Kind.RETURN:
        yield Finding("points_taken_back", "a return", f"{entry.lots} {entry.held} without one")
        return
    refunded = _refunded(account, asking.touch.data)
    total = pending = 0
    for one in account.earned:
        money = min(refunded.get(one.touch, 0), one.cents)
        if money:
            back = one.points * money // one.cents
            one.points, one.cents = one.points - back, one.cents - money
            total += back
            pending += back if one.active_at else 0
    account.earned = [one for one in account.earned if one.cents or (one.points and one.active_at)]
    may_owe = asking.points.get("returns", "owed") == "owed"
    active = min(total - pending, account.lots.total())
    says = (total, -pending, -active, total - pending - active if may_owe else 0)
    if not may_owe:
        account.forgives(total - pending - active)
    done = (entry.asked, sum(one[2] for one in entry.held), sum(points for _, points in entry.lots), entry.owed)
    if entry.owed and not may_owe:
        yield Finding("points_owed", "what is spent is forgiven", f"{entry.owed} owed")
    elif says != done:
        told = "{} in all, {} pending, {} active, {} owed"
        yield Finding("points_taken_back", told.format(*says), told.format(*done))


def _adjusted(account: Account, entry: LedgerEntry, asking: Asking | None) -> Iterator[Finding]:
    if asking is None or asking.points is None or asking.touch.kind != Kind.POINTS_ADJUSTED:
        yield Finding("points_adjusted", "somebody gives or takes points", f"{_net(entry)} without that")
        return
    data: Any = asking.touch.data
    time = min(asking.touch.time // SECOND * SECOND, asking.now)
    lots = {expiry(asking.policy, asking.points, time)} if data.points > 0 else {lot for lot, _ in account.in_order}
    paid = account.becomes_active(dict.fromkeys(lots, data.points), asking.now)[1] if data.points > 0 else 0
    if _net(entry) != data.points or not {lot for lot, _ in entry.lots} <= lots or -entry.owed != paid:
        yield Finding("points_adjusted", f"{data.points} points", f"{entry.lots}")
