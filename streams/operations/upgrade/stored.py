"""Reads what an upgrade's check looks at: each shard's meta with its copies of what is in force, and some records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import inf
from typing import NamedTuple

from models.customer.record import unpack
from models.customer.tail import UnknownRecord
from models.customer.tombstone import is_short
from models.customer.versions import NewerRecord
from models.learning.adoption import in_force_in
from streams.errors import NewerRelease, StateUnreadable
from streams.shard.commit import MODEL_VERSION
from streams.shard.meta import ShardBody, unpack_body
from streams.shard.stored_policy import POLICY, WAITING_POLICY, stored_policies
from streams.store import Store

TRIES = 3
"""For a meta and the copies beside it: a worker may bring another version or policy into force between two reads."""
RECORDS = 200
"""Records that are looked at, of a shard."""


class StoredShard(NamedTuple):
    """copy: of the version in force, in sealed form, as the shard keeps it."""

    body: ShardBody
    copy: bytes | None


async def stored_shard(store: Store, shard: int) -> StoredShard | None:
    """None where there is none. Raises NewerRelease and StateUnreadable, also for its policy, and what the store
    raises."""
    namespace = str(shard)
    meta = await store.read_meta(namespace)
    if meta is None:
        return None
    found, copy, texts = unpack_body(namespace, meta.body), None, list[bytes | None]()
    for _ in range(TRIES):
        copy, *texts = await store.load(namespace, [MODEL_VERSION, POLICY, WAITING_POLICY])
        meta = await store.read_meta(namespace)
        before, found = found, found if meta is None else unpack_body(namespace, meta.body)
        if _copied(before) == _copied(found):
            break
    stored_policies(namespace, found.state, *texts)
    return StoredShard(found, copy)


def _copied(body: ShardBody) -> tuple[object, ...]:
    """What a shard keeps copies of."""
    state = body.state
    return in_force_in(state), state.policy, state.policy_waiting


async def records_of(store: Store, shard: int) -> Counter[str]:
    """By form, some records of a shard: of those customers whose timers come first.

    Raises NewerRelease and StateUnreadable for one that this release can't read, and what the store raises.
    """
    namespace, found = str(shard), Counter[str]()
    customers = [customer for _, customer in await store.due(namespace, inf, RECORDS)]
    values = await store.load(namespace, [b"c:" + customer for customer in customers])
    for customer, value in zip(customers, values, strict=True):
        if value is not None:  # it may have left meanwhile
            found[_form(shard, customer, value)] += 1
    return found


def _form(shard: int, customer: bytes, value: bytes) -> str:
    try:
        unpack(customer, value)
    except NewerRecord as error:
        raise NewerRelease(f"shard {shard}: {error}") from error
    except UnknownRecord as error:
        raise StateUnreadable(f"shard {shard}: {error}") from error
    return "tombstone" if is_short(value) else f"version {value[0]}"


def shards_text(shards: Sequence[int]) -> str:
    """`shard 3`, `shards 0, 2`."""
    return f"shard{'' if len(shards) == 1 else 's'} {', '.join(map(str, shards))}"
