"""What a release makes of what another one has stored, told before its workers start."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

import msgspec
import pytest

import models.churn.mixture.learner as mixture
from models.churn import schema_in
from models.customer.layout import VERSION
from models.decisions.policy.in_force import sha256_of
from models.learning.schema import schema_of
from models.settings import DAY, EngineSettings
from models.timeline.boundaries import UNTRAINED
from models.timeline.shard_state import PolicyName
from streams.bootstrap.stored_shards import check_stored_shards
from streams.errors import EngineError, ExitCode
from streams.kafka.partition_facts import LogFacts
from streams.kafka.security import KafkaConnection
from streams.learner.example_reader import LearnerSettings
from streams.learner.lineage import FIRST
from streams.operations.upgrade import learning, shards
from streams.operations.upgrade.line import Line, Status, verdict
from streams.operations.upgrade.run import Checked, Ports, Wanted, as_data, check
from streams.operations.upgrade.shards import Workers
from streams.shard.meta import SCHEMA, pack_body, unpack_body
from streams.shard.stored_policy import POLICY
from streams.shard.switch_plan import NAMESPACE as SWITCH
from streams.shard.switch_plan import SwitchPlan, pack_switch
from streams.store.fake import FakeStore, Snapshot
from streams.store.port import LEARNER, Meta
from tests.support.logs import START
from tests.support.workers import MemoryConsumer, Site, Worker, play
from tests.unit.models.decisions.policy.test_reading import SMALL
from tests.unit.streams.learner.test_new_release import (
    FIRST_DAYS,
    began,
    in_force,
    newest_of,
    released,
    trained,
    work,
)

NEVER = Wanted("never")
NAMESPACES = ("0", "1", LEARNER)
CHECKS = ["plans", "settings", "metas", "logs", "records", "write_format", "version_in_force", "learner"]


async def looked(
    site: Site,
    store: FakeStore,
    wanted: Wanted = NEVER,
    settings: EngineSettings | None = None,
    starts: Mapping[int, int] | None = None,
    log_start: int = 0,
    committed: int | None = None,
) -> Checked:
    """As `retention upgrade check` would look, and nothing that is stored differs afterwards."""

    async def facts() -> dict[int, LogFacts]:
        count = len(site.logs)
        return {
            n: LogFacts(log_start, log[-1].offset + 1, "topic-id", count, committed) for n, log in enumerate(site.logs)
        }

    def learner(engine: EngineSettings) -> LearnerSettings:
        connection, count = KafkaConnection(""), len(site.logs)
        return LearnerSettings(engine, connection, "examples", count, schema_of(engine), "read_committed")

    before = [store.snapshot(name) for name in NAMESPACES]
    ports = Ports(facts, learner, lambda settings: MemoryConsumer(site.public, starts))
    found = await check(store, Workers(settings or site.settings, site.mode, len(site.logs)), ports, wanted)
    assert [store.snapshot(name) for name in NAMESPACES] == before, "a look has written"
    return found


async def learned(site: Site) -> None:
    """The first release works until versions that know labels of churn are in force everywhere."""
    await work(site, 60)
    worker = Worker(site)
    life = worker.start()
    await worker.until(lambda: newest_of(site, FIRST) >= START + 49 * DAY)
    await worker.work_up_to(START + 68 * DAY)
    await worker.stop(life)
    assert all(in_force(site, n) >= START + 49 * DAY for n in (0, 1)), "the test shows nothing"


def line(found: Checked, name: str) -> Line:
    [one] = [one for one in found.lines if one.check == name]
    return one


def statuses(found: Checked) -> dict[str, Status]:
    return {one.check: one.status for one in found.lines if one.status is not Status.OK}


def refusal(found: Checked) -> tuple[dict[str, Status], ExitCode]:
    return statuses(found), verdict(found.lines)


def changed_meta(store: FakeStore, namespace: str, change: Callable[[bytes], bytes]) -> None:
    there = store.snapshot(namespace)
    assert there.meta is not None
    meta = Meta(there.meta.token, there.meta.number, there.meta.nonce, change(there.meta.body))
    store.restore(namespace, Snapshot(meta, there.values, there.dues, there.outbox))


def test_the_release_that_stored_it_goes_on_and_learns_the_same_once_more() -> None:
    async def scenario() -> None:
        store, site = began()
        await learned(site)
        found = await looked(site, store)
        assert [one.check for one in found.lines] == CHECKS
        assert refusal(found) == ({}, ExitCode.OK)
        assert f"version {VERSION}: " in line(found, "records").text
        assert found.predictions is None
        assert (await looked(site, store, Wanted("auto"))).predictions is None
        again = (await looked(site, store, Wanted("always"))).predictions
        assert again is not None
        assert again.relearned.boundary == max(in_force(site, n) for n in (0, 1))
        compared = again.relearned.compared
        assert compared is not None
        assert compared.labels, "the test shows nothing"  # how many depends on which version came first
        assert compared.in_force == compared.relearned
        assert (compared.difference, compared.newly_over, compared.no_longer_over) == (0.0, 0, 0)

    play(scenario)


def test_a_release_that_learns_otherwise_says_so_and_what_that_changes() -> None:
    async def scenario() -> None:
        store, site = began()
        await learned(site)
        with pytest.MonkeyPatch.context() as release:
            release.setattr(mixture, "PRECISION_HAZARD", mixture.PRECISION_HAZARD / 10)
            found = await looked(site, store, Wanted("auto", labels=10))
        assert refusal(found) == ({"learner": Status.RELEARNS}, ExitCode.OK)
        assert "this release learns otherwise" in line(found, "learner").text
        assert "from the first on" in line(found, "learner").text
        assert line(found, "learner").remedy == learning.MEANWHILE["live"]
        assert found.relearn_from is not None
        assert found.relearn_from.whole
        assert found.predictions is not None
        assert found.predictions.relearned.boundary == found.predictions.until
        assert not found.predictions.relearned.stopped
        compared = found.predictions.relearned.compared
        assert compared is not None
        assert 0 < compared.labels <= 10  # as far as the version in force has learned, which is when it was looked
        assert compared.in_force is not None
        assert compared.foretold is not None
        assert compared.difference is not None
        assert compared.difference > 0
        assert compared.threshold == site.settings.enter

    play(scenario)


def test_where_the_version_in_force_can_not_be_scored_only_the_new_side_is_given() -> None:
    async def scenario() -> None:
        store, site = began()
        await learned(site)
        with released(scores_otherwise=True):
            found = await looked(site, store, Wanted("auto"))
        assert refusal(found) == (
            {"version_in_force": Status.RELEARNS, "learner": Status.RELEARNS},
            ExitCode.OK,
        )
        told = line(found, "version_in_force").text
        assert "it is scored by the first format of mixture" in told
        assert "the untrained model comes into force until this release has learned a newer one" in told
        assert "retention switch APP2" in line(found, "version_in_force").remedy
        assert line(found, "learner").remedy == learning.AT_ONCE
        data = as_data(found)["predictions"]
        assert (data["scored"], data["compared"]["in_force"], data["compared"]["difference"]) == (False, None, None)
        assert data["compared"]["relearned"]["log_loss"] > 0

    play(scenario)


def test_in_a_replay_a_version_that_can_not_be_scored_is_refused_as_a_worker_refuses_it() -> None:
    async def scenario() -> None:
        store, site = began("replay")
        await work(site, FIRST_DAYS)
        assert in_force(site, 0) > UNTRAINED
        with released(scores_otherwise=True):
            found = await looked(site, store)
        assert line(found, "version_in_force").status is Status.REFUSED
        assert verdict(found.lines) == ExitCode.STATE_UNREADABLE
        assert line(found, "version_in_force").remedy.startswith("run the release that made this version")

    play(scenario)


def test_settings_and_metas_are_refused_with_the_code_that_ends_a_worker() -> None:
    async def scenario() -> None:
        store, site = began()
        await work(site, 4)
        whole = store.snapshot("1")

        async def ends_with(settings: EngineSettings) -> ExitCode:
            with pytest.raises(EngineError) as raised:
                await check_stored_shards(store, len(site.logs), site.mode, settings)
            return raised.value.code

        other = replace(site.settings, horizon=1)
        found = await looked(site, store, settings=other)
        assert refusal(found) == ({"settings": Status.REFUSED}, await ends_with(other))
        assert verdict(found.lines) == ExitCode.SETTINGS_CHANGED
        changed_meta(store, "1", lambda body: body.replace(b'"schema":1', b'"schema":%d' % (SCHEMA + 1)))
        found = await looked(site, store)
        assert refusal(found) == ({"metas": Status.REFUSED}, await ends_with(site.settings))
        assert line(found, "metas").remedy.startswith("run the newer release")
        store.restore("1", whole)
        changed_meta(store, "1", lambda body: b"nonsense")
        assert refusal(await looked(site, store)) == ({"metas": Status.REFUSED}, ExitCode.STATE_UNREADABLE)

    play(scenario)


def test_a_log_without_the_next_offset_a_state_that_is_lost_and_a_newer_record_are_refused() -> None:
    async def scenario() -> None:
        store, site = began()
        await work(site, 12)
        found = await looked(site, store, log_start=1 << 40)
        assert refusal(found) == ({"logs": Status.REFUSED}, ExitCode.LOG_TRUNCATED)
        there = store.snapshot("0")
        store.restore("0", Snapshot(None, {}, {}, ()))
        assert refusal(await looked(site, store)) == ({}, ExitCode.OK)
        found = await looked(site, store, committed=5)
        assert refusal(found) == ({"logs": Status.REFUSED}, ExitCode.META_MISSING)
        newer = {
            name: bytes((VERSION + 1,)) + value[1:] if name.startswith(b"c:") else value
            for name, value in there.values.items()
        }
        store.restore("0", Snapshot(there.meta, newer, there.dues, there.outbox))
        found = await looked(site, store)
        assert refusal(found) == ({"records": Status.REFUSED}, ExitCode.STATE_UNREADABLE)
        assert f"has schema version {VERSION + 1}" in line(found, "records").text

    play(scenario)


def test_a_damaged_learner_and_examples_that_are_gone_are_told_apart_from_a_learner_that_begins_anew() -> None:
    async def scenario() -> None:
        store, site = began()
        await trained(site)
        learner = store.snapshot(LEARNER)
        changed_meta(store, LEARNER, lambda body: body.replace(b'"checksum":"', b'"checksum":"0'))
        found = await looked(site, store)
        assert refusal(found) == ({"learner": Status.REFUSED}, ExitCode.SNAPSHOT_REFUSED)
        store.restore(LEARNER, learner)
        gone = {0: 1 << 40, 1: 0}
        found = await looked(site, store, starts=gone)
        assert refusal(found) == ({"learner": Status.REFUSED}, ExitCode.LOG_TRUNCATED)
        with released():
            found = await looked(site, store, starts={0: 3, 1: 0})
        assert refusal(found) == ({"learner": Status.RELEARNS}, ExitCode.OK)
        assert "from what is left: those before are gone" in line(found, "learner").text
        store.restore(LEARNER, Snapshot(None, {}, {}, ()))
        assert refusal(await looked(site, store)) == ({"learner": Status.RELEARNS}, ExitCode.OK)
        found = await looked(site, store, starts={0: 3, 1: 0})
        assert refusal(found) == ({"learner": Status.REFUSED}, ExitCode.LOG_TRUNCATED)

    play(scenario)


def test_a_learner_on_its_way_is_told_with_how_far_it_has_come() -> None:
    async def scenario() -> None:
        store, site = began()
        await trained(site)
        with released():
            await work(site, FIRST_DAYS + 1)
            found = await looked(site, store)
            there = store.snapshot(f"{LEARNER}-{site.schema}")
            assert there.meta is not None
            assert schema_in(there.meta.body) == site.schema
        told = line(found, "learner")
        assert told.text.startswith(("goes on from its state, at ", "versions of another model: relearning, at "))
        assert verdict(found.lines) == ExitCode.OK

    play(scenario)


def test_an_application_that_was_switched_off_and_one_that_has_not_begun() -> None:
    async def scenario() -> None:
        store, site = began()
        found = await looked(site, store, Wanted("always"))
        assert refusal(found) == ({}, ExitCode.OK)
        assert line(found, "version_in_force").text == "no shard has worked yet"
        assert found.predictions is None
        await store.create(SWITCH, pack_switch(SwitchPlan(1, "green")))
        assert refusal(await looked(site, store)) == ({"plans": Status.REFUSED}, ExitCode.SWITCHED_OFF)

    play(scenario)


def test_where_the_time_is_over_it_says_how_far_it_came() -> None:
    async def scenario() -> None:
        store, site = began()
        await trained(site)
        found = (await looked(site, store, Wanted("always", seconds=1e-9))).predictions
        assert found is not None
        assert found.relearned.stopped
        assert found.relearned.boundary is None or found.until is None or found.relearned.boundary < found.until

    play(scenario)


def test_a_form_that_the_release_before_can_not_read_is_told_with_the_way_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "PREVIOUS", VERSION - 1)

    async def told() -> Line:
        store, site = began()

        async def facts() -> dict[int, LogFacts]:
            return {}

        found = await shards.look_at_shards(store, Workers(site.settings, "live", 2, newest_format=True), facts)
        return found.lines[-1]

    one = asyncio.run(told())
    assert (one.check, one.status) == ("write_format", Status.OK)
    assert "there is no way back" in one.text
    assert 'write_format = "previous"' in one.remedy


def test_the_result_as_data_names_every_check_with_its_code() -> None:
    async def scenario() -> None:
        store, site = began()
        await work(site, 4)
        data = as_data(await looked(site, store, settings=replace(site.settings, horizon=1)))
        assert msgspec.json.decode(msgspec.json.encode(data)) == data
        assert data["exit_code"] == 78
        assert {one["check"]: one["code"] for one in data["checks"]}["settings"] == 78
        assert [one["check"] for one in data["checks"]] == CHECKS

    play(scenario)


def test_a_policy_that_this_release_cannot_read_is_told_before_a_worker_meets_it() -> None:
    async def scenario() -> None:
        store, site = began()
        await work(site, FIRST_DAYS)
        newer = SMALL.replace("format = 1", "format = 2")
        name = PolicyName(7, sha256_of(newer))

        def changed(body: bytes) -> bytes:
            stored = unpack_body("0", body)
            state = msgspec.structs.replace(stored.state, policy=name)
            return pack_body(msgspec.structs.replace(stored, state=state))

        changed_meta(store, "0", changed)
        there = store.snapshot("0")
        for text, told in ((newer.encode(), "format is 2; this release reads 1"), (None, "is not in the store")):
            values = {**there.values, **({POLICY: text} if text is not None else {})}
            store.restore("0", Snapshot(there.meta, values, there.dues, there.outbox))
            found = await looked(site, store)
            assert refusal(found) == ({"metas": Status.REFUSED}, ExitCode.STATE_UNREADABLE)
            assert told in line(found, "metas").text

    play(scenario)
