"""A new policy's way into every partition of the touchpoints log.

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
from models.decisions.policy.vocabulary import policy_read
from models.timeline.chosen_policy import rank
from models.timeline.shard_state import PolicyName
from models.touchpoints import InvalidTouchpoint, event
from streams.kafka.security import KafkaConnection
from streams.operations.choices import read_within, write_choice
from streams.operations.policy.refusals import AnotherPolicy, OlderWorker, PolicyRefused
from streams.operations.policy.shards import ShardPolicyNow, lacking, newest, shards_now
from streams.store import Store

PolicyRecord = Callable[[int], bytes]
"""Makes a policy's record of a time, ms."""
NONE: Final = "none"
"""In place of a hash: no policy is in force."""


class Plan(NamedTuple):
    """A policy to be written. before: the one that was applied last. base: sha256 of that.

    repeats: it was applied before, and not every shard has it. at: log time (ms) from whose boundary on it is in force;
    0: at once. proposer, approvers: whose proposal it was, and who approved it.
    """

    policy: PolicyInForce
    before: PolicyInForce | None
    by: str
    reason: str
    repeats: bool
    at: int = 0
    proposer: str = ""
    approvers: tuple[str, ...] = ()

    @property
    def base(self) -> str | None:
        return None if self.before is None else self.before.sha256


def read(text: str, number: int = 0) -> PolicyInForce:
    """A policy file's text as it would be in force. Raises PolicyRefused."""
    try:
        return PolicyInForce.of(number, text)
    except PolicyUnfit as error:
        told = "\n".join(f"  {problem.words}" for problem in error.problems)
        raise PolicyRefused(f"it is no policy:\n{told}", error.problems) from error


class Stands(NamedTuple):
    """The policy that was applied last: it is in force, waits, or is on its way into the shards.

    at: log time (ms) for which it was applied; 0: at once. everywhere: every shard has read it.
    """

    policy: PolicyInForce
    at: int
    everywhere: bool

    @property
    def name(self) -> PolicyName:
        return PolicyName(self.policy.number, self.policy.sha256)


def stands_in(shards: Mapping[int, ShardPolicyNow]) -> Stands | None:
    """The policy that was applied last, as far as any shard has read it."""
    last = newest(shards)
    if last is None:
        return None
    at = max(shard.at for shard in shards.values() if shard.newest == last)
    return Stands(last, at, not lacking(shards))


def planned(
    shards: Mapping[int, ShardPolicyNow],
    text: str,
    by: str,
    reason: str,
    base: str | None,
    now: int,
    at: int = 0,
    stands: Stands | None = None,
) -> Plan | None:
    """The policy that is to be written, or None where every shard has it.

    Args:
        shards: as they are now.
        text: of the file.
        by, reason: who applies it, and why.
        base: sha256, or its beginning, of the policy from which it was made; `NONE`: of none. None: whichever.
        now: this machine's time, ms; a policy gets a higher number than all before it.
        at: log time (ms) from whose boundary on it shall be in force; 0: at once.
        stands: the policy that was applied last; None: the newest that any shard has.

    Raises:
        PolicyRefused: it is none.
        OlderWorker: one would not read it.
        AnotherPolicy: another one than `base` was applied last.
    """
    wanted, last = read(text), stands or stands_in(shards)
    again = last is not None and last.policy.sha256 == wanted.sha256 and _same_time(last, at, shards)
    if last is not None and again and last.everywhere:
        return None
    _refuse_older(shards)
    if last is not None and again:
        return Plan(last.policy, last.policy, by, reason, repeats=True, at=last.at)
    refuse_other_base(last, base)
    number = now if last is None else max(now, last.policy.number + 1)
    return Plan(PolicyInForce.of(number, text), None if last is None else last.policy, by, reason, repeats=False, at=at)


def refuse_other_base(last: Stands | None, base: str | None) -> None:
    """Raises AnotherPolicy where a change was made from another policy than the one that was applied last."""
    stands = NONE if last is None else last.policy.sha256
    if base is not None and not (stands.startswith(base) if base != NONE else stands == NONE):
        raise AnotherPolicy(f"made from {base}, and in force is {stands}")


def _same_time(last: Stands, at: int, shards: Mapping[int, ShardPolicyNow]) -> bool:
    """Whether what was applied last comes into force when it shall: it is already, or was applied for the same time."""
    return last.at == at or any(shard.policy == last.policy for shard in shards.values())


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
    given: dict[str, Any] = {"base": None if plan.repeats else plan.base, "by": plan.by, "reason": plan.reason}
    given |= {"at": plan.at, "proposer": plan.proposer, "approvers": plan.approvers}
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
