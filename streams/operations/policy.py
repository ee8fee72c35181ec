"""Operator's view of the policy in force in every shard, and a new one's way into all of them.

A policy is a record of the touchpoints log, in every partition, so that whoever reads the log again decides the same.
It holds the whole file; a shard that has it passes it over, so an application that was cut short is repeated.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from msgspec import UNSET

from models.decisions.policy.in_force import PolicyInForce
from models.decisions.policy.parts import FORMAT
from models.decisions.policy.reading import PolicyUnfit
from models.decisions.policy.structure import Problem
from models.decisions.policy.vocabulary import policy_read
from models.timeline.chosen_policy import rank
from models.timeline.shard_state import PolicyName
from models.touchpoints import InvalidTouchpoint, event
from streams.errors import EngineError, ExitCode
from streams.kafka.security import KafkaConnection
from streams.operations.choices import NoShard, read_within, write_choice
from streams.shard.meta import ShardBody, unpack_body
from streams.store import Store

TRIES: Final = 3
"""For a meta and the text beside it: another policy may come into force between two reads."""
PolicyRecord = Callable[[int], bytes]
"""Makes a policy's record of a time, ms."""
NONE: Final = "none"
"""In place of a hash: no policy is in force."""


class PolicyRefused(EngineError):
    """A policy that can't be applied. `problems` has what is wrong with the file, if that is it."""

    code = ExitCode.USAGE
    remedy = "mend what the message names; `retention policy check FILE` tells it again"

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class AnotherPolicy(PolicyRefused):
    """The policy in force is not the one from which a new one was made."""

    remedy = "see what has changed (`retention policy diff FILE`), take it over into your file, and name the new hash"


class OlderWorker(PolicyRefused):
    """A worker that is of an older release than this command would not read all that a policy may say."""

    remedy = (
        "upgrade the workers first (`retention top` shows whose shard it is), and start one where none is running; or "
        "apply with the release that the workers run"
    )


class ShardPolicyNow(NamedTuple):
    """A shard's metadata, and the policy that decides in it; None: none was ever applied."""

    body: ShardBody
    policy: PolicyInForce | None

    @property
    def name(self) -> PolicyName | None:
        return None if self.body.state.policy is UNSET else self.body.state.policy


class Plan(NamedTuple):
    """A policy to be written. before: the newest that any shard has. base: sha256 of that.

    repeats: it was applied before, and not every shard has it.
    """

    policy: PolicyInForce
    before: PolicyInForce | None
    by: str
    reason: str
    repeats: bool

    @property
    def base(self) -> str | None:
        return None if self.before is None else self.before.sha256


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
    """A shard's metadata and policy; None where there is no such shard. Raises as `shards_now`."""
    from streams.shard.stored_policy import POLICY, stored_policy  # loads River

    meta, text = await store.read_meta(namespace), None
    if meta is None:
        return None
    body = unpack_body(namespace, meta.body)
    for _ in range(TRIES):
        [text] = await store.load(namespace, [POLICY])
        meta = await store.read_meta(namespace)
        before, body = body, body if meta is None else unpack_body(namespace, meta.body)
        if before.state.policy == body.state.policy:
            break
    return ShardPolicyNow(body, stored_policy(namespace, body.state, text))


def newest(shards: Mapping[int, ShardPolicyNow]) -> PolicyInForce | None:
    """The policy that was applied last, as far as any shard has read it."""
    known = [(rank(shard.name), shard.policy) for shard in shards.values() if shard.name is not None]
    return max(known, key=lambda entry: entry[0])[1] if known else None


def lacking(shards: Mapping[int, ShardPolicyNow]) -> list[int]:
    """The shards that have not read the policy that was applied last."""
    last = newest(shards)
    return [n for n, shard in shards.items() if last is not None and shard.policy != last]


def read(text: str, number: int = 0) -> PolicyInForce:
    """A policy file's text as it would be in force. Raises PolicyRefused."""
    try:
        return PolicyInForce.of(number, text)
    except PolicyUnfit as error:
        told = "\n".join(f"  {problem.words}" for problem in error.problems)
        raise PolicyRefused(f"it is no policy:\n{told}", error.problems) from error


