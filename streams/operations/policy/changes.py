"""Proposing, approving, applying and rolling back: each decided from what is kept, in the shards and in the log.

A change is kept in the ledger before it is written into the log. Cut short in between it stands in the ledger: nobody
can put another in its place without having seen it, and the same command again writes it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

from models.decisions.policy.in_force import PolicyInForce
from models.decisions.policy.people import Lack, lacking, sections_changed
from models.timeline.chosen_policy import rank
from models.timeline.shard_state import PolicyName
from streams.operations.policy.in_log import InLog, stands_of
from streams.operations.policy.ledger import (
    Ledger,
    Proposal,
    applying,
    approve,
    found,
    name_of,
    propose,
    refuse_outdated,
)
from streams.operations.policy.ledger_store import Decided, LedgerStore
from streams.operations.policy.planning import Plan, Stands, planned, read, refuse_other_base, stands_in
from streams.operations.policy.refusals import AnotherPolicy, NoSuchProposal, NotApproved
from streams.operations.policy.shards import ShardPolicyNow


class View(NamedTuple):
    """What is looked at beside the ledger. shards: as they are; unread: policies of the log that they have not read."""

    shards: Mapping[int, ShardPolicyNow]
    unread: Sequence[InLog] = ()


class Put(NamedTuple):
    """A proposal, and how it stands. base: what was applied last. lacks: what it needs before it may be applied, as far
    as one can say without the number of customers that it touches. outdated: something else was applied since."""

    proposal: Proposal
    policy: PolicyInForce
    base: Stands | None
    sections: tuple[str, ...]
    lacks: tuple[Lack, ...]
    outdated: bool = False


class Wish(NamedTuple):
    """A change that somebody wants to apply.

    by, reason: who, and why. now: this machine's time, ms. base: sha256, or its beginning, of the policy from which it
    was made (None: whichever stands). at: log time (ms) from whose boundary on it shall be in force; 0: at once. seen:
    what was applied last when they looked at it; touched: the customers that it touches then, in the first day.
    """

    text: str
    by: str
    reason: str
    now: int
    base: str | None = None
    at: int = 0
    seen: PolicyName | None = None
    touched: int = 0


class Changes:
    """Args:
    kept: the ledger.
    view: what is looked at beside it.
    """

    def __init__(self, kept: LedgerStore, view: View) -> None:
        self._kept, self._view = kept, view

    async def ledger(self) -> Ledger:
        """As it is kept."""
        return await self._kept.read()

    async def stands(self, ledger: Ledger | None = None) -> Stands | None:
        """The policy that was applied last, as ledger, shards and log tell it together; None: none was.

        Raises PolicyOfAnotherRelease for a record of a newer one.
        """
        ledger = await self._kept.read() if ledger is None else ledger
        known = [stands_in(self._view.shards), *map(stands_of, self._view.unread)]
        if ledger.applied:
            last = ledger.applied[-1]
            text = await self._kept.text(last.sha256)
            if text is not None:
                known.append(Stands(read(text, last.number), last.at, everywhere=False))
        there = [one for one in known if one is not None]
        if not there:
            return None
        newest = max(there, key=lambda one: (rank(one.name), one.everywhere))
        return newest._replace(at=max(one.at for one in there if one.name == newest.name))

    async def propose(
        self, text: str, by: str, reason: str, base: str | None, now: int, rolls_back: int = 0, touched: int = 0
    ) -> tuple[Put, bool]:
        """Put a policy forward; and whether that is new. touched: customers, in the first day.

        Raises PolicyRefused, AnotherPolicy, NotAllowed.
        """
        policy = read(text)

        async def decide(ledger: Ledger) -> tuple[Decided, tuple[Put, bool]]:
            stands = await self.stands(ledger)
            refuse_other_base(stands, base)
            if stands is not None and stands.policy.sha256 == policy.sha256:
                raise AnotherPolicy(f"nothing to propose: it is policy {stands.policy.name}, which was applied last")
            after, proposal = propose(ledger, stands, policy, by, reason, now, rolls_back)
            put = _put(proposal, policy, stands, touched)
            return Decided(after, {policy.sha256: text}), (put, after != ledger)

        return await self._kept.change(decide)

    async def approve(self, which: str, by: str, now: int) -> Put:
        """Approve a proposal. Raises NoSuchProposal, AnotherPolicy, NotAllowed."""

        async def decide(ledger: Ledger) -> tuple[Decided, Put]:
            stands, proposal = await self.stands(ledger), found(ledger.proposals, which)
            policy = read(await self._text(proposal))
            after, approved = approve(ledger, stands, proposal, policy, by, now)
            return Decided(after), _put(approved, policy, stands)

        return await self._kept.change(decide)

    async def proposals(self) -> list[Put]:
        """All that were never applied, oldest first."""
        ledger = await self._kept.read()
        stands = await self.stands(ledger)
        applied = {(one.sha256, one.base) for one in ledger.applied}
        some = [
            one
            for one in ledger.proposals
            if (one.sha256, "none" if one.base is None else one.base.short) not in applied
        ]
        return [_put(one, read(await self._text(one)), stands) for one in some]

    async def text_of(self, which: str) -> str:
        """Of a proposal. Raises NoSuchProposal, and AnotherPolicy where something else was applied since."""
        ledger = await self._kept.read()
        stands, proposal = await self.stands(ledger), found(ledger.proposals, which)
        if stands is None or stands.policy.sha256 != proposal.sha256:
            refuse_outdated(proposal, stands)
        return await self._text(proposal)

    async def plan(self, wish: Wish) -> Plan | None:
        """What would be written; None: nothing. Raises as `apply`."""
        ledger = await self._kept.read()
        return self._planned(ledger, await self.stands(ledger), wish)

    async def apply(self, wish: Wish) -> Plan | None:
        """Keep a change as applied, and say what is to be written into the log; None: nothing.

        Raises:
            PolicyRefused, OlderWorker, AnotherPolicy: as `streams.operations.policy.planning.planned`; AnotherPolicy
                also where something else was applied since they looked.
            NotApproved: the policy from which it was made asks for more people.
        """

        async def decide(ledger: Ledger) -> tuple[Decided, Plan | None]:
            stands = await self.stands(ledger)
            plan = self._planned(ledger, stands, wish)
            if plan is None:
                return Decided(ledger), None
            texts = {} if stands is None else {stands.policy.sha256: stands.policy.text}
            after = applying(ledger, stands, plan, wish.now)
            return Decided(after, {**texts, plan.policy.sha256: plan.policy.text}), plan

        return await self._kept.change(decide)

    async def former(self, number: int, in_log: Callable[[], Awaitable[Sequence[InLog]]]) -> str:
        """The text of a policy that was applied once. in_log: reads the log, asked only where it is not kept.

        Raises NoSuchProposal where nobody has it any more.
        """
        ledger = await self._kept.read()
        for one in ledger.applied:
            if one.number == number and (text := await self._kept.text(one.sha256)) is not None:
                return text
        for stands in filter(None, map(stands_of, await in_log())):
            if stands.policy.number == number:
                return stands.policy.text
        raise NoSuchProposal(f"no policy {number} is kept, and none stands in the log any more")

    def _planned(self, ledger: Ledger, stands: Stands | None, wish: Wish) -> Plan | None:
        plan = planned(self._view.shards, wish.text, wish.by, wish.reason, wish.base, wish.now, wish.at, stands)
        if plan is None:
            return None
        if plan.repeats:
            first = ledger.applied_as(PolicyName(plan.policy.number, plan.policy.sha256))
            if first is None or first.outside:
                return plan
            by, reason, proposer, approvers = first.by, first.reason, first.proposer, first.approvers
            return plan._replace(by=by, reason=reason, proposer=proposer, approvers=approvers)
        if wish.seen != name_of(stands):
            now, seen = ("none" if one is None else one.short for one in (name_of(stands), wish.seen))
            raise AnotherPolicy(f"you looked at it when policy {seen} stood, and {now} was applied since")
        proposal = ledger.of_text(plan.policy.sha256, name_of(stands))
        approvers = () if proposal is None else proposal.approvers
        old = None if stands is None else stands.policy.policy
        sections = sections_changed(old, plan.policy.policy)
        if old is not None and old.people is not None and sections:
            if proposal is None:
                raise NotApproved(f"nobody has proposed it from policy {plan.before and plan.before.name}")
            if lacks := lacking(old.people, sections, approvers, wish.touched):
                told_lacks = "; ".join(lack.words for lack in lacks)
                raise NotApproved(f"proposal {proposal.name} lacks approvals: {told_lacks}")
        return plan._replace(proposer="" if proposal is None else proposal.by, approvers=approvers)

    async def _text(self, proposal: Proposal) -> str:
        text = await self._kept.text(proposal.sha256)
        if text is None:
            raise NoSuchProposal(f"the text of proposal {proposal.name} is not kept any more: propose it again")
        return text


def _put(proposal: Proposal, policy: PolicyInForce, stands: Stands | None, touched: int = 0) -> Put:
    old = None if stands is None else stands.policy.policy
    sections = sections_changed(old, policy.policy)
    lacks = () if old is None else tuple(lacking(old.people, sections, proposal.approvers, touched))
    return Put(proposal, policy, stands, sections, lacks, proposal.base != name_of(stands))
