"""An operator's stop on its way into force, and what is stopped where.

First the flag (`streams.store.stop_flag`), which publishers and senders obey within seconds; then an order into every
partition of the triggers topic, for what senders hold already; then a record into every partition of the touchpoints
log, by which shards decide. Cut short anywhere, the same command goes on: a stop of the same selectors is the same one.
"""

from __future__ import annotations

import contextlib
import logging
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from models.customer.restrictions import ACTION_PURPOSES
from models.decisions.policy.parts import KINDS
from models.decisions.policy.reading import PolicyUnfit, read_policy
from models.outputs import StopOrder, encode, output_id
from models.timeline.stop_types import Stop, Stops
from models.timeline.stops import MOST_STOPS, in_force, joined, resumed, stopped
from models.touchpoints import InvalidTouchpoint, event
from streams.crash_points import point
from streams.errors import EngineError, ExitCode, NewerRelease, StateUnreadable
from streams.kafka.errors import kafka_named
from streams.kafka.producer import close_producer, open_producer
from streams.kafka.security import KafkaConnection
from streams.operations.choices import DELIVERY_S, read_within, write_choice
from streams.operations.policy import ShardPolicyNow, newest, shard_now
from streams.operations.policy.ledger_store import LedgerStore
from streams.shard.meta import ShardBody, unpack_body
from streams.store import Store
from streams.store.stop_flag import change_flag, read_flag

logger = logging.getLogger(__name__)

OPERATOR: Final = b"operator"
"""The sender of an order: no shard is called so, hence none takes it for an output of its own."""
WITHOUT_POLICY: Final = ("care", "win_back")
"""The actions while no policy is in force."""
LONGEST: Final = {"by": 200, "why": 500}


class StopRefused(EngineError):
    """A stop that can't be made, or ended."""

    code = ExitCode.USAGE
    remedy = "correct what the message names; `retention stops` shows what is stopped"


class Where(NamedTuple):
    """A stop, and where it is in force.

    flag: publishers and senders obey it. shards: that decide by it. not_yet: that do not: they lag, are parked, or have
    a worker of an older release, which does not know the record. ended: an operator has ended it, and the shards do not
    know.
    """

    stop: Stop
    flag: bool
    shards: tuple[int, ...]
    not_yet: tuple[int, ...]
    ended: bool = False


async def bodies_now(store: Store, partitions: int) -> dict[int, ShardBody]:
    """The metadata of every shard that there is. One that can't be read, whose shard is parked or another release's, is
    left out: it must not keep anybody from stopping the others. Raises StoreUnavailable."""
    found = dict[int, ShardBody]()
    for shard in range(partitions):
        meta = await store.read_meta(str(shard))
        if meta is None:
            continue
        try:
            found[shard] = unpack_body(str(shard), meta.body)
        except (StateUnreadable, NewerRelease) as error:
            logger.warning("%s", error)
    return found


async def earlier_actions(store: Store) -> frozenset[str]:
    """The actions of all policies that were ever applied, and those without one: what they made may still be out."""
    found = {*WITHOUT_POLICY}
    try:
        ledger = LedgerStore(store)
        for one in (await ledger.read()).applied:
            text = await ledger.text(one.sha256)
            with contextlib.suppress(PolicyUnfit):  # of another release
                found.update(read_policy(text).action if text is not None else ())
    except (StateUnreadable, NewerRelease) as error:
        logger.warning("%s", error)
    return frozenset(found)


def check_selectors(
    stop: Stop, shards: Mapping[int, ShardPolicyNow], earlier: frozenset[str] = frozenset(WITHOUT_POLICY)
) -> None:
    """Refuse a selector that fits nothing, such as a name with a letter wrong. Raises StopRefused.

    Args:
        stop: that is wanted.
        shards: looked at where an action is named.
        earlier: actions of policies that are in force no more.
    """
    policies = [shard.policy for shard in shards.values() if shard.policy is not None]
    known = {action for policy in policies for action in policy.policy.action} or {*WITHOUT_POLICY}
    last = newest(shards)
    of = "is of no policy, now or before" if last is not None else "is none of those without a policy"
    for action in stop.actions:
        if action not in known | earlier:
            raise StopRefused(f"action {action!r} {of}; give one of {', '.join(sorted(known))}")
    for purpose in stop.purposes:
        if purpose not in ACTION_PURPOSES:
            raise StopRefused(f"purpose {purpose!r} is none; give one of {', '.join(ACTION_PURPOSES)}")
    for kind in stop.kinds:
        if kind not in KINDS:
            raise StopRefused(f"kind {kind!r} is none; give one of {', '.join(KINDS)}")
    for country in stop.countries:
        if not (len(country) == 2 and country.isascii() and country.isupper()):
            raise StopRefused(f"country {country!r} is no ISO 3166 code; give two capital letters such as DE")
    for name, given in (("by", stop.by), ("why", stop.why)):
        if not given.strip() or len(given) > LONGEST[name]:
            raise StopRefused(f"--{name} has {len(given)} characters; give 1 to {LONGEST[name]}")


async def raise_flag(store: Store, wanted: Stop, known: Stops, now: int) -> tuple[Stop, bool]:
    """Stop it for publishers and senders; the stop with its number, and whether it stood before.

    wanted: its number is not read. known: what shards have. now: this machine's time, ms. Raises StopRefused and what
    `change_flag` raises.
    """
    found: list[tuple[Stop, bool]] = []

    def change(flag: Stops) -> Stops:
        found.clear()
        both = joined(flag, known)
        for one in both.standing:
            if selectors(one) == selectors(wanted):
                found.append((one, True))
                return both
        if len(both.standing) >= MOST_STOPS:
            told = f"{len(both.standing)} stops are in force"
            raise StopRefused(f"{told}, and no more can be; end one (`retention resume`)")
        last = max((*(one.number for one in both.standing), *both.ended, both.ended_to), default=0)
        stop = msgspec.structs.replace(wanted, number=max(now, last + 1))
        found.append((stop, False))
        return stopped(both, stop)

    await change_flag(store, change)
    point("stop.flag")
    return found[0]


