"""Keeps a customer's account of points in their record, and emits what is booked in it."""

from __future__ import annotations

from collections.abc import Iterable

from models.customer.restrictions import TEST, unpack_restrictions
from models.customer.tail import Tail
from models.decisions.given import Touched
from models.decisions.person import Person
from models.decisions.points import book, spread_of
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.rules import rules_of
from models.engine.decide import Row
from models.engine.output_buffer import Emitted, Work
from models.ledger_entry import LedgerEntry
from models.loyalty.booking import close
from models.loyalty.stored import pack_account, unpack_account
from models.outputs import LEDGER, Decision, output_id


def keep_points(
    work: Work, policy: PolicyInForce, row: Row, person: Person, touch: Touched | None, phase: int
) -> int | None:
    """Book what a step comes to, in the account that the person has; the balance before. None: nothing has changed.

    Args:
        work: the output buffer.
        policy: in force.
        row: where in the line, about whom.
        person: the customer; their tail is changed.
        touch: the touchpoint of the step; None: a timer.
        phase: the customer's own, ms.
    """
    rules, tail = rules_of(policy).points, person.tail
    if rules is None and not tail.points:
        return None
    account = person.points
    before = account.balance
    said = book(account, rules, person, touch, row.now)
    packed = pack_account(account, spread_of(phase))
    if said:
        _emit(work, policy.name, row, said, person.is_test(row.now))
    changed, tail.points = packed != tail.points, packed
    return before if changed else None


def close_points(work: Work, row: Row, tail: Tail) -> None:
    """The customer is erased: so is their account."""
    if tail.points:
        policy = work.policy.name if work.policy is not None else ""
        test = unpack_restrictions(tail.restrictions).get(TEST)
        is_test = test is not None and not test.over(row.now)
        _emit(work, policy, row, close(unpack_account(tail.points)), is_test)
        tail.points = b""


def _emit(work: Work, policy: str, row: Row, said: Iterable[LedgerEntry], test: bool) -> None:
    at, customer = work.position(row.at), row.customer.decode()
    for number, entry in enumerate(said):
        name = output_id(LEDGER, customer, row.now, at.offset, at.due, number)
        decision = Decision(name, LEDGER, row.now, at, customer, policy=policy, test=test, ledger=entry)
        work.emit(row.at, Emitted("decisions", name, row.customer, decision, row.now))
