"""What is planned when an operator applies a policy: whole, on what is in force, repeated where it was cut short."""

from __future__ import annotations

import asyncio
import json
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from models.decisions.policy.in_force import PolicyInForce
from models.decisions.policy.vocabulary import policy_read
from models.settings import EngineSettings
from models.timeline.shard_state import PolicyName, ShardState
from models.touchpoints import read as read_record
from models.touchpoints.types.reserved import PolicyChosenData
from streams.errors import ExitCode, StateUnreadable
from streams.kafka.partition_facts import LogFacts
from streams.operations.choices import NoShard
from streams.operations.policy import (
    AnotherPolicy,
    OlderWorker,
    PolicyRefused,
    ShardPolicyNow,
    lacking,
    newest,
    planned,
    record_of,
    shards_now,
)
from streams.shard.meta import SCHEMA, ShardBody, creation_of, pack_body
from streams.shard.stored_policy import POLICY
from streams.store import Meta
from streams.store.fake import FakeStore, Snapshot
from tests.unit.models.decisions.policy.test_reading import SMALL

NOW = 1_700_000_000_000
OTHER = f"# other\n{SMALL}"
IN_FORCE = PolicyInForce.of(NOW - 5, SMALL)


def shards(*policies: PolicyInForce | None, reads: Any = None) -> dict[int, ShardPolicyNow]:
    """reads: what the second shard's worker does of policies."""
    creation = creation_of(LogFacts(0, 0, "topic-id", len(policies), None), "live", EngineSettings())
    found = {}
    for shard, policy in enumerate(policies):
        state = ShardState(shard, len(policies), 0)
        if policy is not None:
            state = msgspec.structs.replace(state, policy=PolicyName(policy.number, policy.sha256))
        known = policy_read() if reads is None or shard != 1 else reads
        found[shard] = ShardPolicyNow(ShardBody(SCHEMA, creation, state, policy_read=known), policy)
    return found


def test_a_record_holds_the_file_its_hash_who_why_and_from_what() -> None:
    plan = planned(shards(IN_FORCE, IN_FORCE), OTHER, "ada", "a try", None, NOW)
    assert plan is not None
    assert (plan.policy.number, plan.repeats, plan.before) == (NOW, False, IN_FORCE)
    value = record_of(plan, NOW)
    assert json.loads(value)["data"] == {
        "number": NOW,
        "format": 1,
        "sha256": sha256(OTHER.encode()).hexdigest(),
        "text": OTHER,
        "base": IN_FORCE.sha256,
        "by": "ada",
        "reason": "a try",
    }
    touch = read_record(value, None, NOW)
    assert isinstance(touch.data, PolicyChosenData)


@pytest.mark.parametrize("fewer", [UNSET, (1, policy_read()[1] - 1), (0, 9_999)])
def test_none_is_applied_while_a_worker_of_an_older_release_would_read_it(fewer: Any) -> None:
    with pytest.raises(OlderWorker, match="the worker of shard 1 is of an older release") as refused:
        planned(shards(IN_FORCE, IN_FORCE, reads=fewer), OTHER, "ada", "", None, NOW)
    assert "upgrade the workers first" in refused.value.remedy
    with pytest.raises(OlderWorker):
        planned(shards(IN_FORCE, None, reads=fewer), SMALL, "ada", "", None, NOW)
    assert planned(shards(IN_FORCE, IN_FORCE, reads=fewer), SMALL, "ada", "", None, NOW) is None
    more = (1, policy_read()[1] + 1)
    assert planned(shards(IN_FORCE, IN_FORCE, reads=more), OTHER, "ada", "", None, NOW) is not None


def test_the_first_policy_has_no_base() -> None:
    plan = planned(shards(None, None), SMALL, "ada", "", None, NOW)
    assert plan is not None
    assert (plan.before, plan.base) == (None, None)
    assert json.loads(record_of(plan, NOW))["data"].keys() == {"number", "format", "sha256", "text", "by"}


def test_where_every_shard_has_it_nothing_is_written() -> None:
    assert planned(shards(IN_FORCE, IN_FORCE), SMALL, "bert", "again", None, NOW) is None


