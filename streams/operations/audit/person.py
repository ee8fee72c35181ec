"""What the touchpoints said of a customer, by docs/people.md, as far as a policy asks for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Protocol

from models.touchpoints import Kind, Touch
from streams.operations.audit.consent import Consents, Yes
from streams.operations.audit.contract import Contract
from streams.operations.audit.loyalty_loop import Loop
from streams.operations.audit.records import DAY, SECOND

REMEMBERED: Final = 8
"""Touchpoints by which one that comes twice is known, as the engine remembers them."""
ALL_BUT_LEGAL: Final = frozenset({"contract", "care", "marketing"})
BIRTHDAY: Final = "not_of_age"
ADULT: Final = 18
REFUSES: Final = (Kind.CONSENT_CHANGED, Kind.MESSAGE_UNSUBSCRIBED, Kind.SPAM_REPORTED, Kind.RESTRICTED)
FOR_GOOD: Final = ("hard", "no_address")
"""Failures after which nothing arrives on the channel."""


class Restriction(NamedTuple):
    """Times in ms; until 0: for good."""

    purposes: frozenset[str]
    time: int
    until: int


class Account(Protocol):
    """Points of a customer, as conditions ask of them. next_expiry: ms; 0: none.

    Implemented by Account.
    """

    @property
    def balance(self) -> int: ...
    @property
    def pending(self) -> int: ...
    @property
    def expiring(self) -> int: ...
    @property
    def next_expiry(self) -> int: ...
    def rises(self, balance: int) -> list[int]: ...


class Levels(Protocol):
    """Levels of the loyalty programme, as conditions and rules of points ask of them. now: log time, ms.

    Implemented by Levels.
    """

    def of(self, name: str, now: int) -> Any: ...
    def times(self, now: int) -> int: ...
    def changes(self, change: str) -> list[int]: ...
    def stands(self, change: str) -> list[int]: ...


class Person:
    """One customer.

    Attributes:
        erased: log time of the last erasure while nothing has reopened it, else 0.
        points: their account; None: nothing was ever booked.
        loop: None: nothing is known of it.
        levels: of the loyalty programme; None: nothing ever came of them.
        blurred: whether the record had left the store when something came, nobody can tell.
        joined: what was known of another id is theirs, too, and not known here.
        buys: signs of staying are purchases; where they are others the engine knows nothing of purchases.
    """

    def __init__(self, buys: bool = True) -> None:
        self.buys = buys
        self.seen: deque[int] = deque(maxlen=REMEMBERED)
        self.erased = 0
        self.blurred = self.joined = False
        self.points: Account | None = None
        self.loop: Loop | None = None
        self.levels: Levels | None = None
        self.consents = {purpose: Consents() for purpose in ("marketing", "profiling", "conversation")}
        self.forget()

    def forget(self) -> None:
        """All but consents, and what must outlast an erasure."""
        self.customer_class = self.language = self.country = self.zone = self.role = self.programme = self.account = ""
        self.quiet: tuple[str, str] | None = None
        self.max_per_week: int | None = None
        self.silent_until = 0
        self.channels: tuple[str, ...] = ()
        self.topics: tuple[str, ...] = ()
        self.rewards: tuple[str, ...] = ()
        self.restrictions: dict[str, Restriction] = {}
        self.cases: set[str] = set()
        self.bought_last = self.days_bought = self.first_touch = self.newest = 0
        self.spent = 0.0
        self.bought_first: tuple[int, ...] = ()  # each that was the first so far: older ones may come late
        self.plan = self.online = ""
        self.contract_over = False
        self.contract = Contract()
        self.online_since = 0
        self.unsure = False  # a purchase older than the last one: by which day it counts is the engine's to say

    def comes_again(self, touch: Touch) -> bool:
        """Whether the touchpoint is one of those that came last; else it is remembered."""
        if touch.kind == Kind.EXPIRED_UNSENT:
            return False
        if touch.id_hash in self.seen:
            return True
        self.seen.append(touch.id_hash)
        return False

    def take(self, touch: Touch, now: int, late: bool, by_policy: bool) -> None:
        """Let a touchpoint change what is known. now: log time in ms. by_policy: one is in force."""
        if self.erased:
            granted = touch.kind == Kind.CONSENT_CHANGED and touch.a > 0 and touch.time > self.erased and not late
            if not granted:
                if touch.kind in REFUSES:
                    self._refuses(touch)
                return
            self.erased = 0
        self.first_touch = min(self.first_touch or touch.time, touch.time)
        self.newest = max(self.newest, touch.time)
        if (taken := _TAKEN.get(touch.kind)) is not None:
            taken(self, touch, now, late)
        elif touch.kind == Kind.OFFER_FAILED and not by_policy and _data(touch).failure in FOR_GOOD:
            _refusal(self, touch, now, late)  # as it was before there were policies

    def _refuses(self, touch: Touch) -> None:
        """What an erased customer refuses stands when they come back."""
        data = _data(touch)
        if touch.kind == Kind.CONSENT_CHANGED:
            if not data.marketing and data.purpose != "conversation":
                self.consents[data.purpose].refused((), touch.time)
        elif touch.kind != Kind.RESTRICTED or data.reason == "do_not_contact":
            self.consents["marketing"].refused((), touch.time)

    def restricted(self, purpose: str, now: int) -> str:
        """The reason for which nothing may be sent for a purpose; empty: there is none."""
        for reason, said in self.restrictions.items():
            if purpose in said.purposes and not (said.until and now >= said.until):
                return reason
        return ""

    def unprofiled(self, now: int) -> bool:
        """Whether no risk may be estimated: the customer objects to it, or asked that what is known is not used."""
        asked = self.restrictions.get("on_request")
        return self.consents["profiling"].denied() or (asked is not None and not (asked.until and now >= asked.until))

    def tries(self, now: int) -> bool:
        """Whether they are no customer but try things out."""
        said = self.restrictions.get("test")
        return said is not None and not (said.until and now >= said.until)

    def leave(self) -> None:
        """The record has left the store: of what was known refusals and restrictions are kept."""
        restrictions, self.erased, self.loop = self.restrictions, 0, None
        for said in self.consents.values():
            said.left()
        self.forget()
        self.restrictions = restrictions

    def silent_since(self) -> int:
        """Since when nothing has come that keeps a record in the store that leaves it without a word: an erased
        customer's who had refused nothing, or one of who never bought; ms, 0: it is another record."""
        if any(said.no for said in self.consents.values()):
            return 0
        return self.erased or (0 if self.bought_last or self.cases else self.newest)

    def erase(self, now: int) -> None:
        """Forget all but what was refused."""
        forbidden = self.restrictions.get("do_not_contact")
        if forbidden is not None:
            self.consents["marketing"].refused((), forbidden.time)
        self.consents["marketing"].after_erasure()
        self.consents["conversation"] = Consents()
        self.forget()
        self.erased = now