async def lower_flag(store: Store, known: Stops, numbers: Iterable[int]) -> None:
    """End stops for publishers and senders."""
    wanted = tuple(numbers)
    await change_flag(store, lambda flag: resumed(joined(flag, known), wanted))
    point("resume.flag")


def selectors(stop: Stop) -> tuple[tuple[str, ...], ...]:
    """What a stop is of."""
    return stop.purposes, stop.actions, stop.countries, stop.kinds


def known_of(bodies: Mapping[int, ShardBody], flag: Stops) -> Stops:
    """What is stopped anywhere."""
    for body in bodies.values():
        flag = joined(flag, in_force(body.state))
    return flag


def anywhere(bodies: Mapping[int, ShardBody], flag: Stops) -> list[Stop]:
    """What stands in the flag or in any shard, by number. It has what was ended by a command that was cut short before
    the log had it, too."""
    found = {one.number: one for one in flag.standing}
    for body in bodies.values():
        found |= {one.number: one for one in in_force(body.state).standing}
    return [found[number] for number in sorted(found)]


async def policies_now(store: Store, partitions: int) -> dict[int, ShardPolicyNow]:
    """The policies of the shards that can be read: the others must not keep anybody from stopping."""
    found = dict[int, ShardPolicyNow]()
    for shard in range(partitions):
        try:
            now = await shard_now(store, str(shard))
        except (StateUnreadable, NewerRelease) as error:
            logger.warning("%s", error)
            continue
        if now is not None:
            found[shard] = now
    return found


def write_orders(connection: KafkaConnection, topic: str, partitions: int, stop: Stop) -> None:
    """Order senders to drop what they hold, in every partition of the triggers topic.

    Raises BrokerUnreachable, BrokerRefused.
    """
    producer, _ = open_producer(connection, False, DELIVERY_S, {"linger_ms": 0})
    now = int(time.time() * 1000)
    try:
        sent = []
        with kafka_named(connection, "writing the orders to senders"):
            for partition in range(partitions):
                name = output_id("order", stop.number, partition)
                order = StopOrder(name, stop.number, now, *msgspec.structs.astuple(stop)[1:])
                headers = [("sender", OPERATOR), ("id", name.encode())]
                sent.append(producer.send(topic, encode(order), partition=partition, headers=headers))
            for one in sent:
                one.get(DELIVERY_S)
    finally:
        close_producer(producer)
    point("stop.ordered")


def write_stop(
    connection: KafkaConnection, topic: str, partitions: int, bodies: Mapping[int, ShardBody], stop: Stop
) -> list[int]:
    """Write its record into every partition of the log; the offsets. Raises as `write_choice`."""
    parts = dict(zip(("purposes", "actions", "countries", "kinds"), map(list, selectors(stop)), strict=True))
    data = {"number": stop.number, **{name: part for name, part in parts.items() if part}}
    data |= {name: text for name, text in (("by", stop.by), ("reason", stop.why)) if text}
    return write_choice(connection, topic, partitions, bodies, "stop", _record("stopped", data))


def write_end(
    connection: KafkaConnection,
    topic: str,
    partitions: int,
    bodies: Mapping[int, ShardBody],
    numbers: Sequence[int],
    by: str,
    why: str = "",
) -> list[int]:
    """Write the end of stops into every partition of the log; the offsets. Raises as `write_choice`."""
    told = {name: text for name, text in (("by", by), ("reason", why)) if text}
    data = {"stops": list(numbers), **told}
    return write_choice(connection, topic, partitions, bodies, "end of the stop", _record("resumed", data))


def _record(kind: str, data: dict[str, Any]) -> Callable[[int], bytes]:
    def record(at: int) -> bytes:
        name = f"{kind}-{uuid.uuid4().hex}"
        try:
            return event(kind, id=name, source="/retention/cli", subject=None, time_ms=at, data=data)
        except InvalidTouchpoint as error:
            raise StopRefused(f"the record of the stop: {error.rejected.reason}") from error

    return record


async def read_by(
    store: Store, partitions: int, numbers: Sequence[int], stands: bool, within_s: float
) -> tuple[Sequence[int], Sequence[int]]:
    """The shards that have read stops, or their end, within a time, and those that have not."""

    async def readers() -> list[int]:
        found = await bodies_now(store, partitions)
        standing = {shard: {one.number for one in in_force(body.state).standing} for shard, body in found.items()}
        ended = {shard: in_force(body.state) for shard, body in found.items()}
        if stands:
            return [shard for shard in found if standing[shard].issuperset(numbers)]
        return [n for n in found if all(k in ended[n].ended or k <= ended[n].ended_to for k in numbers)]

    return await read_within(readers, partitions, within_s)


async def stops_now(store: Store, partitions: int) -> tuple[list[Where], dict[int, ShardBody]]:
    """What is stopped, and where it is in force; and the shards."""
    flag, bodies = await read_flag(store), await bodies_now(store, partitions)
    found = []
    standing = {one.number for one in known_of(bodies, flag).standing}
    for stop in anywhere(bodies, flag):
        have = tuple(n for n, body in bodies.items() if stop in in_force(body.state).standing)
        ended = stop.number not in standing
        lack = () if ended else tuple(n for n in range(partitions) if n not in have)
        found.append(Where(stop, stop in flag.standing and not ended, have, lack, ended))
    return found, bodies
