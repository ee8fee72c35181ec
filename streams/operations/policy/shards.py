"""The policy in force, and the one that waits, in every shard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from msgspec import UNSET

from models.decisions.policy.in_force import PolicyInForce
from models.timeline import chosen_policy
from models.timeline.chosen_policy import rank
from models.timeline.shard_state import PolicyName
from streams.operations.choices import NoShard
from streams.shard.meta import ShardBody, unpack_body
from streams.store import Store

TRIES: Final = 3
"""For a meta and the texts beside it: another policy may come into force between two reads."""


class ShardPolicyNow(NamedTuple):
    """A shard's metadata, the policy that decides in it, and the one that waits; None: there is none."""

    body: ShardBody
    policy: PolicyInForce | None
    waiting: PolicyInForce | None = None

    @property
    def name(self) -> PolicyName | None:
        """Of the newest."""
        return chosen_policy.newest(self.body.state)

    @property
    def newest(self) -> PolicyInForce | None:
        """The policy that the shard has read last: it waits, or is in force."""
        return self.policy if self.waiting is None else self.waiting

    @property
    def at(self) -> int:
        """Log time (ms) for which the newest waits; 0: it is in force."""
        waiting = self.body.state.policy_waiting
        return 0 if waiting is UNSET else waiting.at


async def shards_now(store: Store, app: str, partitions: int) -> dict[int, ShardPolicyNow]:
    """Every shard that there is.

    Raises NoShard where there is none, StateUnreadable, NewerRelease, and what the store raises.
    """
    found = {shard: await shard_now(store, str(shard)) for shard in range(partitions)}
    there = {shard: now for shard, now in found.items() if now is not None}
    if not there:
        raise NoShard(f"app {app!r} has no shards")
    return there


async def shard_now(store: Store, namespace: str) -> ShardPolicyNow | None:
    """A shard's metadata and policies; None where there is no such shard. Raises as `shards_now`."""
    from streams.shard.stored_policy import POLICY, WAITING_POLICY, stored_policies  # loads River

    meta, texts = await store.read_meta(namespace), list[bytes | None]()
    if meta is None:
        return None
    body = unpack_body(namespace, meta.body)
    for _ in range(TRIES):
        texts = await store.load(namespace, [POLICY, WAITING_POLICY])
        meta = await store.read_meta(namespace)
        before, body = body, body if meta is None else unpack_body(namespace, meta.body)
        if (before.state.policy, before.state.policy_waiting) == (body.state.policy, body.state.policy_waiting):
            break
    return ShardPolicyNow(body, *stored_policies(namespace, body.state, *texts))


def newest(shards: Mapping[int, ShardPolicyNow]) -> PolicyInForce | None:
    """The policy that was applied last, as far as any shard has read it."""
    known = [(rank(shard.name), shard.newest) for shard in shards.values() if shard.name is not None]
    return max(known, key=lambda entry: entry[0])[1] if known else None


def in_force(shards: Mapping[int, ShardPolicyNow]) -> PolicyInForce | None:
    """The newest of the policies that decide by now."""
    known = [shard.policy for shard in shards.values() if shard.policy is not None]
    return max(known, key=lambda one: (one.number, one.sha256), default=None)


def lacking(shards: Mapping[int, ShardPolicyNow]) -> list[int]:
    """The shards that have not read the policy that was applied last."""
    last = newest(shards)
    return [n for n, shard in shards.items() if last is not None and shard.newest != last]
