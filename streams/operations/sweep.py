"""Has customers looked at whose dates a policy goes by and that have no timer yet, through the log.

A policy that comes into force adds moments of dates and silences; whoever touches nothing afterwards, such as a lapsed
customer, would never be asked. A sweep goes through the stored records in the order of a hash, and writes a `looked_at`
for those who lack a timer. Once the shard has read it they have one: so a sweep that was stopped is begun anew, and
one that is done finds nobody.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterable, Callable, Sequence
from typing import Final

from xxhash import xxh3_64_intdigest, xxh3_128_hexdigest

from models.customer.layout import ERASED
from models.customer.record import unpack
from models.customer.tail import UnknownRecord
from models.decisions.dates import lacks_a_timer
from models.decisions.standing_stored import unpack_standing
from models.engine.by_policy import Customer
from models.touchpoints import event
from streams.operations.may_contact import NothingDecides, Send
from streams.operations.policy import ShardPolicyNow, shard_now
from streams.shard.meta import settings_in_force
from streams.store import Store

RECORD: Final = b"c:"
SOURCE: Final = "/retention/sweep"
AT_ONCE: Final = 500
"""Records that are asked of the store at a time."""
LOOKED_AT, HAS_ALL, UNREADABLE = "looked_at", "has_all", "unreadable"
Told = Callable[[int, int], None]
"""Is told how many of how many records were gone through."""


async def sweep(
    store: Store, names: AsyncIterable[tuple[str, bytes]], send: Send | None, by: str, rate: float, told: Told
) -> Counter[str]:
    """Go through the records.

    Args:
        store: where they are.
        names: their namespaces and names (`RedisStore.all_names` of `RECORD`).
        send: writes a record of the touchpoints log; None: nothing is written.
        by: who asks for it.
        rate: customers that are looked at in a second, at most.
        told: is told how far it is.

    Returns:
        How many are `looked_at` now, `has_all` their timers, or are `unreadable` to this release.

    Raises:
        NothingDecides: a shard has no policy; what the store and `send` raise.
    """
    found = [(namespace, name) async for namespace, name in names if namespace.isdigit()]
    found.sort(key=lambda one: xxh3_64_intdigest(one[1]))
    shards: dict[str, ShardPolicyNow] = {}
    counts: Counter[str] = Counter({LOOKED_AT: 0, HAS_ALL: 0, UNREADABLE: 0})
    begun = time.monotonic()
    for first in range(0, len(found), AT_ONCE):
        some = found[first : first + AT_ONCE]
        for shard in sorted({namespace for namespace, _ in some}):
            shards[shard] = await _now(store, shard)
            own = [name for namespace, name in some if namespace == shard]
            wanted = await _wanted(store, shards[shard], shard, own, counts)
            for customer in wanted:
                counts[LOOKED_AT] += 1
                if send is not None:
                    await _look(send, shards[shard], shard, customer, by)
                    ahead = counts[LOOKED_AT] / rate - (time.monotonic() - begun)
                    if ahead > 0:
                        await asyncio.sleep(ahead)
        told(min(first + AT_ONCE, len(found)), len(found))
    return counts


async def _now(store: Store, shard: str) -> ShardPolicyNow:
    now = await shard_now(store, shard)
    if now is None or now.policy is None:
        raise NothingDecides(f"no policy is in force in shard {shard}")
    return now


async def _wanted(
    store: Store, now: ShardPolicyNow, shard: str, names: Sequence[bytes], counts: Counter[str]
) -> list[bytes]:
    """Of these records the customers who lack a timer."""
    wanted: list[bytes] = []
    settings = settings_in_force(shard, now.body)
    for name, stored in zip(names, await store.load(shard, names), strict=True):
        customer = name.removeprefix(RECORD)
        if stored is None:
            continue  # it has left meanwhile
        try:
            record = unpack(customer, stored)
        except UnknownRecord:
            counts[UNREADABLE] += 1
            continue
        slab = (record.flags, record.times, record.numbers, record.seconds)
        worth = (record.worth.bucket, record.worth.tier, record.worth.held)
        person = Customer(customer, record.tail, *slab, 0, *worth).person(None, settings, now.policy)
        standing = unpack_standing(record.tail.standing)
        lacks = now.policy is not None and lacks_a_timer(now.policy, person, standing, now.body.state.time)
        if lacks and not record.flags & ERASED:
            wanted.append(customer)
        else:
            counts[HAS_ALL] += 1
    return wanted


async def _look(send: Send, now: ShardPolicyNow, shard: str, customer: bytes, by: str) -> None:
    at = int(time.time() * 1000) if now.body.creation.mode == "live" else now.body.state.time
    policy = "" if now.policy is None else now.policy.sha256
    name = xxh3_128_hexdigest(b"\0".join((b"looked_at", customer, policy.encode())))
    value = event("looked_at", id=name, source=SOURCE, subject=customer.decode(), time_ms=at, data={"by": by})
    await send(int(shard), customer, value, at)
