"""What touchpoints tell of a customer as a person: preferences, consent, restrictions, contract, open service cases.

It lives in the record's tail and follows the log's order: a late touchpoint does not overwrite what was said since,
except that an objection (consent withdrawn, unsubscribed, restricted, erasure) and a case counts whenever it arrives.
"""

from __future__ import annotations

from calendar import isleap
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final, Protocol

from models.customer.consent import MARKETING, Statement, pack_register, reference_of, state, unpack_register
from models.customer.contract import about_to_cancel, pack_contract, payment, subscribed, unpack_contract
from models.customer.flags import FROM_TAIL, flags_of, may_be_profiled
from models.customer.interests import interested
from models.customer.layout import UNLEARNED
from models.customer.moments import told, whole
from models.customer.restrictions import (
    ACTION_PURPOSES,
    FOR_GOOD,
    LEGAL,
    NOT_OF_AGE,
    ON_REQUEST,
    Restriction,
    pack_restrictions,
    purposes_of,
    restrict,
    standing,
    unpack_restrictions,
)
from models.customer.tail import MAX_CASE_BYTES, MAX_LIST, MAX_MORE_CASES, MAX_OPEN_CASES, Tail
from models.settings import DAY, SECOND
from models.touchpoints import Kind, Payload
from models.touchpoints.types.campaign import OfferFailedData, SpamReportedData
from models.touchpoints.types.commerce import (
    CancelStartedData,
    SubscriptionData,
)
from models.touchpoints.types.conversation import PresenceData
from models.touchpoints.types.engagement import MessageData
from models.touchpoints.types.loyalty import ProgrammeJoinedData
from models.touchpoints.types.preferences import (
    ConsentChangedData,
    PreferencesUpdatedData,
    ProfileUpdatedData,
    RestrictedData,
)
from models.touchpoints.types.requests import RestrictionRequestedData
from models.touchpoints.types.service import CaseOpenedData, CaseResolvedData

TOPIC_KINDS = frozenset({Kind.PURCHASE, Kind.CART_ABANDONED, Kind.SEARCH, Kind.CONTENT_VIEWED})
"""Kinds that enter it where they have a topic."""
SUBSCRIPTION_KINDS = frozenset(
    {
        Kind.SUBSCRIPTION_STARTED,
        Kind.SUBSCRIPTION_RENEWED,
        Kind.SUBSCRIPTION_CANCELLED,
        Kind.SUBSCRIPTION_PAUSED,
        Kind.SUBSCRIPTION_RESUMED,
        Kind.SUBSCRIPTION_CHANGED,
    }
)
"""Kinds that tell of a contract, and of its dates."""
BEFORE_NUMBERS = SUBSCRIPTION_KINDS | {
    Kind.CASE_OPENED,
    Kind.CASE_RESOLVED,
    Kind.CONSENT_CHANGED,
    Kind.RESTRICTED,
    Kind.PROFILE_UPDATED,
    Kind.ACCESS_REQUESTED,
    Kind.RESTRICTION_REQUESTED,
    Kind.DECISION_CONTESTED,
}
"""Kinds after which compiled code reads what they change in the record, or that are an entry among the decisions: it
waits for them."""
GROWN_UP = 18
"""Years from which on a customer is of age."""
FAILED_FOR_GOOD = ("hard", "no_address")


class Profile(Protocol):
    """The part of a record that is read and changed here.

    Implemented by Record.
    """

    flags: int
    tail: Tail