def test_what_not_every_shard_has_is_repeated_under_its_number() -> None:
    plan = planned(shards(IN_FORCE, None), SMALL, "bert", "again", None, NOW)
    assert plan is not None
    assert (plan.policy, plan.repeats) == (IN_FORCE, True)
    assert lacking(shards(IN_FORCE, None)) == [1]
    assert lacking(shards(IN_FORCE, IN_FORCE)) == lacking(shards(None, None)) == []


def test_another_one_bears_a_higher_number_than_all_even_if_our_clock_is_behind() -> None:
    plan = planned(shards(IN_FORCE, None), OTHER, "ada", "", None, NOW - 1_000)
    assert plan is not None
    assert plan.policy.number == IN_FORCE.number + 1
    back = planned(shards(plan.policy, plan.policy), SMALL, "ada", "back", None, NOW - 1_000)
    assert back is not None
    assert (back.policy.number, back.policy.sha256) == (IN_FORCE.number + 2, IN_FORCE.sha256)


def test_of_two_the_higher_number_is_the_newest_and_of_one_number_the_higher_hash() -> None:
    other = PolicyInForce.of(IN_FORCE.number, OTHER)
    assert newest(shards(None, IN_FORCE, other)) == max((IN_FORCE, other), key=lambda one: one.sha256)
    assert newest(shards(PolicyInForce.of(NOW, SMALL), other)) == PolicyInForce.of(NOW, SMALL)
    assert newest(shards(None)) is None


@pytest.mark.parametrize("base", [IN_FORCE.sha256, IN_FORCE.sha256[:8]])
def test_it_may_be_bound_to_the_policy_from_which_it_was_made(base: str) -> None:
    assert planned(shards(IN_FORCE), OTHER, "ada", "", base, NOW) is not None
    for standing in (None, PolicyInForce.of(NOW - 4, OTHER)):
        with pytest.raises(AnotherPolicy, match=f"made from {base}, and in force is .*remedy: .*policy diff") as raised:
            planned(shards(standing), f"# mine\n{SMALL}", "ada", "", base, NOW)
        assert raised.value.code == ExitCode.USAGE


def test_it_may_be_bound_to_there_being_none() -> None:
    assert planned(shards(None), SMALL, "ada", "", "none", NOW) is not None
    with pytest.raises(AnotherPolicy):
        planned(shards(IN_FORCE), OTHER, "ada", "", "none", NOW)


def test_a_file_that_is_no_policy_is_refused_with_all_that_is_wrong() -> None:
    wrong = SMALL.replace('sort = "risk"', 'sort = "rsk"').replace('content = "sorry"', "")
    with pytest.raises(PolicyRefused) as raised:
        planned(shards(None), wrong, "ada", "", None, NOW)
    assert '\n  moment.risk.sort is "rsk"; give one of' in str(raised.value)
    assert "\n  action.sorry.content is missing" in str(raised.value)
    assert len(raised.value.problems) == 2


def test_a_name_too_long_to_be_kept_is_refused_before_anything_is_written() -> None:
    plan = planned(shards(None), SMALL, "x" * 201, "", None, NOW)
    assert plan is not None
    with pytest.raises(PolicyRefused, match=r"data\.by is"):
        record_of(plan, NOW)


def test_shards_are_read_with_their_texts() -> None:
    async def scenario() -> None:
        store = FakeStore()
        with pytest.raises(NoShard):
            await shards_now(store, "app", 3)
        for shard, now in shards(IN_FORCE, None).items():
            values = {POLICY: now.policy.text.encode()} if now.policy else {}
            store.restore(str(shard), Snapshot(Meta(b"", 0, b"", pack_body(now.body)), values, {}, ()))
        found = await shards_now(store, "app", 3)
        assert {shard: now.policy for shard, now in found.items()} == {0: IN_FORCE, 1: None}
        there = store.snapshot("0")
        store.restore("0", Snapshot(there.meta, {POLICY: OTHER.encode()}, {}, ()))
        with pytest.raises(StateUnreadable, match="is another one in the store"):
            await shards_now(store, "app", 3)

    asyncio.run(scenario())
