"""Profile updates of a customer: preferences, consent, open service cases, loyalty programme.

These live in the record's tail and follow the log's order: a late touchpoint does not overwrite what was said since,
except that an objection (consent withdrawn, unsubscribed, erasure) and a case counts whenever it arrives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from models.customer.layout import NO_CONSENT
from models.customer.tail import MAX_LIST, MAX_OPEN_CASES, MAX_REFUSED, Tail
from models.settings import SECOND
from models.touchpoints import Kind
from models.touchpoints.types.conversation import PresenceData
from models.touchpoints.types.engagement import MessageData
from models.touchpoints.types.loyalty import ProgrammeJoinedData
from models.touchpoints.types.preferences import ConsentChangedData, PreferencesUpdatedData, ProfileUpdatedData
from models.touchpoints.types.service import CaseOpenedData, CaseResolvedData


class Profile(Protocol):
    """The part of a record that is read and changed here.

    Implemented by Record.
    """

    flags: int
    tail: Tail


def oldest(cases: Mapping[str, int]) -> int:
    """When the case that has been open longest was opened, as seconds since the epoch; 0: none is open."""
    return min(max(min(cases.values()) // SECOND, 1), 2**32 - 1) if cases else 0


def take_in(record: Profile, kind: int, time: int, data: Any, late: bool) -> None:
    """Let one touchpoint of a `PROFILE_KINDS` kind change the tail.

    time: of the touchpoint, ms. data: its own, of the type that the kind has.
    """
    newest = _NEWEST_ONLY.get(kind)
    if newest is None:
        _ANY[kind](record, time, data, late)
    elif not late:
        newest(record, data)


def _presence(record: Profile, data: PresenceData) -> None:
    record.tail.presence = data.channel if data.state == "online" else ""


def _customer_class(record: Profile, data: ProfileUpdatedData) -> None:
    record.tail.customer_class = data.customer_class or record.tail.customer_class


def _programme(record: Profile, data: ProgrammeJoinedData) -> None:
    record.tail.programme = data.programme or "default"


def _case_opened(record: Profile, time: int, data: CaseOpenedData, late: bool) -> None:
    if len(record.tail.cases) < MAX_OPEN_CASES:
        record.tail.cases[data.case_id] = time


def _case_resolved(record: Profile, time: int, data: CaseResolvedData, late: bool) -> None:
    record.tail.cases.pop(data.case_id, None)


def _unsubscribed(record: Profile, time: int, data: MessageData, late: bool) -> None:
    _refuse(record, (data.channel,))


def _consent(record: Profile, time: int, data: ConsentChangedData, late: bool) -> None:
    """The newest word counts, by its own time; of late ones only a withdrawal.

    A withdrawal for some channels stops promotion on all: which part of it was meant is not for the engine to guess.
    """
    if time < record.tail.consent_at or (late and data.marketing):
        return
    record.tail.consent_at = time
    named = tuple(data.channels or ())
    if data.marketing:
        record.flags &= ~NO_CONSENT
        _allow(record, named or record.tail.refused)
        if named:
            record.tail.channels = named[:MAX_LIST]
    else:
        record.flags |= NO_CONSENT
        _refuse(record, named)


def _refuse(record: Profile, channels: tuple[str, ...]) -> None:
    """The customer wants nothing on these channels. Who refuses more than can be remembered is taken to refuse all."""
    tail = record.tail
    tail.channels = tuple(channel for channel in tail.channels if channel not in channels)
    refused = tuple(dict.fromkeys((*tail.refused, *channels)))
    if len(refused) > MAX_REFUSED:
        record.flags |= NO_CONSENT
    tail.refused = refused[:MAX_REFUSED]


def _allow(record: Profile, channels: tuple[str, ...]) -> None:
    record.tail.refused = tuple(channel for channel in record.tail.refused if channel not in channels)


def _preferences(record: Profile, data: PreferencesUpdatedData) -> None:
    tail = record.tail
    if data.channels is not None:
        tail.channels = tuple(data.channels)[:MAX_LIST]
        _allow(record, tail.channels)
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


_NEWEST_ONLY: Final[dict[int, Callable[[Profile, Any], None]]] = {
    Kind.PRESENCE: _presence,
    Kind.PREFERENCES_UPDATED: _preferences,
    Kind.PROFILE_UPDATED: _customer_class,
    Kind.PROGRAMME_JOINED: _programme,
}
"""What a newer word has replaced by now must not come back: late ones are left out."""
_ANY: Final[dict[int, Callable[[Profile, int, Any, bool], None]]] = {
    Kind.CASE_OPENED: _case_opened,
    Kind.CASE_RESOLVED: _case_resolved,
    Kind.CONSENT_CHANGED: _consent,
    Kind.MESSAGE_UNSUBSCRIBED: _unsubscribed,
}
"""What counts whenever it arrives, or says itself of what time it is."""
PROFILE_KINDS: Final = frozenset(map(int, (*_NEWEST_ONLY, *_ANY)))
"""Kinds whose content enters the tail."""
