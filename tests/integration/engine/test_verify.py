"""`retention verify` on real servers: under a running worker it finds nothing, and whatever was damaged by name."""

from __future__ import annotations

import json

import pytest
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient

from models.customer.record import unpack
from streams.errors import ExitCode
from tests.support.servers import ApacheKafka
from tests.support.world_fixtures import MakeWorld
from tests.support.world_live import LIVE, shopping
from tests.support.world_logs import tape_log


@pytest.mark.slow
def test_under_a_running_worker_all_is_as_the_log_gives_it_and_a_damaged_field_is_named(
    kafka: ApacheKafka, make_world: MakeWorld
) -> None:
    world = make_world(kafka, **LIVE)
    shopping(world, 30)
    world.worker()
    commits = world.commits()
    world.wait(lambda: sum(world.commits()) > sum(commits) + 40 and sum(len(world.records(n)) for n in range(3)) == 30)
    before = world.commits()
    whole = world.command("verify", "--all", "--json")
    assert whole.returncode == 0, whole.stdout + whole.stderr
    told = json.loads(whole.stdout)
    assert told["compared"] >= 30
    assert told["differences"] == []
    assert told["unverified"] == {}
    world.wait(lambda: sum(world.commits()) > sum(before))  # the worker has not been disturbed
    world.end()
    customer, value = sorted(world.records(2).items())[1]
    record = unpack(customer, value)
    wanted, record.band = record.band, record.band ^ 1
    world.redis.set(f"{{{world.config.app}:2}}:c:".encode() + customer, record.pack())
    damaged = world.command("verify", "--sample", "1000")
    assert damaged.returncode == ExitCode.FAILURE, damaged.stderr
    name = customer.decode()
    assert f"{name} (shard 2): band is {record.band} in the store, {wanted} by the log" in damaged.stdout
    assert "1 differ" in damaged.stdout
    alone = world.command("verify", "--customers", name, "--json")
    assert [one["field"] for one in json.loads(alone.stdout)["differences"]] == ["band"]


def test_a_shard_whose_log_has_lost_its_beginning_is_told_and_the_others_are_verified(
    kafka: ApacheKafka, make_world: MakeWorld
) -> None:
    world = make_world(kafka)
    world.run(tape_log(seed=4, customers=12, days=40))
    topic = world.config.topic("touchpoints")
    admin = KafkaAdminClient(bootstrap_servers=world.config.bootstrap_servers)
    admin.delete_records({TopicPartition(topic, 0): 4})
    admin.close()
    done = world.command("verify", "--all")
    assert done.returncode == ExitCode.LOG_TRUNCATED, done.stdout + done.stderr
    assert (
        "shard 0 is not verified: its input partition starts at offset 4: the 4 records before are gone" in done.stdout
    )
    compared = len(world.records(1)) + len(world.records(2))
    assert f"{compared} customers compared in " in done.stdout
    assert "all as the log gives them" in done.stdout