def oldest(cases: Mapping[str, int]) -> int:
    """When the case that has been open longest was opened, as seconds since the epoch; 0: none is open."""
    return min(max(min(cases.values()) // SECOND, 1), 2**32 - 1) if cases else 0


def open_cases(tail: Tail) -> int:
    """How many cases are open, as the record counts them: up to 255."""
    return min(len(tail.cases) + tail.more_cases, 255)


def tells(kind: int, data: Payload) -> bool:
    """Whether a touchpoint enters the tail."""
    return kind in PROFILE_KINDS or (kind in TOPIC_KINDS and getattr(data, "topic", None) is not None)


def take_in(record: Profile, kind: int, time: int, data: Any, late: bool, now: int, by_policy: bool = False) -> None:
    """Let one touchpoint change the tail, and the flags that follow from it. Of a customer who is restricted any one
    ends what has come to its end.

    time: of the touchpoint, ms. data: its own, of the type that the kind has. now: the shard's time as of it, ms.
    by_policy: one is in force, so that a channel on which nothing arrives is kept as that, and not as a refusal
    (`models.decisions.reach`).
    """
    tail, newest = record.tail, _NEWEST_ONLY.get(kind)
    if tail.restrictions and kind in _RESTRICTS:  # what is over stands against nothing that is told late
        _end_restrictions(tail, now)
    if newest is None:
        if kind in _ANY and not (by_policy and kind == Kind.OFFER_FAILED):
            _ANY[kind](tail, time, data, late)
    elif not late:
        newest(tail, kind, time, data, now)
    if tail.restrictions:
        _end_restrictions(tail, now)
        record.flags = record.flags & ~FROM_TAIL | flags_of(tail)
    elif kind in _TURN_FLAGS or record.flags & UNLEARNED:
        record.flags = record.flags & ~FROM_TAIL | flags_of(tail)
    if tail.loyalty and not may_be_profiled(tail, record.flags, now):
        tail.loyalty = b""


def _end_restrictions(tail: Tail, now: int) -> None:
    """Of restrictions those stay that are not over."""
    tail.restrictions = pack_restrictions(standing(unpack_restrictions(tail.restrictions), now))


def _presence(tail: Tail, kind: int, time: int, data: PresenceData, now: int) -> None:
    tail.presence, tail.presence_at = (data.channel, time) if data.state == "online" else ("", 0)


def _programme(tail: Tail, kind: int, time: int, data: ProgrammeJoinedData, now: int) -> None:
    tail.programme = data.programme or "default"


def _subscription(tail: Tail, kind: int, time: int, data: SubscriptionData, now: int) -> None:
    former = unpack_contract(tail.contract) if tail.contract else None
    tail.contract = pack_contract(subscribed(former, kind, time, data))


def _payment(tail: Tail, kind: int, time: int, data: Payload, now: int) -> None:
    if tail.contract:
        tail.contract = pack_contract(payment(unpack_contract(tail.contract), kind, time))


def _cancelling(tail: Tail, kind: int, time: int, data: CancelStartedData, now: int) -> None:
    if tail.contract:
        tail.contract = pack_contract(about_to_cancel(unpack_contract(tail.contract), time))


def _case_opened(tail: Tail, time: int, data: CaseOpenedData, late: bool) -> None:
    if data.case_id in tail.cases or (len(tail.cases) < MAX_OPEN_CASES and _fits(data.case_id, tail.cases)):
        tail.cases[data.case_id] = time
    else:
        tail.more_cases = min(tail.more_cases + 1, MAX_MORE_CASES)


def _fits(case: str, cases: Mapping[str, int]) -> bool:
    return len("".join((case, *cases)).encode()) <= MAX_CASE_BYTES


def _case_resolved(tail: Tail, time: int, data: CaseResolvedData, late: bool) -> None:
    if tail.cases.pop(data.case_id, None) is None and tail.more_cases:
        tail.more_cases -= 1


def _interest(tail: Tail, time: int, data: Any, late: bool) -> None:
    if data.topic is not None:
        tail.interests = interested(tail.interests, data.topic, time)


def _consent(tail: Tail, time: int, data: ConsentChangedData, late: bool) -> None:
    """The newest word counts, by its own time; of late ones only a withdrawal."""
    if late and data.marketing:
        return
    said = Statement(
        granted=data.marketing,
        time=time,
        expires=told(data.expires) if data.expires is not None and data.marketing else 0,
        basis=data.basis or "",
        confirmed=data.confirmed and data.marketing,
        reference=reference_of(data.source, data.wording, data.evidence),
    )
    register = unpack_register(tail.consents)
    named = tuple(dict.fromkeys(data.channels or ()))
    state(register, data.purpose, named, said)
    tail.consents = pack_register(register)
    if data.purpose == MARKETING:
        if data.marketing:
            granted = tuple(channel for channel in named if register.get((MARKETING, channel)) == said)
            tail.channels = granted[:MAX_LIST] or tail.channels
        else:
            tail.channels = tuple(channel for channel in tail.channels if channel not in named)


def _refused(tail: Tail, time: int, data: MessageData | SpamReportedData | OfferFailedData, late: bool) -> None:
    """The customer wants no marketing on this channel, or none arrives there."""
    register = unpack_register(tail.consents)
    state(register, MARKETING, (data.channel,), Statement(False, time))
    tail.consents = pack_register(register)
    tail.channels = tuple(preferred for preferred in tail.channels if preferred != data.channel)


def _failed(tail: Tail, time: int, data: OfferFailedData, late: bool) -> None:
    if data.failure in FAILED_FOR_GOOD:
        _refused(tail, time, data, late)


def _restricted(tail: Tail, time: int, data: RestrictedData, late: bool) -> None:
    restrictions = unpack_restrictions(tail.restrictions)
    until = FOR_GOOD if data.until is None else told(data.until)
    restrict(restrictions, data.reason, Restriction(purposes_of(data.purposes or (), data.reason), time, until), late)
    tail.restrictions = pack_restrictions(restrictions)


def _restriction_requested(tail: Tail, time: int, data: RestrictionRequestedData, late: bool) -> None:
    restrictions = unpack_restrictions(tail.restrictions)
    until = FOR_GOOD if data.until is None else told(data.until)
    restrict(restrictions, ON_REQUEST, Restriction(frozenset({MARKETING}), time, until), late)
    tail.restrictions = pack_restrictions(restrictions)


def _for_a_person(tail: Tail, time: int, data: Payload, late: bool) -> None:
    """Nothing is kept of it in the record: it is a task for a person."""


def _profile(tail: Tail, kind: int, time: int, data: ProfileUpdatedData, now: int) -> None:
    tail.customer_class = data.customer_class or tail.customer_class
    tail.language = data.language or tail.language
    tail.country = data.country or tail.country
    tail.account = data.account or tail.account
    tail.role = data.role or tail.role
    if data.birthday is not None:
        restrictions = unpack_restrictions(tail.restrictions)
        restrictions.pop(NOT_OF_AGE, None)
        until = _of_age_from(data.birthday)
        if until > now:
            everything = frozenset(ACTION_PURPOSES) - {LEGAL}
            restrictions[NOT_OF_AGE] = Restriction(everything, time, until)
        tail.restrictions = pack_restrictions(restrictions)


def _preferences(tail: Tail, kind: int, time: int, data: PreferencesUpdatedData, now: int) -> None:
    if data.channels is not None:
        tail.channels = tuple(data.channels)[:MAX_LIST]
    if data.topics is not None:
        tail.topics = tuple(data.topics)[:MAX_LIST]
    if data.rewards is not None:
        tail.rewards = tuple(data.rewards)[:MAX_LIST]
    if data.max_per_week is not None:
        tail.max_per_week = data.max_per_week
    if data.quiet_hours is not None:
        tail.quiet = (data.quiet_hours.start, data.quiet_hours.end)
    if data.time_zone is not None:
        tail.time_zone = data.time_zone
    if data.silent_until is not None:
        tail.silent_until = told(data.silent_until)


def _of_age_from(birthday: date) -> int:
    """The first moment of the day on which the customer is of age, ms; who was born on 29 February is on 1 March."""
    year = min(birthday.year + GROWN_UP, 9999)
    leap = (birthday.month, birthday.day) == (2, 29) and not isleap(year)
    day = date(year, 3, 1) if leap else birthday.replace(year=year)
    return whole((day - date(1970, 1, 1)).days * DAY)


_NEWEST_ONLY: Final[dict[int, Callable[[Tail, int, int, Any, int], None]]] = {
    Kind.PRESENCE: _presence,
    Kind.PREFERENCES_UPDATED: _preferences,
    Kind.PROFILE_UPDATED: _profile,
    Kind.PROGRAMME_JOINED: _programme,
    **dict.fromkeys(SUBSCRIPTION_KINDS, _subscription),
    Kind.PAYMENT_FAILED: _payment,
    Kind.PAYMENT_RECOVERED: _payment,
    Kind.CANCEL_STARTED: _cancelling,
}
"""What a newer word has replaced by now must not come back: late ones are left out."""
_ANY: Final[dict[int, Callable[[Tail, int, Any, bool], None]]] = {
    Kind.CASE_OPENED: _case_opened,
    Kind.CASE_RESOLVED: _case_resolved,
    Kind.CONSENT_CHANGED: _consent,
    Kind.RESTRICTED: _restricted,
    Kind.ACCESS_REQUESTED: _for_a_person,
    Kind.RESTRICTION_REQUESTED: _restriction_requested,
    Kind.DECISION_CONTESTED: _for_a_person,
    Kind.MESSAGE_UNSUBSCRIBED: _refused,
    Kind.SPAM_REPORTED: _refused,
    Kind.OFFER_FAILED: _failed,
    **dict.fromkeys(TOPIC_KINDS, _interest),
}
"""What counts whenever it arrives, or says itself of what time it is."""
_RESTRICTS: Final = frozenset({Kind.RESTRICTED, Kind.RESTRICTION_REQUESTED})
_TURN_FLAGS: Final = frozenset(
    {
        Kind.CONSENT_CHANGED,
        Kind.RESTRICTED,
        Kind.RESTRICTION_REQUESTED,
        Kind.PROFILE_UPDATED,
        Kind.MESSAGE_UNSUBSCRIBED,
        Kind.SPAM_REPORTED,
        Kind.OFFER_FAILED,
    }
)
PROFILE_KINDS: Final = frozenset(map(int, (*_NEWEST_ONLY, *_ANY))) - TOPIC_KINDS
"""Kinds whose content enters the tail."""
