"""A switch hands the outputs over at one position of each shard: no trigger twice, none lost, whatever dies when."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from models.churn import schema_in, seal, unseal
from models.customer.bands import Band
from models.customer.layout import DUE, PREVIOUS, VERSION
from models.customer.record import unpack
from models.decisions.standing_stored import unpack_standing
from models.learning.choices import Choices
from models.learning.learner import LearningState
from models.outputs import ArmPulse, ChoicePulse, Pulse, Trigger
from models.settings import DAY
from models.timeline.order import Stage, timer_position
from models.timeline.shard_state import ShardState
from models.timeline.shared import Alarm, Shared
from streams.errors import VersionUnreadable
from streams.kafka.security import KafkaConnection
from streams.kafka.topics import OUTPUTS
from streams.learner.example_reader import LearnerSettings
from streams.learner.relearning import Relearning
from streams.operations.rebuild.claim import TookOver
from streams.operations.switch.begin import AlreadyThere, HistoryNotInKafka
from streams.operations.switch.carry_over import LIVING, taken_over
from streams.operations.switch.settings import NotFollowing, OtherSwitch, OutOfStep
from streams.retry import ignore
from streams.shard.rebuild_plan import NotSwitchedOn
from streams.shard.stored_policy import POLICY, WAITING_POLICY
from streams.shard.switch_plan import SwitchedOff
from streams.store.checkpoint import Checkpoint
from streams.store.fake import FakeStore
from streams.store.port import LEARNER
from tests.support.backfills import Backfiller
from tests.support.families import slow_but
from tests.support.logs import START, synthetic
from tests.support.rebuilds import Rebuilder
from tests.support.switches import Switcher
from tests.support.workers import SETTINGS, MemoryConsumer, Site, Worker, play, records_in
from tests.unit.models.engine.test_by_policy import log_with
from tests.unit.streams.history.test_backfill import world as backfilled_world
from tests.unit.streams.shard.test_shard_policy import SECOND, named
from tests.unit.streams.shard.test_shard_policy import site as with_policies
from tests.unit.streams.shard.test_shard_policy import site_that_waits as that_waits

SWITCH_POINTS = (
    "switch.1.begun",
    "switch.2.fenced",
    "switch.3.caught_up",
    "switch.4.cut",
    "switch.5.handed_over",
    "switch.6.learner",
    "switch.7.done",
)


def _sites(seed: int = 3, customers: int = 20) -> tuple[Site, Site]:
    """Blue, and green over the same topics with another threshold."""
    logs = synthetic(seed, partitions=2, customers=customers, days=90)
    blue_store, green_store = FakeStore(), FakeStore()
    blue = Site(blue_store, blue_store.snapshot, logs)
    green = Site(green_store, green_store.snapshot, logs, replace(SETTINGS, enter=0.45, exit=0.35), public=blue.public)
    return blue, green


async def _worked(site: Site, days: int) -> None:
    worker = Worker(site)
    life = worker.start()
    await worker.work_up_to(START + days * DAY)
    assert worker.error is None, worker.error
    await worker.stop(life)


def _check(blue: Site, green: Site) -> list[Trigger]:
    """The outputs of both together; the triggers."""
    triggers: list[Trigger] = []
    for n in range(len(blue.logs)):
        for role in OUTPUTS:
            sequences = [entry.sequence for entry in blue.said(role, n)]
            assert sequences == list(range(1, len(sequences) + 1)), f"{role} of shard {n}"
        triggers += [msgspec.json.decode(entry.value, type=Trigger) for entry in blue.said("triggers", n)]
        opened: set[str] = set()
        for decision in blue.decisions()[n]:
            if decision.what == "episode_opened":
                assert decision.customer not in opened, f"{decision.customer} was opened in an open episode"
                opened.add(decision.customer)
            elif decision.what == "episode_continued":
                opened.add(decision.customer)
            elif decision.what in ("episode_closed", "erased"):
                opened.discard(decision.customer)
    assert len({trigger.id for trigger in triggers}) == len(triggers)
    steps = [(trigger.customer, trigger.episode, trigger.step) for trigger in triggers]
    assert len(set(steps)) == len(steps), "somebody was triggered twice in an episode"
    return triggers


async def _finish(green: Site) -> None:
    worker = Worker(green)
    await worker.run()
    assert worker.error is None, worker.error
    versions = green.versions()
    assert versions
    for boundary, version in versions.items():
        assert version == green.expected.versions[boundary], f"version {boundary}"
    assert max(versions) == max(green.expected.versions)


def test_green_goes_on_where_blue_ended_and_learns_what_it_would_have_learned_alone() -> None:
    async def scenario() -> None:
        blue, green = _sites()
        await _worked(blue, 50)
        before = len(_check(blue, green))
        followed = await Switcher(blue, green).follow()
        assert followed is not None
        refused = Worker(green)
        await refused.run()
        assert isinstance(refused.error, NotSwitchedOn)
        done = await Switcher(blue, green).switch()
        assert done is not None
        assert done.episodes > 0
        for n, offset in done.positions.items():
            body, old = green.body(n), blue.body(n)
            assert body is not None
            assert old is not None
            assert body.state.next_offset == old.state.next_offset == offset
            records = {name: value for name, value in green.dump(str(n)).values.items() if name.startswith(b"c:")}
            old_records = {name: value for name, value in blue.dump(str(n)).values.items() if name.startswith(b"c:")}
            for name, value in old_records.items():
                record, ours = unpack(name[2:], value), unpack(name[2:], records[name])
                if record.band == Band.AT_RISK and record.tail.trigger:
                    assert ours.tail.trigger == record.tail.trigger
            bands = [0] * len(Band)
            for name, value in records.items():
                bands[unpack(name[2:], value).band] += 1
            assert body.state.bands == tuple(bands)
        switched_off = Worker(blue)
        await switched_off.run()
        assert isinstance(switched_off.error, SwitchedOff)
        await _finish(green)
        assert len(_check(blue, green)) > before

    play(scenario)


async def _learned_of_actions(site: Site, **changed: Any) -> dict[str, Any]:
    """Let its learner have learned of an action, up to where it stands."""
    checkpoint = Checkpoint(site.store, LEARNER)
    meta = await checkpoint.mint()
    assert meta is not None
    schema = schema_in(meta.body)
    assert schema is not None
    state = unseal(meta.body, schema, LearningState)
    assert state.boundary is not None
    choice = ChoicePulse((ArmPulse("useful", "0000000a", 1.0),), 0.3, 182 * DAY, 0.02, 9, 9_000, 0, 9, {"0000000a": 4})
    choices = Choices()
    choices.learn(state.boundary, [], [Pulse(0, state.boundary, 1, "a", 0, choice=choice)])
    known = choices.state()
    assert known is not None
    state.choice = {**known, **changed}
    await checkpoint.write(seal(state, schema))
    return state.choice


@pytest.mark.parametrize(
    ("changed", "carried"), [({}, True), ({"learned_by": "another"}, False), ({"at": START - 60 * DAY}, False)]
)
def test_what_blue_learned_of_actions_green_knows_where_it_learns_by_the_same_rules(
    changed: dict[str, Any], carried: bool
) -> None:
    async def scenario() -> None:
        blue, green = _sites()
        await _worked(blue, 50)
        known = await _learned_of_actions(blue, **changed)
        assert await Switcher(blue, green).follow() is not None
        assert await Switcher(blue, green).switch() is not None
        meta = await green.store.read_meta(LEARNER)
        assert meta is not None
        state = unseal(meta.body, schema_in(meta.body) or "", LearningState)
        assert state.choice == (known if carried else UNSET)
        worker = Worker(green)
        await worker.run()
        assert worker.error is None, worker.error
        versions = green.versions()
        stated = versions[max(versions)].choice
        assert (isinstance(stated, dict) and stated["arms"]["0000000a"]["opened"] == 4) is carried

    play(scenario)


def test_the_policy_that_green_has_read_decides_there_and_its_records_are_of_the_newest_form() -> None:
    async def scenario() -> None:
        blue, _ = with_policies()
        store = FakeStore()
        green = Site(store, store.snapshot, blue.logs, public=blue.public, record_version=PREVIOUS)
        await _worked(blue, 50)
        assert await Switcher(blue, green).follow() is not None
        assert await Switcher(blue, green).switch() is not None
        for n in ("0", "1"):
            assert green.dump(n).values[POLICY] == blue.dump(n).values[POLICY]
        assert VERSION in {value[0] for value in records_in(store.snapshot("0")).values()}
        await _finish(green)

    play(scenario)


def test_a_policy_that_waits_comes_into_force_in_green_at_its_boundary() -> None:
    async def scenario() -> None:
        blue, _ = that_waits()
        store = FakeStore()
        green = Site(store, store.snapshot, blue.logs, public=blue.public)
        await _worked(blue, 45)
        assert await Switcher(blue, green).follow() is not None
        assert await Switcher(blue, green).switch() is not None
        for n in ("0", "1"):
            assert green.dump(n).values[WAITING_POLICY] == blue.dump(n).values[WAITING_POLICY]
        await _finish(green)
        for shard in (0, 1):
            body = green.body(shard)
            assert body is not None
            assert body.state.policy == named(2, SECOND)
            assert WAITING_POLICY not in green.dump(str(shard)).values

    play(scenario)


@pytest.mark.parametrize("policy", slow_but(("eager", "with budgets"), ("with budgets",)))
def test_with_a_policy_green_stands_with_every_customer_as_blue_did(policy: str) -> None:
    async def scenario() -> None:
        logs, (store, other) = log_with(policy, 3, 12, 80), (FakeStore(), FakeStore())
        blue = Site(store, store.snapshot, logs)
        green = Site(other, other.snapshot, logs, replace(SETTINGS, enter=0.45, exit=0.35), public=blue.public)
        await _worked(blue, 62)
        assert await Switcher(blue, green).follow() is not None
        assert await Switcher(blue, green).switch() is not None
        out = 0
        for n in ("0", "1"):
            records, dues = records_in(other.snapshot(n)), other.snapshot(n).dues
            for name, value in records_in(store.snapshot(n)).items():
                ours, theirs = unpack(name, records[name]), unpack(name, value)
                ended = ours.band not in LIVING
                assert ended or ours.tail.standing == theirs.tail.standing
                standing = unpack_standing(ours.tail.standing)
                out += len(standing.outstanding)
                if timer := standing.next_timer():
                    assert ours.times[DUE] <= timer_position(timer, Stage.SCORES)
                    assert dues[name] <= ours.times[DUE]
        assert out > 3
        for n in (0, 1):
            before, after = blue.body(n), green.body(n)
            assert before is not None
            assert after is not None
            assert after.state.shared == taken_over(before.state, after.state)
        await _finish(green)
        triggers = [json.loads(entry.value) for n in (0, 1) for entry in blue.said("triggers", n)]
        assert len({one["id"] for one in triggers}) == len(triggers) > 15

    play(scenario)


CRASHES = [*SWITCH_POINTS, "commit.b.written:2", "commit.b.written:5", "commit.b.written:9"]


@pytest.mark.parametrize("crash", slow_but(CRASHES, ("switch.2.fenced", "switch.4.cut", "commit.b.written:5")))
def test_killed_anywhere_the_switch_is_repeated_and_nobody_is_triggered_twice(crash: str) -> None:
    async def scenario() -> None:
        blue, green = _sites()
        await _worked(blue, 50)
        assert await Switcher(blue, green).follow() is not None
        await _worked(blue, 60)
        first = Switcher(blue, green, crash)
        assert await first.switch() is None
        assert first.crashed
        if crash != "switch.7.done":
            refused = Worker(green)
            await refused.run()
            assert isinstance(refused.error, NotSwitchedOn)
        assert await Switcher(blue, green).switch() is not None
        assert await Switcher(blue, green).switch() is not None  # said twice, done once
        await _finish(green)
        _check(blue, green)

    play(scenario)


@pytest.mark.parametrize(
    "crash", slow_but(("commit.b.written:3", "commit.a.computed:11", "commit.b.written:20"), ("commit.a.computed:11",))
)
def test_a_following_that_was_killed_is_gone_on_with_to_the_same_models(crash: str) -> None:
    async def scenario() -> None:
        blue, green = _sites()
        await _worked(blue, 50)
        first = Switcher(blue, green, crash)
        assert await first.follow() is None
        assert first.crashed
        assert await Switcher(blue, green).follow() is not None
        assert await Switcher(blue, green).follow() is not None
        assert await Switcher(blue, green).switch() is not None
        await _finish(green)
        _check(blue, green)

    play(scenario)


@pytest.mark.parametrize(
    "crash", slow_but(("commit.b.written:7", "publish.1.begun:3", "commit.b.written:30"), ("publish.1.begun:3",))
)
def test_what_blue_left_in_its_outbox_goes_out_once_and_its_living_worker_can_do_nothing_more(crash: str) -> None:
    async def scenario() -> None:
        blue, green = _sites()
        dead = Worker(blue, crash)
        await dead.run()
        assert dead.crashed
        assert await Switcher(blue, green).follow() is not None
        old = Worker(blue)
        life = old.start()
        await old.work_up_to(START + 40 * DAY)
        assert await Switcher(blue, green).switch() is not None
        stood = blue.body(0), blue.body(1)
        blue.reach = None
        old.wake()
        await old.until(old.over.is_set)
        assert old.error is not None
        await old.stop(life)
        assert (blue.body(0), blue.body(1)) == stood
        await _finish(green)
        _check(blue, green)

    play(scenario)


def test_what_can_t_be_switched_is_refused_and_blue_goes_on() -> None:
    async def scenario() -> None:
        blue, green = _sites()
        await _worked(blue, 30)
        with pytest.raises(NotFollowing):
            await Switcher(blue, green).switch()
        behind = {place: blue.dump(place) for place in ("0", "1", "learner")}
        await _worked(blue, 40)
        assert await Switcher(blue, green).follow() is not None
        assert isinstance(blue.store, FakeStore)
        for place, copied in behind.items():
            blue.store.restore(place, copied)
        with pytest.raises(OutOfStep):
            await Switcher(blue, green).switch()
        await _worked(blue, 50)
        assert await Switcher(blue, green).switch() is not None
        with pytest.raises(AlreadyThere):
            await Switcher(blue, green).follow()
        other = replace(green, store=FakeStore())
        with pytest.raises((NotFollowing, OtherSwitch)):
            await Switcher(blue, other).switch()
        await _finish(green)
        _check(blue, green)

    play(scenario)


def test_a_version_since_the_switch_is_learned_again_from_where_green_began_and_no_older_one() -> None:
    async def scenario() -> None:
        blue, green = _sites()
        await _worked(blue, 50)
        assert await Switcher(blue, green).follow() is not None
        assert await Switcher(blue, green).switch() is not None
        meta = await green.store.read_meta(LEARNER)
        assert meta is not None
        cut = unseal(meta.body, green.schema, LearningState).boundary
        assert cut is not None
        await _finish(green)

        settings = LearnerSettings(green.settings, KafkaConnection(""), "examples", 2, green.schema, "read_committed")
        relearning = Relearning(settings, lambda told: MemoryConsumer(green.public), green.store)
        last = max(green.expected.versions)
        assert last > cut
        for boundary in range(cut + green.settings.boundary, last + 1, green.settings.boundary):
            assert await relearning.version(boundary, last, ignore) == green.expected.versions[boundary]
        with pytest.raises(VersionUnreadable):
            await relearning.version(cut, last, ignore)

    play(scenario)


def test_an_application_that_began_with_a_backfill_is_followed_with_its_log(tmp_path: Path) -> None:
    async def scenario() -> None:
        blue, past = backfilled_world(tmp_path)
        assert await Backfiller(blue, past).backfill() is not None
        await blue.live()
        store = FakeStore()
        green = Site(store, store.snapshot, blue.logs, replace(SETTINGS, enter=0.45, exit=0.35), public=blue.public)
        with pytest.raises(HistoryNotInKafka, match=r"--history LOG"):
            await Switcher(blue, green).follow()
        assert await Switcher(blue, green, "commit.b.written:20", past.again).follow() is None
        states = [body.state for n in range(2) if (body := blue.body(n)) is not None]
        followed = await Switcher(blue, green, past=past.again).follow()
        assert followed == {state.partition: state.next_offset for state in states}
        assert await Switcher(blue, green).switch() is not None
        with pytest.raises(TookOver, match="a Redis backup from after the switch"):
            await Rebuilder(green, store).rebuild(named=[0])
        now = [body.state for n in range(2) if (body := green.body(n)) is not None]
        assert [state.totals.applied for state in now] == [state.totals.applied for state in states]
        assert [records_in(green.dump(str(n))).keys() for n in range(2)] == [
            records_in(blue.dump(str(n))).keys() for n in range(2)
        ]

    play(scenario)


def test_of_budgets_green_has_taken_what_blue_has_and_is_allowed_nothing_yet() -> None:
    """Green's own learner hands out from its pulses on; what blue's versions allowed is nobody's any more."""
    blue = ShardState(0, 2, 100, shared=Shared({"calls": {7: 9}}, {"calls": {7: 4}}, {"calls": 2}, Alarm(arrivals=5)))
    green = ShardState(0, 2, 100, shared=Shared({"calls": {7: 0}}, alarm=Alarm(boundary=3)))
    assert taken_over(blue, green) == Shared({}, {"calls": {7: 4}}, {}, Alarm(boundary=3))
    none = ShardState(0, 2, 100)
    assert taken_over(none, none) is UNSET
    assert taken_over(blue, none) == Shared({}, {"calls": {7: 4}})
