"""Walks the line of one partition: touchpoints teach, what was said at their places is checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from models.outputs import Decision, Trigger, Withdrawal
from models.touchpoints import Kind, Rejected, Touch, read
from models.touchpoints.reading import FORWARDED
from streams.operations.audit.answered import of_decided, of_levels, of_link, of_outranking
from streams.operations.audit.breaches import Breach, Finding, Report
from streams.operations.audit.checks import CHECKS, OF_RESENT, Case
from streams.operations.audit.checks.resent import of_resent
from streams.operations.audit.dialogue import Dialogue, Sent
from streams.operations.audit.identities import IN_PART, KNOWN, UNKNOWN, Identities
from streams.operations.audit.joins import Where
from streams.operations.audit.ledger import Ledger
from streams.operations.audit.loyalty import LOYALTY, Loops
from streams.operations.audit.outside import ASKS, MAY_CONTACT, PREVIEWED, of_reservation, of_test
from streams.operations.audit.person import Person
from streams.operations.audit.policies import POLICY_CHOSEN, InForce
from streams.operations.audit.programme import BOOKS, Programme
from streams.operations.audit.records import Arrival, Known, Line, Place, Said
from streams.operations.audit.said import SaidByPlace
from streams.operations.audit.sharing import NOT_ASKED
from streams.operations.audit.stops import MENTIONS, Stopped
from streams.operations.audit.windows import Windows
from streams.operations.audit.withdrawals import Foreign, before, owed, why_stray

DECIDES = frozenset(
    {"episode_opened", "decided", "waits", "shadow", "plan_started", "shared_proposed", "shared_reserved"}
)
"""What is never said of who was erased."""
OPENS, CLOSES = "episode_opened", frozenset({"episode_closed", "void", "erased", "forgotten"})


@dataclass(slots=True)
class _Customer:
    person: Person
    dialogue: Dialogue = field(default_factory=Dialogue)


@dataclass(slots=True)
class _Owed:
    customer: str
    sent: Sent
    why: str
    policy: str


class Walk:
    """One partition."""

    def __init__(self, line: Line, report: Report, ledger: Ledger, foreign: Foreign, told: Known) -> None:
        self.line, self.report, self.ledger, self.foreign, since = line, report, ledger, foreign, told.since
        self.lateness, self.since, self.alive = told.lateness, since, told.alive
        self.gone_after, self.gone_within = told.leaves
        self.blurred = self.in_part = 0
        self.now = 0
        self.in_force, self.stopped = InForce(), Stopped()
        self.programme, self.loops = Programme(self.in_force, since), Loops(told.alive, told.silence, since)
        self.breaches: list[Breach] = []
        self._customers: dict[str, _Customer] = {}
        self._ids: set[tuple[str, str]] = set()
        self._decided: dict[str, Decision] = {}
        self._asked: Touch | None = None
        self._resent: dict[str, Decision] = {}
        self._identities = Identities(Windows(told.lateness), self.programme, foreign.joins)
        self._made: dict[str, str] = {}  # by decision, its last trigger
        self._owed: dict[str, _Owed] = {}
        self._waits: dict[str, list[Decision]] = {}

    def go(self) -> None:
        """From the first record to the last."""
        said = SaidByPlace(self.line)
        begun = False
        for arrival in self.line.touchpoints:
            if not begun and arrival.offset:
                self.loops.partial = self.programme.is_partial()
                where = f"partition {self.line.partition} begins at offset {arrival.offset}"
                self.report.notes.append(f"{where}: what was said before is not known")
            begun = True
            self._places(said.up_to(arrival.offset, 0))
            self.now = max(self.now, arrival.timestamp)
            place = Place(self.line.partition, arrival.offset, 1)
            self._arrives(arrival, place)
            self._places(said.up_to(arrival.offset, 1))
            self._lacking(place)
        self.breaches += self.programme.breaches(self.now)
        for draw, found in self._identities.windows.unended(self.now):
            self._found(draw, Place.of(draw.at), [found])
        self.in_force.settle()
        notes = [f"{left} outputs stand behind the last touchpoint"] if (left := said.left()) else []
        if self.blurred:
            notes.append(f"{self.blurred} triggers are not judged: {UNKNOWN}")
        if self.in_part:
            notes.append(f"{self.in_part} triggers are judged in part, {IN_PART}")
        self.report.notes += [f"partition {self.line.partition}: {note}" for note in (*notes, *self.programme.notes())]
        self.report.unread += said.unread.records

    # -- touchpoints

    def _arrives(self, arrival: Arrival, place: Place) -> None:
        value = arrival.value
        if value and arrival.key is None and POLICY_CHOSEN in value:
            self.in_force.arrives(place, value)
            return
        if value and arrival.key is None and any(word in value for word in MENTIONS) and self.stopped.arrives(value):
            return
        touch = read(value, arrival.key, arrival.timestamp)
        self._asked = None
        if isinstance(touch, Rejected) or not touch.customer or touch.kind == Kind.LOOKED_AT:
            return
        customer = self._customers.get(touch.customer)
        if touch.kind in ASKS:
            self._asked = touch
            return
        if touch.kind == Kind.SHARED_MOMENT:
            self._shared(customer, touch)
            return
        if customer is None:
            if arrival.key != touch.customer.encode():
                return  # the engine refuses it as well
            customer = self._customers[touch.customer] = self._unknown()
        self.report.touchpoints += 1
        forwarded = value is not None and value.startswith(FORWARDED)
        where = Where(place, self.now, self.in_force.policy)
        if self._identities.teaches(touch, customer.person, customer.dialogue, where, forwarded):
            self._touch(customer, touch, place)

    def _shared(self, customer: _Customer | None, touch: Touch) -> None:
        policy = self.in_force.policy
        known = None if customer is None or self._identities.is_anothers(touch.customer) else customer.dialogue
        for sent in self.foreign.shared.arrives(touch, known, policy, self.now):
            why = "the other one is not offered it"
            self._owed[sent.id] = _Owed(touch.customer, sent, why, policy.name if policy else "")

    def _touch(self, customer: _Customer, touch: Touch, place: Place) -> None:
        person, dialogue, policy = customer.person, customer.dialogue, self.in_force.policy
        if self.gone_after and (since := person.silent_since()) and self.now >= since + self.gone_after:
            person.blurred |= self.now < since + self.gone_after + self.gone_within
            person.leave()
            self.programme.begins_anew(touch.customer, unsure=person.blurred or person.joined)
        was = before(person, dialogue, self.now) if policy and dialogue.sent else None
        person.take(touch, self.now, touch.time < self.now - self.lateness, policy is not None)
        self.loops.arrives(touch, person, policy, self.now)
        self.programme.arrives(touch, person, policy, self.now)
        if policy is not None and (not person.erased or touch.kind == Kind.ERASE_REQUESTED):
            dialogue.take(touch, place, self.now, policy)
        if was is not None and policy is not None:
            for sent, why in owed(policy, was, person, dialogue, touch, self.now):
                self._owed[sent.id] = _Owed(touch.customer, sent, why, policy.name)

    def _unknown(self) -> _Customer:
        return _Customer(Person(self.alive == "purchase"))

    # -- what was said

    def _places(self, groups: Iterator[tuple[Place, list[Said]]]) -> None:
        for place, said in groups:
            for one in said:
                match one:
                    case Decision():
                        self._decision(one, place)
                    case Withdrawal():
                        self._withdrawal(one, place)
                    case Trigger():
                        self._trigger(one, place)
            for decision in self._decided.values():
                if decision.trigger and decision.time >= self.since:
                    says = f"trigger {decision.trigger}"
                    self._found(decision, place, [Finding("no_trigger", says, "there is none at its place")])
            self._decided.clear()
            self._resent.clear()
            self._waits.clear()

    def _decision(self, decision: Decision, place: Place) -> None:
        self.report.decisions += decision.time >= self.since
        if decision.what == "policy_in_force":
            self._policy(decision, place)
        elif decision.what == "policy_waiting" and not self.in_force.waits(place):
            self.in_force.notes.append(f"policy {decision.policy} is said to wait at {place}, where none came")
        self._unique(decision, place)
        self.ledger.hears(decision, place)
        self.programme.speaks_of(decision)
        self.breaches += self.loops.speaks_of(decision)
        self._found(decision, place, self._identities.hears(decision, self.in_force.policy))
        self.foreign.joins.hears(decision)
        self.foreign.shared.hears(decision)
        customer = self._customers.get(decision.customer)
        if decision.what in BOOKS:
            known = customer.person if customer is not None else None
            self._found(decision, place, list(self.programme.hears(decision, known, place)))
        if customer is None:
            return
        dialogue = customer.dialogue
        if decision.what == LOYALTY:
            self._found(decision, place, self.loops.hears(decision, customer.person, dialogue, self.in_force.policy))
            self.programme.stage_moved(customer.person)
        if customer.person.erased and not customer.person.blurred and decision.what in DECIDES:
            done = f"{decision.what} {decision.moment} {decision.action}".strip()
            self._found(decision, place, [Finding("erased", f"erased at {customer.person.erased}", done)])
        if decision.what == OPENS:
            dialogue.episode, dialogue.reached, dialogue.asked_as, dialogue.waits_as = decision.time, 0.0, None, None
        elif decision.what in CLOSES:
            dialogue.episode, dialogue.reached, dialogue.asked_as, dialogue.waits_as = 0, 0.0, None, None
            if decision.what == "forgotten":
                customer.person.leave()
                customer.dialogue = Dialogue(control=dialogue.control)
        elif decision.what == "plan_started":
            dialogue.running.append(decision.moment)
            dialogue.began[decision.moment] = decision.policy
        elif decision.what == "plan_ended":
            dialogue.running = [one for one in dialogue.running if one != decision.moment and decision.moment]
        elif decision.what == "resent":
            self._resent[decision.trigger] = decision
        elif decision.what == "waits":
            self._waits.setdefault(decision.customer, []).append(decision)
        elif decision.what == PREVIEWED:
            self._decided[decision.id] = decision
        elif decision.what == MAY_CONTACT and (policy := self.in_force.policy) is not None:
            person = customer.person
            self._found(decision, place, of_reservation(decision, place, self._asked, person, dialogue, policy))
        elif decision.what == "decided" and (policy := self.in_force.policy) is not None:
            self._decided[decision.id] = decision
            if not decision.test:
                self._found(decision, place, list(of_decided(decision, dialogue, policy, customer.person)))
        if decision.level and self.in_force.policy is not None:
            self._found(decision, place, list(of_levels(decision, dialogue, self.in_force.policy, customer.person)))

    def _policy(self, decision: Decision, place: Place) -> None:
        if not self.in_force.confirmed(place, decision.policy, decision.time):
            self.in_force.notes.append(f"policy {decision.policy} is said to be in force at {place}, where none came")
        elif (policy := self.in_force.policy) is not None:
            self.ledger.comes_into_force(policy, place.partition, decision.time)
            self.loops.comes_into_force(policy)

    def _trigger(self, trigger: Trigger, place: Place) -> None:
        policy = self.in_force.policy
        self._found(trigger, place, self._of_stops(trigger))
        if not trigger.policy and policy is None:
            self.report.of_settings += trigger.time >= self.since
            return
        self._unique(trigger, place)
        resent = self._resent.pop(trigger.id, None)
        decision = resent or self._decided.get(trigger.decision)
        findings = list(of_link(trigger, decision))
        if decision is not None and decision.trigger == trigger.id and resent is None:
            del self._decided[decision.id]
        customer = self._customers.setdefault(trigger.customer, self._unknown())
        if not trigger.policy:
            in_force = f"{policy.name if policy else 'none'} is in force"
            self._found(trigger, place, [Finding("wrong_policy", in_force, "triggered by settings")])
            return
        action = policy.actions.get(trigger.action) if policy else None
        if policy is None or trigger.policy != policy.name:
            in_force = f"{policy.name if policy else 'none'} is in force"
            findings.append(Finding("wrong_policy", in_force, f"by {trigger.policy}"))
        if policy is None or action is None:
            findings.append(Finding("unknown_action", "no such action", trigger.action))
        else:
            moment = policy.moments.get(trigger.moment, {})
            findings += of_test(trigger, decision, customer.person, self._asked)
            case = Case(policy, customer.person, customer.dialogue, trigger, action, moment, decision, self.alive)
            of_it = () if trigger.test else CHECKS if resent is None else OF_RESENT
            findings += chain.from_iterable(check(case) for check in of_it)
            if resent is not None:
                before = customer.dialogue.known(self._made.get(trigger.decision, ""))
                findings += of_resent(trigger, before)
        if trigger.group:
            findings = [one for one in findings if one.rule not in NOT_ASKED]
            findings += self.foreign.shared.goes_out(trigger, place, customer.person, policy)
        self._made[trigger.decision] = trigger.id
        self.foreign.goes_out(trigger.id)
        self.report.triggers[trigger.purpose] += trigger.time >= self.since
        if policy is not None and not trigger.test:
            self.ledger.takes(trigger, policy, place)
        if customer.person.blurred:
            self.blurred += 1
        elif customer.person.joined:
            self.in_part += 1
            self._found(trigger, place, [one for one in findings if one.rule in KNOWN])
        else:
            self._found(trigger, place, findings)
        customer.dialogue.settle(trigger.time)
        if not trigger.test:
            customer.dialogue.triggered(trigger, place, policy)

    def _of_stops(self, trigger: Trigger) -> list[Finding]:
        known = self._customers.get(trigger.customer)
        return self.stopped.of_trigger(trigger, known.person.country if known else "")

    def _withdrawal(self, withdrawal: Withdrawal, place: Place) -> None:
        self.report.withdrawals += withdrawal.time >= self.since
        self._unique(withdrawal, place)
        paid = self._owed.pop(withdrawal.trigger, None)
        self.foreign.joins.hears(withdrawal)
        self.foreign.shared.hears(withdrawal)
        customer = self._customers.get(withdrawal.customer)
        sent = paid.sent if paid else customer.dialogue.known(withdrawal.trigger) if customer else None
        if sent is None and customer is not None and customer.person.joined:
            self.foreign.takes_back(withdrawal, place, self.in_force.policy)
            return
        policy = self.in_force.policy
        if sent is None or (stray := why_stray(sent, withdrawal.time, policy)):
            why = stray if sent else "no such trigger of this customer"
            self._found(withdrawal, place, [Finding("stray_withdrawal", why, f"takes back {withdrawal.trigger}")])
            return
        sent.withdrawn = True
        if withdrawal.reason == "outranking":
            waits = self._waits.get(withdrawal.customer, [])
            self._found(withdrawal, place, list(of_outranking(policy, sent, waits)))

    def _unique(self, said: Said, place: Place) -> None:
        kind = type(said).__name__.lower()  # a decision and its first trigger may share one, as answers to a preview do
        if (kind, said.id) in self._ids and (isinstance(said, Withdrawal) or not said.test):
            self._found(said, place, [Finding("id_twice", "ids are unique", f"a second {kind} {said.id}")])
        self._ids.add((kind, said.id))

    def _lacking(self, place: Place) -> None:
        for name, one in self._owed.items():
            if self.now >= self.since:
                told = (one.customer, one.sent.action, one.policy, one.why, f"{name} was not taken back")
                self.breaches.append(Breach("withdrawal_owed", name, *told, place, self.now))
        self._owed.clear()
        self.breaches += self.loops.judge(place)
        self.programme.judge(place)

    def _found(self, said: Said, place: Place, findings: list[Finding]) -> None:
        if said.time < self.since:
            return
        action = "" if isinstance(said, Withdrawal) else said.action
        policy = self.in_force.policy.name if self.in_force.policy else ""
        for rule, says, done in findings:
            self.breaches.append(Breach(rule, said.id, said.customer, action, policy, says, done, place, said.time))
