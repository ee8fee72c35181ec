"""What is kept of changes: who proposed what and who approved it, and who applied it; pure.

A proposal is a policy's whole text, under a number and its hash, made from the policy that was applied last. It never
changes, so an approval is of that text from that base. What is applied stands in a chain: each names the one from
which it was made, and none is added to a chain that has grown meanwhile. Numbers are times (ms), as those of policies
are: one that a store lost when it went back is not given to something else.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from models.decisions.policy.in_force import PolicyInForce
from models.decisions.policy.people import may_approve, may_not_propose, sections_changed
from models.timeline.chosen_policy import rank
from models.timeline.shard_state import PolicyName
from streams.operations.policy.planning import NONE, Plan, Stands
from streams.operations.policy.refusals import AnotherPolicy, NoSuchProposal, NotAllowed

SHORTEST = 6
"""Digits of a hash that name something."""


class Approval(msgspec.Struct, frozen=True):
    """time: of this machine, ms."""

    by: str
    time: int


class Proposal(msgspec.Struct, frozen=True, omit_defaults=True):
    """A policy that somebody proposes. sha256: of its text. base: name of the policy from which it was made; None: of
    none. rolls_back: number of the policy whose text it has; 0: it is no rollback."""

    number: int
    sha256: str
    base: PolicyName | None
    by: str
    reason: str = ""
    approvals: tuple[Approval, ...] = ()
    rolls_back: int = 0

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.number}-{self.sha256[:8]}"

    @property
    def approvers(self) -> tuple[str, ...]:
        return tuple(approval.by for approval in self.approvals)


class Applied(msgspec.Struct, frozen=True, omit_defaults=True):
    """A policy that was applied, or is just being written. time: ms. at: log time from whose boundary on it is in
    force; 0: at once. outside: it was applied past this store: by an older release, or before the store went back."""

    number: int
    sha256: str
    base: str
    time: int
    by: str = ""
    reason: str = ""
    at: int = 0
    proposer: str = ""
    approvers: tuple[str, ...] = ()
    outside: bool = False

    @property
    def name(self) -> PolicyName:
        return PolicyName(self.number, self.sha256)


class Ledger(msgspec.Struct, frozen=True):
    """All of it, oldest first; `applied` by rank."""

    proposals: tuple[Proposal, ...] = ()
    applied: tuple[Applied, ...] = ()

    def of_text(self, sha256: str, base: PolicyName | None) -> Proposal | None:
        """The proposal of a text from a base."""
        return next((one for one in self.proposals if (one.sha256, one.base) == (sha256, base)), None)

    def applied_as(self, name: PolicyName) -> Applied | None:
        return next((one for one in reversed(self.applied) if one.name == name), None)


def name_of(stands: Stands | None) -> PolicyName | None:
    return None if stands is None else stands.name


def found(proposals: Sequence[Proposal], which: str) -> Proposal:
    """The proposal of a number, a name, or the beginning of a hash; of several of one hash the newest.

    Raises NoSuchProposal where there is none, or the beginning is that of several hashes.
    """
    some = [one for one in proposals if which in (str(one.number), one.name)]
    if not some and len(which) >= SHORTEST:
        some = [one for one in proposals if one.sha256.startswith(which)]
    if len({one.sha256 for one in some}) > 1:
        names = ", ".join(one.name for one in some)
        raise NoSuchProposal(f"{which} is the beginning of the hash of several proposals: {names}")
    if not some:
        raise NoSuchProposal(f"no proposal {which} is kept: it was never made here, or the store went back since")
    return some[-1]


def refuse_outdated(proposal: Proposal, stands: Stands | None) -> None:
    """Raises AnotherPolicy where something else was applied since the proposal was made."""
    if proposal.base != name_of(stands):
        base = NONE if proposal.base is None else proposal.base.short
        now = NONE if stands is None else stands.name.short
        raise AnotherPolicy(f"proposal {proposal.name} was made from {base}, and {now} was applied since")


def propose(
    ledger: Ledger,
    stands: Stands | None,
    policy: PolicyInForce,
    by: str,
    reason: str,
    now: int,
    rolls_back: int = 0,
) -> tuple[Ledger, Proposal]:
    """Put a policy forward; where the same was proposed before from the same base, that one.

    Args:
        ledger: before.
        stands: the policy that was applied last, from which this one was made.
        policy: what is proposed; its number counts nothing.
        by, reason: who proposes it, and why.
        now: this machine's time, ms.
        rolls_back: see `Proposal`.

    Raises:
        NotAllowed: they may not.
    """
    if (known := ledger.of_text(policy.sha256, name_of(stands))) is not None:
        return ledger, known
    old = None if stands is None else stands.policy.policy
    sections = sections_changed(old, policy.policy)
    if old is not None and (closed := may_not_propose(old.people, by, sections)):
        raise NotAllowed(f"{by} may propose no change of {', '.join(closed)}")
    number = max([now, *(one.number + 1 for one in ledger.proposals)])
    made = Proposal(number, policy.sha256, name_of(stands), by, reason, rolls_back=rolls_back)
    return msgspec.structs.replace(ledger, proposals=(*ledger.proposals, made)), made


def approve(
    ledger: Ledger, stands: Stands | None, proposal: Proposal, policy: PolicyInForce, by: str, now: int
) -> tuple[Ledger, Proposal]:
    """Approve a proposal; a second time changes nothing.

    Args:
        ledger: before.
        stands: the policy that was applied last.
        proposal: of the ledger. policy: what it proposes.
        by: who approves it.
        now: this machine's time, ms.

    Raises:
        AnotherPolicy: something else was applied since the proposal was made.
        NotAllowed: they may approve nothing that it changes.
    """
    refuse_outdated(proposal, stands)
    if by in proposal.approvers:
        return ledger, proposal
    old = None if stands is None else stands.policy.policy
    sections = sections_changed(old, policy.policy)
    if old is not None and sections and not may_approve(old.people, by, sections):
        raise NotAllowed(f"{by} may approve none of what it changes: {', '.join(sections)}")
    approved = msgspec.structs.replace(proposal, approvals=(*proposal.approvals, Approval(by, now)))
    proposals = tuple(approved if one.number == proposal.number else one for one in ledger.proposals)
    return msgspec.structs.replace(ledger, proposals=proposals), approved


def applying(ledger: Ledger, stands: Stands | None, plan: Plan, now: int) -> Ledger:
    """The ledger with what is about to be written into the log, made from what was applied last.

    stands: that, as the ledger and the shards have it; where the ledger has not, it comes in as applied past it.

    Raises AnotherPolicy where the plan was made from another one.
    """
    if plan.repeats:
        return with_outside(ledger, stands, now)
    before = None if plan.before is None else PolicyName(plan.before.number, plan.before.sha256)
    if before != name_of(stands):
        made, last = (NONE if name is None else name.short for name in (before, name_of(stands)))
        raise AnotherPolicy(f"made from {made}, and {last} was applied meanwhile")
    known = with_outside(ledger, stands, now)
    entry = Applied(
        plan.policy.number,
        plan.policy.sha256,
        NONE if before is None else before.short,
        now,
        plan.by,
        plan.reason,
        plan.at,
        plan.proposer,
        plan.approvers,
    )
    return msgspec.structs.replace(known, applied=(*known.applied, entry))


def with_outside(ledger: Ledger, stands: Stands | None, now: int) -> Ledger:
    """The ledger with the policy that was applied last, if it has not that one."""
    if stands is None or ledger.applied_as(stands.name) is not None:
        return ledger
    entry = Applied(stands.name.number, stands.name.sha256, "", now, at=stands.at, outside=True)
    applied = sorted((*ledger.applied, entry), key=lambda one: rank(one.name))
    return msgspec.structs.replace(ledger, applied=tuple(applied))
