"""kill -9 after each numbered step of commit, publish and takeover (streams/store/checkpoint.py), the learner's
included."""

from __future__ import annotations

import pytest

from streams.errors import ExitCode
from tests.support.policies import BUDGETS, FEWER, RUN_DRY, answered, sorts
from tests.support.servers import ApacheKafka
from tests.support.world_fixtures import MakeWorld
from tests.support.world_logs import lengths, tape_log

# A step of the commit and one of the takeover in turn, so that every takeover finds something left half done.
CHAIN = [
    "takeover.1.meta_read",
    "takeover.2.offsets_committed",
    "takeover.4.checked",
    "commit.a.computed:2",
    "commit.b.written:3",
    "takeover.5.publisher_started",
    "takeover.6.tails_read",
    "takeover.7.published",
    "publish.1.begun:2",
    "takeover.3.minted",
    "publish.2.filled:3",
    "takeover.8.trimmed",
    "learner.a.learned:2",
    "publish.3.flushed:2",
    "takeover.9.before_seek",
    "publish.4.committed:3",
    "takeover.10.after_seek",
    "learner.b.written:2",
    "commit.b.written:9",
]


LEAVING = [
    "commit.a.computed:12",
    "commit.b.written:15",
    "takeover.3.minted",
    "commit.b.written:20",
    "publish.2.filled:9",
]
"""A commit in which records leave the store is among what each of them leaves half done, or just done."""


@pytest.mark.slow
def test_a_death_while_records_leave_the_store_neither_keeps_one_nor_loses_one(
    kafka: ApacheKafka, make_world: MakeWorld
) -> None:
    world = make_world(
        kafka, batch_records=40, piece_items=10, session_timeout_s=1.2, horizon_days=7, forget_after_days=1
    )
    log = tape_log(seed=5)
    world.produce(log)
    for step in LEAVING:
        code = world.ended(world.worker(RETENTION_CRASH_POINT=step))
        assert code == ExitCode.CRASH_POINT, f"ended with {code} instead of dying at {step}\n{world.output()}"
        assert not world.done(lengths(log)), f"nothing was left to do after {step}: make the log longer"
    world.worker()
    world.wait(lambda: world.done(lengths(log)))
    assert world.stop() == [ExitCode.OK]
    expected = world.check()
    said = [output.value for shard in expected.shards for output in shard.outputs if output.role == "decisions"]
    assert sum(b'"forgotten"' in value for value in said) > 50


@pytest.mark.slow
def test_a_death_after_each_numbered_step_changes_nothing_in_the_outcome(
    kafka: ApacheKafka, make_world: MakeWorld
) -> None:
    world = make_world(kafka, batch_records=40, piece_items=10, session_timeout_s=1.2)
    log = answered(tape_log(seed=5, policies={20: BUDGETS, 80: FEWER}), world.config.engine(), seed=5)
    world.produce(log)
    for step in CHAIN:
        victim = world.worker(RETENTION_CRASH_POINT=step)
        code = world.ended(victim)
        assert code == ExitCode.CRASH_POINT, f"ended with {code} instead of dying at {step}\n{world.output()}"
        assert not world.done(lengths(log)), f"nothing was left to do after {step}: make the log longer"
    world.worker()
    world.wait(lambda: world.done(lengths(log)))
    world.wait(world.shown)
    assert world.stop() == [ExitCode.OK]
    assert sorts(world.check()) >= RUN_DRY
    audited = world.command("audit")
    assert audited.returncode == 0, audited.stdout + audited.stderr
    assert world.shown()
