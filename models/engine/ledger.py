"""Keeps a customer's account of points and their membership in their record, and emits what is booked in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from models.customer.restrictions import TEST, unpack_restrictions
from models.customer.tail import Tail
from models.decisions.given import Touched
from models.decisions.membership import count_touch, pass_time
from models.decisions.person import Person
from models.decisions.points import book, spread_of
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.rules import rules_of
from models.engine.decide import Row
from models.engine.output_buffer import Emitted, Work
from models.loyalty import booking, membership
from models.loyalty.membership_stored import pack_membership, unpack_membership
from models.loyalty.stored import pack_account, unpack_account
from models.outputs import LEDGER, MEMBERSHIP, Decision, output_id
from models.outputs.ledger_entry import LedgerEntry
from models.outputs.membership_entry import MembershipEntry

Entries = Sequence[LedgerEntry] | Sequence[MembershipEntry]


class Booked(NamedTuple):
    """points: the balance before; None: the account is the same. level: what changed of the membership."""

    points: int | None = None
    level: tuple[str, ...] = ()


NOTHING_BOOKED = Booked()


def keep_earned(
    work: Work, policy: PolicyInForce, row: Row, person: Person, touch: Touched | None, phase: int
) -> Booked:
    """Book what a step comes to. The level is that of before the touchpoint while its points are booked.

    Args:
        work: the output buffer.
        policy: in force.
        row: where in the line, about whom.
        person: the customer; their tail is changed.
        touch: the touchpoint of the step; None: a timer.
        phase: the customer's own, ms.
    """
    rules, tail, levels = rules_of(policy).points, person.tail, person.levels
    of_points, of_levels = rules is not None or bool(tail.points), levels is not None or bool(tail.membership)
    if not of_points and not of_levels:
        return NOTHING_BOOKED
    test, spread = person.is_test(row.now), spread_of(phase)
    changed: list[MembershipEntry] = []
    if of_levels:
        changed += pass_time(person, row.now)
        _emit(work, policy.name, row, changed, test)
    booked: list[LedgerEntry] = []
    points = None
    if of_points:
        before = person.points.balance
        booked = book(person.points, rules, person, touch, row.now)
        _emit(work, policy.name, row, booked, test)
        packed = pack_account(person.points, spread)
        points = before if packed != tail.points else None
        tail.points = packed
    if of_levels:
        counted = count_touch(person, touch, booked, row.now)
        _emit(work, policy.name, row, counted, test, len(changed))
        changed += counted
        tail.membership = pack_membership(person.membership, spread)
    return Booked(points, tuple(one.change for one in changed))


def close_earned(work: Work, row: Row, tail: Tail) -> None:
    """The customer is erased: so are their account and their membership."""
    if not tail.points and not tail.membership:
        return
    emit_booked(work, row, booking.close(unpack_account(tail.points)), tail)
    emit_booked(work, row, membership.close(unpack_membership(tail.membership)), tail)
    tail.points = tail.membership = b""


def emit_booked(work: Work, row: Row, said: Entries, tail: Tail) -> None:
    """Emit what was booked where no touchpoint of the ledger did it. tail: of whom it is about."""
    policy = work.policy.name if work.policy is not None else ""
    test = unpack_restrictions(tail.restrictions).get(TEST)
    _emit(work, policy, row, said, test is not None and not test.over(row.now))


def _emit(work: Work, policy: str, row: Row, said: Entries, test: bool, first: int = 0) -> None:
    """first: how many of its sort were emitted at this step before."""
    at, customer = work.position(row.at), row.customer.decode()
    entries: Iterable[LedgerEntry | MembershipEntry] = said
    for number, entry in enumerate(entries, first):
        booked, changed = (entry, None) if isinstance(entry, LedgerEntry) else (None, entry)
        what = LEDGER if booked is not None else MEMBERSHIP
        name = output_id(what, customer, row.now, at.offset, at.due, number)
        decision = Decision(
            name, what, row.now, at, customer, policy=policy, test=test, ledger=booked, membership=changed
        )
        work.emit(row.at, Emitted("decisions", name, row.customer, decision, row.now))