def milliseconds(moment: datetime) -> int:
    """A time of a touchpoint's data, in ms."""
    return int(moment.timestamp() * 1000)


def _case_opened(person: Person, touch: Touch, now: int, late: bool) -> None:
    person.cases.add(_data(touch).case_id)


def _case_resolved(person: Person, touch: Touch, now: int, late: bool) -> None:
    person.cases.discard(_data(touch).case_id)


def _consent(person: Person, touch: Touch, now: int, late: bool) -> None:
    data, said = _data(touch), person.consents[_data(touch).purpose]
    channels = tuple(data.channels or ()) if data.purpose != "profiling" else ()
    if not data.marketing:
        said.refused(channels, touch.time)
    elif not late:
        said.granted(channels, Yes(touch.time, milliseconds(data.expires) if data.expires else 0, data.confirmed))
    if data.purpose == "marketing":
        ends = {yes.expires // SECOND * SECOND for yes in said.yes.values() if yes.expires}
        person.contract.of("consent_expires").are(ends, now)


def _refusal(person: Person, touch: Touch, now: int, late: bool) -> None:
    person.consents["marketing"].refused((_data(touch).channel,), touch.time)


def _restricted(person: Person, touch: Touch, now: int, late: bool) -> None:
    data = _data(touch)
    purposes = frozenset() if data.reason == "test" else frozenset(data.purposes or ()) or ALL_BUT_LEGAL
    said = Restriction(purposes, touch.time, milliseconds(data.until) if data.until else 0)
    _restrict(person, data.reason, said, now, late)


def _restriction_requested(person: Person, touch: Touch, now: int, late: bool) -> None:
    until = _data(touch).until
    _restrict(
        person,
        "on_request",
        Restriction(frozenset({"marketing"}), touch.time, milliseconds(until) if until else 0),
        now,
        late,
    )


def _restrict(person: Person, reason: str, said: Restriction, now: int, late: bool) -> None:
    former = person.restrictions.get(reason)
    if former is not None and not (former.until and now >= former.until):  # what is over is not remembered
        shorter = bool(said.until) and (not former.until or said.until < former.until)
        if said.time < former.time or (shorter and (late or said.time == former.time)):
            return
    person.restrictions[reason] = said


def _profile(person: Person, touch: Touch, now: int, late: bool) -> None:
    if late:
        return
    data = _data(touch)
    for name in ("customer_class", "language", "country", "role", "account"):
        setattr(person, name, getattr(data, name) or getattr(person, name))
    if (born := data.birthday) is not None:
        person.restrictions.pop(BIRTHDAY, None)
        year = min(born.year + ADULT, 9999)
        try:
            day = datetime(year, born.month, born.day, tzinfo=UTC)
        except ValueError:  # born on 29 February
            day = datetime(year, 3, 1, tzinfo=UTC)
        of_age = milliseconds(day)
        person.contract.of("minor_until").are({of_age} if of_age > now else set(), now)
        if of_age > now:
            person.restrictions[BIRTHDAY] = Restriction(ALL_BUT_LEGAL, touch.time, milliseconds(day))


def _preferences(person: Person, touch: Touch, now: int, late: bool) -> None:
    if late:
        return
    data = _data(touch)
    for name in ("channels", "topics", "rewards", "max_per_week"):
        if (value := getattr(data, name)) is not None:
            setattr(person, name, value)
    if data.quiet_hours is not None:
        person.quiet = data.quiet_hours.start, data.quiet_hours.end
    if data.time_zone is not None:
        person.zone = data.time_zone
    if data.silent_until is not None:
        person.silent_until = milliseconds(data.silent_until)


def _programme(person: Person, touch: Touch, now: int, late: bool) -> None:
    if not late:
        person.programme = _data(touch).programme or "default"


def _subscription(person: Person, touch: Touch, now: int, late: bool) -> None:
    if late:
        return
    person.contract.take(touch, now)
    person.plan = (
        (_data(touch).plan or "") if touch.kind == Kind.SUBSCRIPTION_STARTED else _data(touch).plan or person.plan
    )
    if touch.kind in (Kind.SUBSCRIPTION_STARTED, Kind.SUBSCRIPTION_RENEWED, Kind.SUBSCRIPTION_RESUMED):
        person.contract_over = False
    elif touch.kind == Kind.SUBSCRIPTION_CANCELLED:
        person.contract_over = True  # or at the end of its term: lenient


def _cancelling(person: Person, touch: Touch, now: int, late: bool) -> None:
    if not late:
        person.contract.take(touch, now)


def _presence(person: Person, touch: Touch, now: int, late: bool) -> None:
    if not late:
        came = _data(touch).state == "online"
        person.online, person.online_since = (_data(touch).channel, touch.time) if came else ("", 0)


def _purchase(person: Person, touch: Touch, now: int, late: bool) -> None:
    person.spent += touch.a
    if not person.bought_last or touch.time // DAY > person.bought_last // DAY:
        person.days_bought += 1
    elif touch.time // DAY < person.bought_last // DAY:
        person.unsure = True
    person.bought_last = max(person.bought_last, touch.time)
    if not person.bought_first or touch.time < person.bought_first[-1]:
        person.bought_first = (*person.bought_first, touch.time)


def _erase(person: Person, touch: Touch, now: int, late: bool) -> None:
    person.erase(now)


def _data(touch: Touch) -> Any:
    """Its data, of the type that the kind has."""
    return touch.data


_TAKEN: Final[dict[int, Callable[[Person, Touch, int, bool], None]]] = {
    Kind.CASE_OPENED: _case_opened,
    Kind.CASE_RESOLVED: _case_resolved,
    Kind.CONSENT_CHANGED: _consent,
    Kind.MESSAGE_UNSUBSCRIBED: _refusal,
    Kind.SPAM_REPORTED: _refusal,
    Kind.RESTRICTED: _restricted,
    Kind.RESTRICTION_REQUESTED: _restriction_requested,
    Kind.PROFILE_UPDATED: _profile,
    Kind.PREFERENCES_UPDATED: _preferences,
    Kind.PROGRAMME_JOINED: _programme,
    Kind.PURCHASE: _purchase,
    Kind.PRESENCE: _presence,
    **dict.fromkeys(
        (
            Kind.SUBSCRIPTION_STARTED,
            Kind.SUBSCRIPTION_RENEWED,
            Kind.SUBSCRIPTION_RESUMED,
            Kind.SUBSCRIPTION_CHANGED,
            Kind.SUBSCRIPTION_PAUSED,
            Kind.SUBSCRIPTION_CANCELLED,
        ),
        _subscription,
    ),
    Kind.CANCEL_STARTED: _cancelling,
    Kind.ERASE_REQUESTED: _erase,
}
