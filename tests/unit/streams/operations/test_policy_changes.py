"""Several people propose, approve, apply and roll back, in any order, at once, and die in between."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.decisions.policy.in_force import PolicyInForce, sha256_of
from models.decisions.policy.people import sections_changed
from models.decisions.policy.vocabulary import policy_read
from models.settings import EngineSettings
from models.timeline.chosen_policy import rank
from models.timeline.shard_state import PolicyName, ShardState, WaitingPolicy
from models.touchpoints import read as read_record
from streams.errors import NewerRelease, StateUnreadable
from streams.kafka.partition_facts import LogFacts
from streams.operations.policy.changes import Changes, View, Wish
from streams.operations.policy.in_log import InLog
from streams.operations.policy.ledger import Applied, name_of
from streams.operations.policy.ledger_store import NAMESPACE, LedgerStore
from streams.operations.policy.planning import record_of
from streams.operations.policy.refusals import (
    AnotherPolicy,
    LedgerBusy,
    NoSuchProposal,
    NotAllowed,
    NotApproved,
)
from streams.operations.policy.shards import ShardPolicyNow
from streams.shard.meta import SCHEMA, ShardBody, creation_of
from streams.store import Meta
from streams.store.fake import FakeStore, Snapshot
from tests.unit.models.decisions.policy.test_people import TEAM, policy
from tests.unit.models.decisions.policy.test_reading import SMALL

NOW = 1_700_000_000_000
OPEN = SMALL
GUARDED = policy()
OTHERS = [
    GUARDED.replace("# ", "") + "\n# only a comment\n",
    GUARDED.replace("exit = 0.4", "exit = 0.3"),
    GUARDED + '\n[contact]\ncool_down = "2d"\n',
    policy(TEAM.replace("two_from = 1000", "two_from = 5")),
    policy(TEAM.replace('approve = ["action"]', 'approve = ["action", "risk"]')),
    f"# open\n{SMALL}",
]
TEXTS = [OPEN, GUARDED, *OTHERS]
PEOPLE = ["ada", "bert", "cleo", "eve"]
SHARDS = 2
CREATION = creation_of(LogFacts(0, 0, "topic-id", SHARDS, None), "live", EngineSettings())


async def no_pause(tried: int) -> None:
    await asyncio.sleep(0)


@dataclass
class Site:
    """A store, a log of two partitions, and how far their shards have read it."""

    store: FakeStore = field(default_factory=FakeStore)
    log: list[list[InLog]] = field(default_factory=lambda: [[] for _ in range(SHARDS)])
    read: list[int] = field(default_factory=lambda: [0] * SHARDS)
    clock: int = NOW
    approved: set[tuple[str, str, PolicyName | None]] = field(default_factory=set)
    touched: dict[str, int] = field(default_factory=dict)

    def now(self) -> int:
        self.clock += 1
        return self.clock

    def view(self) -> View:
        shards = {}
        for shard in range(SHARDS):
            seen = self.log[shard][: self.read[shard]]
            last = max(seen, key=lambda one: rank(one.name), default=None)
            state, policies = ShardState(shard, SHARDS, self.read[shard]), list[PolicyInForce | None]()
            if last is not None:
                newest = PolicyInForce.of(last.data.number, last.data.text)
                if last.data.at:
                    state = msgspec.structs.replace(
                        state, policy_waiting=WaitingPolicy(newest.number, newest.sha256, last.data.at)
                    )
                    policies = [None, newest]
                else:
                    state = msgspec.structs.replace(state, policy=PolicyName(newest.number, newest.sha256))
                    policies = [newest, None]
            body = ShardBody(SCHEMA, CREATION, state, policy_read=policy_read())
            shards[shard] = ShardPolicyNow(body, *(policies or [None, None]))
        return View(shards, self.log[0][self.read[0] :])

    @property
    def changes(self) -> Changes:
        return Changes(LedgerStore(self.store, no_pause), self.view())

    async def propose(self, by: str, text: str) -> None:
        await self.changes.propose(text, by, "why", None, self.now())

    async def approve(self, by: str, which: int) -> None:
        ledger = await LedgerStore(self.store).read()
        if ledger.proposals:
            proposal = ledger.proposals[which % len(ledger.proposals)]
            self.approved.add((by, proposal.sha256, proposal.base))
            await self.changes.approve(str(proposal.number), by, self.now())

    async def apply(self, by: str, text: str, at: int = 0) -> None:
        changes = self.changes
        seen = name_of(await changes.stands())
        await asyncio.sleep(0)
        wish = Wish(text, by, "why", self.now(), None, at, seen, self.touched.get(text, 0))
        plan = await changes.apply(wish)
        if plan is None:
            return
        for partition in self.log:
            await asyncio.sleep(0)
            touch = read_record(record_of(plan, self.clock), None, self.clock)
            partition.append(InLog(touch.data, self.clock))  # type: ignore[union-attr, arg-type]

    async def roll_back(self, by: str, which: int) -> None:
        ledger = await LedgerStore(self.store).read()
        if ledger.applied:
            changes, number = self.changes, ledger.applied[which % len(ledger.applied)].number

            async def in_log() -> list[InLog]:
                return self.log[0]

            await self.apply(by, await changes.former(number, in_log))

    def applied(self) -> list[Applied]:
        return list(asyncio.run(LedgerStore(self.store).read()).applied)

    def judge(self) -> None:
        """No change is lost, and none came in without its approvals."""
        chain = self.applied()
        texts = {sha256_of(text): text for text in [*TEXTS, *(f"# {n}\n{SMALL}" for n in range(3))]}
        names = [entry.name for entry in chain]
        assert names == sorted(names, key=rank)
        logged = {one.name for partition in self.log for one in partition}
        assert logged <= set(names)
        before: Applied | None = None
        for entry in chain:
            if not entry.outside:
                assert entry.base == ("none" if before is None else before.name.short)
                old = None if before is None else PolicyInForce.of(1, texts[before.sha256]).policy
                new = PolicyInForce.of(1, texts[entry.sha256]).policy
                if old is not None and old.people is not None:
                    made_from = None if before is None else before.name
                    for approver in entry.approvers:
                        assert (approver, entry.sha256, made_from) in self.approved
                    touched = self.touched.get(texts[entry.sha256], 0)
                    two = old.people.two_from is not None and touched >= old.people.two_from
                    for section in sections_changed(old, new):
                        able = {
                            name
                            for name, person in old.people.may.items()
                            if name in entry.approvers and ({section, "all"} & set(person.approve))
                        }
                        assert len(able) >= 1 + two, (section, entry)
            before = entry


async def quietly(action: Coroutine[Any, Any, None]) -> None:
    with suppress(AnotherPolicy, NotAllowed, NotApproved, NoSuchProposal, LedgerBusy):
        await action


who, what, which = st.sampled_from(PEOPLE), st.sampled_from(TEXTS), st.integers(0, 7)
action = st.one_of(
    st.tuples(st.just("propose"), who, what),
    st.tuples(st.just("approve"), who, which),
    st.tuples(st.just("apply"), who, what),
    st.tuples(st.just("apply at"), who, what),
    st.tuples(st.just("roll_back"), who, which),
)
CONTACT, RISK = OTHERS[2], OTHERS[1]
free = st.sampled_from([f"# {n}\n{SMALL}" for n in range(3)])
without_people = st.one_of(
    st.tuples(st.sampled_from(["propose", "apply", "apply at"]), who, free),
    st.tuples(st.just("roll_back"), who, which),
)
with_people = st.one_of(
    st.tuples(st.just("approve"), st.sampled_from(["ada", "bert"]), st.integers(0, 1)),
    st.tuples(
        st.sampled_from(["propose", "apply"]), st.sampled_from(["ada", "bert"]), st.sampled_from([CONTACT, RISK])
    ),
)


def begun(site: Site, told: tuple[str, str, Any]) -> Coroutine[Any, Any, None]:
    kind, by, about = told
    if kind == "apply at":
        return quietly(site.apply(by, about, NOW + 10**9))
    return quietly(getattr(site, kind)(by, about))


def advance(running: list[Coroutine[Any, Any, None]], n: int) -> None:
    try:
        running[n].send(None)
    except StopIteration:
        del running[n]


def at_once(site: Site, actions: list[Any], turns: list[int], dies: set[int]) -> None:
    """Some do something at the same time. turns: whose next step it is. dies: turns at which they die instead."""
    running = [begun(site, one) for one in actions]
    for one in running:
        one.send(None)
    for turn, n in enumerate(turns):
        if running:
            if turn in dies:
                running.pop(n % len(running)).close()
            else:
                advance(running, n % len(running))
    while running:
        advance(running, 0)


turns = st.lists(st.integers(0, 5), min_size=5, max_size=60)
deaths = st.sets(st.integers(0, 60), max_size=1)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_without_people_no_order_loses_a_change_silently(data: st.DataObject) -> None:
    site = Site()
    for _ in range(data.draw(st.integers(1, 3))):
        at_once(site, data.draw(st.lists(without_people, min_size=2, max_size=4)), data.draw(turns), data.draw(deaths))
        if data.draw(st.booleans()):
            site.read = [len(partition) for partition in site.log]
    site.judge()


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), touched=st.sampled_from([0, 999, 1000]))
def test_with_people_no_order_lets_a_change_in_without_its_approvals(data: st.DataObject, touched: int) -> None:
    site = guarded()
    site.touched = {CONTACT: touched}
    done(site, ("propose", "bert", CONTACT), ("propose", "ada", RISK))
    for _ in range(data.draw(st.integers(1, 3))):
        at_once(site, data.draw(st.lists(with_people, min_size=2, max_size=5)), data.draw(turns), data.draw(deaths))
        if data.draw(st.booleans()):
            site.read = [len(partition) for partition in site.log]
    site.judge()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(actions=st.lists(action, max_size=25), people=st.booleans())
def test_whatever_people_do_one_after_the_other_the_chain_holds(actions: list[Any], people: bool) -> None:
    site = Site(touched={text: (0, 20, 5000)[n % 3] for n, text in enumerate(TEXTS)})
    for one in [("apply", "ada", GUARDED)] * people + actions:
        asyncio.run(begun(site, one))
        site.read = [len(partition) for partition in site.log]
    site.judge()


@settings(max_examples=60, deadline=None)
@given(before=st.lists(action, max_size=8), lost=st.lists(action, max_size=6), after=st.lists(action, max_size=8))
def test_a_store_that_goes_back_loses_proposals_and_no_policy_that_was_written(
    before: list[Any], lost: list[Any], after: list[Any]
) -> None:
    """Both go back, the ledger and how far the shards have read; the log does not."""
    site = Site()

    def play(actions: list[Any]) -> None:
        for one in actions:
            asyncio.run(begun(site, one))
            site.read = [len(partition) for partition in site.log]

    play([("apply", "ada", GUARDED), *before])
    kept, read = site.store.snapshot(NAMESPACE), list(site.read)
    play(lost)
    written = {one.name for one in site.log[0]}
    site.store.restore(NAMESPACE, kept)
    site.read = read
    numbers = {one.number for one in asyncio.run(LedgerStore(site.store).read()).proposals}
    last = max(written, key=rank)
    stands = asyncio.run(site.changes.stands())
    assert stands is not None
    assert stands.name == last
    play(after)
    later = [one for one in site.log[0] if one.name not in written]
    bases = [last, *(one.name for one in later)]
    assert [one.data.base for one in later] == [base.sha256 for base in bases[: len(later)]]
    made = {one.number for one in asyncio.run(LedgerStore(site.store).read()).proposals} - numbers
    assert all(number > max(numbers, default=0) for number in made)


def done(site: Site, *actions: tuple[str, str, Any]) -> None:
    for kind, by, about in actions:
        asyncio.run(getattr(site, kind)(by, about))
        site.read = [len(partition) for partition in site.log]


def guarded() -> Site:
    site = Site()
    done(site, ("apply", "eve", GUARDED))
    return site


def test_the_way_of_a_change_and_what_its_record_says() -> None:
    site = guarded()
    done(site, ("propose", "bert", CONTACT), ("approve", "ada", 0), ("apply", "eve", CONTACT))
    record = site.log[1][-1].data
    assert (record.by, record.proposer, record.approvers) == ("eve", "bert", ("ada",))
    assert record.base == sha256_of(GUARDED)
    assert [(one.by, one.proposer, one.approvers) for one in site.applied()] == [
        ("eve", "", ()),
        ("eve", "bert", ("ada",)),
    ]


def test_what_is_refused_and_why() -> None:
    site = guarded()
    with pytest.raises(NotApproved, match="nobody has proposed it from policy"):
        done(site, ("apply", "ada", CONTACT))
    with pytest.raises(NotAllowed, match="cleo may propose no change of contact"):
        done(site, ("propose", "cleo", CONTACT))
    done(site, ("propose", "bert", CONTACT))
    with pytest.raises(NotApproved, match="lacks approvals: contact needs 1 of ada, bert, and has nobody's approval"):
        done(site, ("apply", "ada", CONTACT))
    with pytest.raises(NotAllowed, match="cleo may approve none of what it changes: contact"):
        done(site, ("approve", "cleo", 0))
    site.touched[CONTACT] = 1000
    done(site, ("approve", "bert", 0), ("approve", "bert", 0))
    with pytest.raises(NotApproved, match="contact needs 2 of ada, bert, and has bert"):
        done(site, ("apply", "ada", CONTACT))
    done(site, ("approve", "ada", 0), ("apply", "bert", CONTACT))
    with pytest.raises(AnotherPolicy, match=r"was made from .*, and .* was applied since"):
        done(site, ("approve", "ada", 0))


def test_a_rollback_is_the_old_text_under_a_new_number_and_needs_approvals_too() -> None:
    site = Site()
    done(site, ("apply", "eve", OPEN), ("apply", "eve", OTHERS[-1]), ("roll_back", "eve", 0))
    first, _, third = site.applied()
    assert (third.sha256, third.number > first.number) == (first.sha256, True)
    site = guarded()
    done(site, ("propose", "bert", CONTACT), ("approve", "ada", 0), ("apply", "eve", CONTACT))
    with pytest.raises(NotApproved):
        done(site, ("roll_back", "ada", 0))


def test_what_was_approved_once_is_not_approved_for_ever() -> None:
    """The same text from the same text, but another time."""
    site = guarded()
    change = (("propose", "bert", CONTACT), ("approve", "ada", 0), ("apply", "eve", CONTACT))
    done(site, *change, ("propose", "ada", GUARDED), ("approve", "ada", 1), ("apply", "ada", GUARDED))
    with pytest.raises(NotApproved, match="nobody has proposed it"):
        done(site, ("apply", "eve", CONTACT))


def test_who_looked_at_another_policy_is_refused() -> None:
    site = Site()
    done(site, ("apply", "ada", OPEN))
    seen = name_of(asyncio.run(site.changes.stands()))
    done(site, ("apply", "bert", OTHERS[-1]))
    with pytest.raises(AnotherPolicy, match=r"you looked at it when policy .* stood"):
        asyncio.run(site.changes.apply(Wish(GUARDED, "ada", "", site.now(), seen=seen)))


def test_what_was_cut_short_before_the_log_is_written_by_the_same_command_again() -> None:
    site = Site()
    done(site, ("apply", "ada", OPEN))
    seen = name_of(asyncio.run(site.changes.stands()))
    plan = asyncio.run(site.changes.apply(Wish(CONTACT, "ada", "a try", site.now(), seen=seen)))
    with pytest.raises(AnotherPolicy):
        asyncio.run(site.changes.apply(Wish(OTHERS[0], "bert", "", site.now(), base=sha256_of(OPEN), seen=seen)))
    again = asyncio.run(site.changes.apply(Wish(CONTACT, "bert", "", site.now(), seen=seen)))
    assert plan is not None
    assert again is not None
    assert (again.policy, again.repeats, again.by, again.reason) == (plan.policy, True, "ada", "a try")


def test_a_proposal_that_is_not_kept_is_named() -> None:
    site = guarded()
    with pytest.raises(NoSuchProposal, match="no proposal 17 is kept: it was never made here, or the store went back"):
        asyncio.run(site.changes.approve("17", "ada", NOW))


def test_a_proposal_is_found_by_number_name_or_hash() -> None:
    site = guarded()
    done(site, ("propose", "bert", CONTACT))
    (put,) = asyncio.run(site.changes.proposals())
    for told in (str(put.proposal.number), put.proposal.name, sha256_of(CONTACT)[:8]):
        assert asyncio.run(site.changes.text_of(told)) == CONTACT
    assert put.sections == ("contact",)
    assert [lack.section for lack in put.lacks] == ["contact"]
    done(site, ("approve", "ada", 0), ("apply", "eve", CONTACT))
    assert asyncio.run(site.changes.proposals()) == []


@pytest.mark.parametrize(("body", "error"), [(b"?", StateUnreadable), (b'{"schema":2}', NewerRelease)])
def test_a_ledger_that_this_release_cannot_read_is_named(body: bytes, error: type[Exception]) -> None:
    site = Site()
    site.store.restore(NAMESPACE, Snapshot(Meta(b"t", 1, b"n", body), {}, {}, ()))
    with pytest.raises(error, match="the ledger of policies"):
        asyncio.run(site.changes.stands())
