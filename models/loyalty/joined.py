"""Two accounts of one customer become one: lots concatenate, and so does what can still be undone. And two places in
the loyalty loop: what experiences weigh is added, the stage is looked at anew at the next step."""

from __future__ import annotations

from models.loyalty.account import MAX_SPENT, MOST_POINTS, Account
from models.loyalty.booking import FULL, advance, booked, drop_rewards, make_room, minus, refuse, taken
from models.loyalty.loop import MOST, MOST_COUNTED, PARTS, Loop, LoopRules, index_at
from models.outputs.ledger_entry import LedgerEntry


def moves_away(account: Account, now: int) -> list[LedgerEntry]:
    """What is booked at an id whose account moves: what was due, and all that is left. The account stays as it is to
    move."""
    said = advance(account, now)
    if not (account.lots or account.earned or account.drawn or account.owed):
        return said
    lots = minus(tuple(sorted(account.lots.items())))
    held = tuple((one.active_at, one.expires, -one.points) for one in account.earned if one.active_at)
    return [*said, LedgerEntry("moved_away", lots, held, -account.owed)]


def moves_here(own: Account, other: Account, now: int) -> list[LedgerEntry]:
    """What is booked at the customer's own id, whose account has both in it then. What one of them owes is made up for
    by what the other has."""
    said = advance(own, now)
    if not (other.lots or other.earned or other.drawn or other.owed):
        return said
    if own.at_most + other.at_most > MOST_POINTS:
        return [*said, refuse(own, FULL, other.active + other.pending)]
    before = dict(own.lots)
    for expires, points in other.lots.items():
        own.lots[expires] = own.lots.get(expires, 0) + points
    owed, own.owed = own.owed, own.owed + other.owed
    own.owed -= sum(points for _, points in taken(own, own.owed, sorted(lot for lot in own.lots if lot > now)))
    own.earned = sorted(own.earned + other.earned, key=lambda one: one.until)
    own.drawn = sorted(own.drawn + other.drawn, key=lambda one: one.until)
    changed = {lot: own.lots.get(lot, 0) - before.get(lot, 0) for lot in sorted(own.lots.keys() | before.keys())}
    lots = tuple((lot, points) for lot, points in changed.items() if points)
    held = tuple((one.active_at, one.expires, one.points) for one in other.earned if one.active_at)
    said.append(booked(own, "moved_here", lots, held, own.owed - owed))
    said += make_room(own)
    drop_rewards(own, MAX_SPENT)
    return said + advance(own, now)


def join_loops(own: Loop, other: Loop, rules: LoopRules | None) -> None:
    """Let a customer's place in the loop have what another one says of them, too. rules: of the policy in force; None:
    it has no loop, and nothing fades."""
    newest = max(own.at, other.at)
    left = [one.index / PARTS if rules is None else index_at(one, rules, newest) or 0.0 for one in (own, other)]
    own.index, own.at = round(min(max(sum(left), -MOST), MOST) * PARTS), newest
    if other.sign > own.sign:
        own.slipped = other.slipped
    own.sign, own.back, own.spoke = max(own.sign, other.sign), max(own.back, other.back), max(own.spoke, other.spoke)
    if not own.stage:
        own.stage, own.before = other.stage, other.before
    own.praise = [min(mine + theirs, MOST_COUNTED) for mine, theirs in zip(own.praise, other.praise, strict=True)]
    own.blame = min(own.blame + other.blame, MOST_COUNTED)
