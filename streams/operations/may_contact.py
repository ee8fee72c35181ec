"""Answers other senders: may this customer be contacted now? And reserves the contact, through the log.

An answer without a reservation is read from the store. A reservation is a record in the customer's partition; once the
shard has committed it, what it reserved stands in the customer's record, or what stood against it is told. So two
senders cannot both get the last contact under a cap.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from models.customer.record import Record, unpack
from models.customer.restrictions import MARKETING
from models.customer.tail import Tail, UnknownRecord
from models.decisions.ask import Ask, Held
from models.decisions.draw import in_control
from models.decisions.gate_table import UNFORESEEN
from models.decisions.others import Wanted, against, reservation
from models.decisions.person import Person
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.standing import OTHERS, Outstanding, Stage, Standing
from models.decisions.standing_stored import unpack_standing
from models.decisions.words import told
from models.engine.by_policy import Customer
from models.settings import EngineSettings
from models.timeline.partitioning import partition_of
from models.timeline.stop_types import Stops
from models.timeline.stops import in_force as stops_in_force
from models.timeline.stops import joined
from models.touchpoints import InvalidTouchpoint, event
from models.touchpoints.fields import ActionPurpose, Channel, CustomerId, Name, Reference
from models.touchpoints.types.asked import LONGEST_RESERVATION
from streams.errors import EngineError, ExitCode
from streams.operations.policy import ShardPolicyNow, shard_now
from streams.shard.meta import settings_in_force
from streams.store import Store
from streams.store.stop_flag import read_flag

SOURCE: Final = "/retention/may-contact"
LOOK_S: Final = 0.02
ANSWERED_WITHIN_S: Final = 10.0
Send = Callable[[int, bytes, bytes, int], Awaitable[int]]
"""Writes a record of the touchpoints log: partition, key, value, time (ms); its offset."""


class NotAsked(EngineError):
    """A question that cannot be answered as it is."""

    code = ExitCode.USAGE
    remedy = "correct what the message names"


class NothingDecides(EngineError):
    """No policy is in force for the customer, so there is nothing to go by."""

    remedy = "start a worker, and bring a policy into force (`retention policy apply FILE`)"


class NotAnswered(EngineError):
    """The shard has not come to the question in time."""

    remedy = "ask again with the same id: what it has reserved by then is told, and nothing is reserved twice"


class Question(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What another sender asks.

    promotion: it offers something, until `until`. reserve: the contact is kept for them for `lasts_s`. id: of the
    reservation; the same one again reserves nothing more. by: who asks.
    """

    customer: CustomerId
    purpose: ActionPurpose
    channel: Channel
    promotion: bool = False
    until: datetime | None = None
    reserve: bool = False
    lasts_s: Annotated[int, Meta(ge=1, le=LONGEST_RESERVATION // 1000)] = 3_600
    id: Reference | None = None
    by: Name | None = None


class Against(NamedTuple):
    """A gate that holds. until: ms; 0: it does not end by itself. team, customer: why, in words."""

    gate: str
    until: int
    team: str
    customer: str


class Answer(NamedTuple):
    """The answer to a question.

    time: log time of the shard of which it is true, ms. until: when it is worth asking again; 0: not by itself. known:
    there is a record of the customer. control: they are of our control group. reservation: its id, to be given as
    `trigger_id` with what becomes of it; empty: none. reserved_until: without a word by then it counts as delivered.
    """

    allowed: bool
    gates: tuple[Against, ...]
    until: int
    known: bool
    control: bool
    time: int
    shard: int
    policy: str
    reservation: str = ""
    reserved_until: int = 0

    def data(self, question: Question) -> dict[str, Any]:
        """As plain data, with what was asked."""
        asked = {name: getattr(question, name) for name in ("customer", "purpose", "channel", "promotion")}
        found = {**asked, **self._asdict(), "gates": [one._asdict() for one in self.gates]}
        return {name: value if value != "" else None for name, value in found.items()}


async def may_contact(store: Store, partitions: int, question: Question) -> Answer:
    """The answer as the store has it. Raises NothingDecides, StateUnreadable, and what the store raises."""
    question = await _of_own_id(store, partitions, question)
    return (await _look(store, partitions, question))[0]


async def reserve(
    store: Store, partitions: int, question: Question, send: Send, within_s: float = ANSWERED_WITHIN_S
) -> Answer:
    """The same from the commit of the question itself. What is no marketing, and whoever is not known, is answered
    without: nobody counts it.

    Raises:
        NotAnswered: the shard has not come to it in time.
        NotAsked: it would be refused.
        NothingDecides, StateUnreadable, what the store raises and what `send` raises.
    """
    question = await _of_own_id(store, partitions, question)
    before, now = await _look(store, partitions, question)
    if question.purpose != MARKETING or not before.known:
        return before
    name = question.id or uuid.uuid4().hex
    at = int(time.time() * 1000) if now.body.creation.mode == "live" else now.body.state.time
    data: dict[str, Any] = {
        "purpose": question.purpose,
        "channel": question.channel,
        "promotion": question.promotion,
        "until": question.until,
        "lasts": question.lasts_s * 1000,
        "by": question.by,
    }
    data = {key: value for key, value in data.items() if value is not None}
    try:
        value = event("asked_may", id=name, source=SOURCE, subject=question.customer, time_ms=at, data=data)
    except InvalidTouchpoint as error:
        raise NotAsked(f"the question: {error.rejected.reason}") from error
    offset = await send(before.shard, question.customer.encode(), value, at)
    deadline = time.monotonic() + within_s
    while True:
        after, now = await _look(store, partitions, question, name)
        if now.body.state.next_offset > offset:
            return after
        if time.monotonic() > deadline:
            raise NotAnswered(f"shard {before.shard} has not come to offset {offset} within {within_s:g} s ({name})")
        await asyncio.sleep(LOOK_S)


async def _of_own_id(store: Store, partitions: int, question: Question) -> Question:
    """The same of the customer whose the id is by now."""
    passed = set[str]()
    while question.customer not in passed:  # a circle comes to its end in the log
        passed.add(question.customer)
        name = question.customer.encode()
        [stored] = await store.load(str(partition_of(name, partitions)), [b"c:" + name])
        into = "" if stored is None else _merged_into(question.customer, stored)
        if not into:
            break
        question = replace(question, customer=into)
    return question


def _merged_into(customer: str, stored: bytes) -> str:
    try:
        return unpack(customer.encode(), stored).tail.merged
    except UnknownRecord as error:
        raise NotAsked(f"the record of {customer!r} is of another release: {error}") from error


async def _look(store: Store, partitions: int, question: Question, name: str = "") -> tuple[Answer, ShardPolicyNow]:
    """The answer, and the shard's metadata from before the record was read. name: of a reservation to look for."""
    shard = partition_of(question.customer, partitions)
    now = await shard_now(store, str(shard))
    if now is None or now.policy is None:
        raise NothingDecides(f"no policy is in force in shard {shard} of {partitions}")
    [stored] = await store.load(str(shard), [b"c:" + question.customer.encode()])
    try:
        record = None if stored is None else unpack(question.customer.encode(), stored)
    except UnknownRecord as error:
        raise NotAsked(f"the record of {question.customer!r} is of another release: {error}") from error
    person = _person(question.customer, record, settings_in_force(str(shard), now.body), now.policy)
    standing = Standing() if record is None else unpack_standing(record.tail.standing)
    stops = joined(await read_flag(store), stops_in_force(now.body.state))
    return _answer(question, now, now.policy, person, standing, record is not None, shard, name, stops), now


def _person(customer: str, record: Record | None, settings: EngineSettings, policy: PolicyInForce) -> Person:
    if record is None:
        return Person(customer.encode(), Tail())
    slab = (record.flags, record.times, record.numbers, record.seconds)
    return Customer(customer.encode(), record.tail, *slab, 0, record.worth.bucket, record.worth.tier).person(
        None, settings, policy
    )


def _answer(
    question: Question,
    now: ShardPolicyNow,
    policy: PolicyInForce,
    person: Person,
    standing: Standing,
    known: bool,
    shard: int,
    name: str,
    stopped: Stops,
) -> Answer:
    at, entry = now.body.state.time, _reserved(standing, name)
    control = in_control(policy.policy.control, person, at, standing.inherited)
    answer = Answer(True, (), 0, known, control, at, shard, policy.name)
    if entry is not None:
        return answer._replace(reservation=f"{entry.id:032x}", reserved_until=entry.expires)
    ask = Ask(policy, person, standing, at, "", at, stops=stopped.standing)
    held = against(ask, Wanted(question.purpose, question.channel, question.promotion))
    gates = tuple(Against(one.code, _ends(one), told(one.code), told(one.code, to_customer=True)) for one in held)
    until = max((one.until for one in gates), default=0) if all(one.until for one in gates) else 0
    return answer._replace(allowed=not held, gates=gates, until=until)


def _ends(held: Held) -> int:
    """When a gate opens, ms; 0: not by itself, or nobody knows."""
    return 0 if held.code in UNFORESEEN else held.until


def _reserved(standing: Standing, name: str) -> Outstanding | None:
    number = reservation(name) if name else 0
    ours = (one for one in standing.outstanding if number and one.id == number)
    return next((one for one in ours if one.kind == OTHERS and one.stage == Stage.OUT), None)


def question_of(document: bytes) -> Question:
    """A question in JSON. Raises NotAsked."""
    try:
        return msgspec.json.decode(document, type=Question)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise NotAsked(f"the question: {error}") from error
