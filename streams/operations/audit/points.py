"""The ledger of points, from the topics alone: what touchpoints and time owe it, and whether its entries add up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from models.outputs import Decision
from models.outputs.ledger_entry import LedgerEntry
from models.touchpoints import Kind, Touch
from streams.operations.audit.breaches import Breach, Finding
from streams.operations.audit.person import REMEMBERED, Person
from streams.operations.audit.points_account import NEVER, Account
from streams.operations.audit.points_entries import MOST_LOTS, OWN, Asking, judge
from streams.operations.audit.points_rules import earns
from streams.operations.audit.policies import InForce, Policy
from streams.operations.audit.records import Place

LEDGER: Final = "ledger"
HALF_AN_HOUR: Final = 1_800_000


class Points:
    """The accounts of a partition. since: what was owed before this log time (ms) is not judged."""

    def __init__(self, in_force: InForce, since: int) -> None:
        self.accounts: dict[str, Account] = {}
        self._in_force, self._since = in_force, since
        self._asking: Asking | None = None
        self.partial, self._last = False, Place(0, 0, 0)
        self._spoken_of: set[str] = set()
        self._erased, self._joined = set[str](), set[str]()
        self._lacking: list[Breach] = []

    def arrives(self, touch: Touch, person: Person, policy: Policy | None, now: int) -> None:
        """A touchpoint comes, and is known to the person by now."""
        self._asking, customer = None, touch.customer
        erases = touch.kind == Kind.ERASE_REQUESTED
        if customer in self._erased and not erases:
            return  # nothing is earned by the consent that reopens, either
        if erases:
            self._erased.add(customer)
        if policy is None:
            return
        unsure = len(person.seen) == REMEMBERED and touch.time < person.newest
        kind, points = Kind(touch.kind).type, policy.points
        found = list(earns(policy, points, touch, person, now)) if points is not None and kind not in OWN else []
        self._asking = Asking(customer, touch, policy, points, now, unsure, found)

    def moved(self, person: Person) -> None:
        """Time has changed the level of the customer whose touchpoint is at hand, or the touchpoint their place in the
        loyalty loop: what it earns is told anew."""
        asking = self._asking
        if asking is None or asking.points is None or asking.answered:
            return
        if Kind(asking.touch.kind).type not in OWN:
            asking.earns = list(earns(asking.policy, asking.points, asking.touch, person, asking.now))

    def speaks_of(self, customer: str) -> None:
        """Something was decided about a customer: they are of this partition."""
        self._spoken_of.add(customer)

    def begins_anew(self, customer: str, unsure: bool = False) -> None:
        """An erased customer is said to be back, or nothing is known of them any more. unsure: nobody can say; then
        their account is only added up."""
        self._erased.discard(customer)
        if unsure:
            self.accounts.setdefault(customer, Account()).blurred = True

    def joins(self, customer: str) -> None:
        """What another id had is booked in the account: what it was earned for is not known here."""
        self.accounts.setdefault(customer, Account()).blurred = True
        self._joined.add(customer)

    def hears(self, decision: Decision, person: Person | None, place: Place) -> Iterator[Finding]:
        """An entry is said. What a backfill has booked has no touchpoint in the log, and is only added up."""
        entry = decision.ledger
        if entry is None:
            yield Finding("points_sum", "an entry says what is booked", "nothing")
            return
        begins = decision.customer not in self.accounts
        account = self.accounts.setdefault(decision.customer, Account())
        account.blurred |= place.offset < 0 or self._in_force.policy is None
        asking = self._asking if self._asking is not None and self._asking.customer == decision.customer else None
        account.forget(decision.time)
        found = list(judge(account, entry, asking, decision.time))
        if begins and self.partial:
            account.unknown = (entry.balance, entry.pending) != _alone(entry)
        if not (account.blurred or account.unknown):
            yield from found
        before = account.balance
        account.post(entry)
        account.risen.append((decision.time, before, account.balance))
        less = min([*account.lots.values(), *account.held.values(), account.owed], default=0)
        amiss = (entry.balance, entry.pending) != (account.balance, account.pending) or less < 0
        if amiss and not account.unknown:
            comes_to = f"its entries come to {account.balance}, and {account.pending} pending"
            yield Finding("points_sum", comes_to, f"{entry.balance}, and {entry.pending}")
        if person is not None:
            person.points = account
            lots = {expires for expires, _ in account.in_order if expires != NEVER}
            person.contract.of("points_expire").are(lots, decision.time)

    def judge(self, place: Place) -> None:
        """What a touchpoint owes the ledger and nobody has said, once its place is over."""
        asking, self._asking, self._last = self._asking, None, place
        if asking is None:
            return
        account, kind = self.accounts.get(asking.customer, Account()), Kind(asking.touch.kind).type
        told, erases = (asking.customer, place, asking.now), asking.touch.kind == Kind.ERASE_REQUESTED
        account.forget(asking.now)
        if account.blurred or account.unknown:
            return
        if says := _unsaid(account, asking, kind):
            finding = Finding("points_unsaid", f"{says}, by {asking.touch.id}", "nothing is said")
            self._lacking += self._breach(finding, *told)
        if len(account.in_order) > MOST_LOTS:
            self._lacking += self._breach(Finding("points_lots", f"{MOST_LOTS} lots at most", "there are more"), *told)
        if erases:
            account.forget_all()
        elif asking.reads(kind):
            self._lacking += self._late(account, 0, *told)

    def breaches(self, now: int) -> Iterator[Breach]:
        """At the end of the log, what was not said, and what has come to its time and is not booked."""
        for customer, account in self.accounts.items():
            self._lacking += self._late(account, HALF_AN_HOUR, customer, self._last, now)
        yield from (one for one in self._lacking if one.customer in self._spoken_of)

    def notes(self) -> Iterator[str]:
        """Touchpoints that may be of another partition, which the engine refuses."""
        of_one = (account for customer, account in self.accounts.items() if customer not in self._joined)
        if blurred := sum(one.blurred or one.unknown for one in of_one):
            yield f"{blurred} accounts of points began before the log: they are added up at the most"
        if unknown := {one.customer for one in self._lacking} - self._spoken_of:
            yield f"{len(unknown)} customers would have points, and nothing was ever decided about them"

    def _late(self, account: Account, after: int, customer: str, place: Place, now: int) -> Iterator[Breach]:
        if account.unknown:
            return
        for at, points in account.overdue(now, after):
            finding = Finding("points_unsaid", f"{points} points come to their time at {at}", "nothing is said")
            yield from self._breach(finding, customer, place, at + after)
            return

    def _breach(self, finding: Finding, customer: str, place: Place, time: int) -> Iterator[Breach]:
        policy = self._in_force.policy.name if self._in_force.policy else ""
        if time >= self._since:
            yield Breach(finding.rule, "", customer, "", policy, finding.says, finding.done, place, time)


def _alone(entry: LedgerEntry) -> tuple[int, int]:
    """What an account comes to that has this entry alone."""
    return sum(points for _, points in entry.lots) - entry.owed, sum(points for *_, points in entry.held)


def _unsaid(account: Account, asking: Asking, kind: str) -> str:
    """What a touchpoint owes that is not said; empty: nothing."""
    if kind == "erase_requested":
        return "the account is closed" if account.in_order or account.owed or account.pending else ""
    if asking.points is None or asking.unsure:
        return ""
    if kind not in OWN:
        return ", ".join(f"{one.rule} earns {one.points}" for one in asking.earns if one.owed)
    return kind if not asking.answered else ""