def planned(
    shards: Mapping[int, ShardPolicyNow], text: str, by: str, reason: str, base: str | None, now: int
) -> Plan | None:
    """The policy that is to be written, or None where every shard has it.

    Args:
        shards: as they are now.
        text: of the file.
        by, reason: who applies it, and why.
        base: sha256, or its beginning, of the policy from which it was made; `NONE`: of none. None: whichever.
        now: this machine's time, ms; a policy gets a higher number than all before it.

    Raises:
        PolicyRefused: it is none.
        OlderWorker: one would not read it.
        AnotherPolicy: another one than `base` is in force.
    """
    wanted, last = read(text), newest(shards)
    if last is not None and last.sha256 == wanted.sha256 and not lacking(shards):
        return None
    _refuse_older(shards)
    if last is not None and last.sha256 == wanted.sha256:
        return Plan(last, last, by, reason, repeats=True)
    stands = NONE if last is None else last.sha256
    if base is not None and not (stands.startswith(base) if base != NONE else stands == NONE):
        raise AnotherPolicy(f"made from {base}, and in force is {stands}")
    number = now if last is None else max(now, last.number + 1)
    return Plan(PolicyInForce.of(number, text), last, by, reason, repeats=False)


def _refuse_older(shards: Mapping[int, ShardPolicyNow]) -> None:
    """Such a worker parks its shard, or passes the policy over while the others obey it."""
    ours = policy_read()
    older = [n for n, shard in shards.items() if shard.body.policy_read is UNSET or shard.body.policy_read < ours]
    if older:
        stated = shards[older[0]].body.policy_read
        theirs = "an earlier one" if stated is UNSET else f"format {stated[0]}, {stated[1]} words"
        which = f"shard{'' if len(older) == 1 else 's'} {', '.join(map(str, older))}"
        raise OlderWorker(
            f"the worker of {which} is of an older release: it reads policies of {theirs}, this command writes "
            f"format {ours[0]}, {ours[1]} words"
        )


def write(
    connection: KafkaConnection, topic: str, partitions: int, shards: Mapping[int, ShardPolicyNow], plan: Plan
) -> list[int]:
    """Write the policy into every partition, acknowledged one by one; the offsets.

    Raises:
        PolicyRefused: the record would be refused, such as for too long a `by`.
        NoShard, BrokerUnreachable, BrokerRefused: as `streams.operations.choices.write_choice`.
    """
    bodies = {shard: now.body for shard, now in shards.items()}
    return write_choice(connection, topic, partitions, bodies, "policy", lambda at: record_of(plan, at))


def record_of(plan: Plan, at: int) -> bytes:
    """The record of a time, ms. Raises PolicyRefused."""
    policy = plan.policy
    data: dict[str, Any] = {"number": policy.number, "format": FORMAT, "sha256": policy.sha256, "text": policy.text}
    given = {"base": None if plan.repeats else plan.base, "by": plan.by, "reason": plan.reason}
    data |= {name: value for name, value in given.items() if value}
    name = f"policy-chosen-{uuid.uuid4().hex}"
    try:
        return event("policy_chosen", id=name, source="/retention/cli", subject=None, time_ms=at, data=data)
    except InvalidTouchpoint as error:
        raise PolicyRefused(f"the record of the policy: {error.rejected.reason}") from error


def from_the_first(text: str, by: str, reason: str = "") -> PolicyRecord:
    """The record of a policy that is in force from the beginning of a log on. Raises PolicyRefused."""
    read(text)

    def record(at: int) -> bytes:
        return record_of(Plan(PolicyInForce.of(at, text), None, by, reason, repeats=False), at)

    return record


async def read_by(
    store: Store, app: str, partitions: int, policy: PolicyInForce, within_s: float
) -> tuple[Sequence[int], Sequence[int]]:
    """The shards that have read a policy, or a newer one, within a time, and those that have not."""
    wanted = (policy.number, policy.sha256)

    async def readers() -> list[int]:
        shards = await shards_now(store, app, partitions)
        return [n for n, shard in shards.items() if shard.name is not None and rank(shard.name) >= wanted]

    return await read_within(readers, partitions, within_s)
