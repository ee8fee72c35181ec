"""Settings of Kafka and Redis under deploy/: what the engine relies on is set, and fits the compose file."""

from __future__ import annotations

from models.touchpoints import MAX_EVENT_BYTES
from streams.config import Config
from tests.support.servers import PROJECT
from tests.unit.deploy.compose import services


def pairs(path: str, separator: str) -> dict[str, str]:
    """A file of names and values; a name that is given twice is a defect."""
    lines = (PROJECT / path).read_text(encoding="utf-8").splitlines()
    found = [line.partition(separator)[::2] for line in lines if line and not line.startswith("#")]
    assert len(found) == len(dict(found)), path
    return dict(found)


KAFKA = pairs("deploy/kafka/server.properties", "=")
REDIS = pairs("deploy/redis/redis.conf", " ")


def test_redis_keeps_every_acknowledged_commit_and_drops_no_key() -> None:
    assert REDIS["appendonly"] == "yes"
    assert REDIS["appendfsync"] == "always"
    assert REDIS["no-appendfsync-on-rewrite"] == "no"
    assert REDIS["maxmemory-policy"] == "noeviction"


def test_redis_keeps_its_data_in_the_volume() -> None:
    assert any(volume.endswith(f":{REDIS['dir']}") for volume in services()["redis"]["volumes"])


def test_one_node_can_hold_all_replicas_that_kafka_wants_of_its_own_topics() -> None:
    for topic in ("transaction.state.log", "share.coordinator.state.topic"):
        assert KAFKA[f"{topic}.replication.factor"] == "1"
        assert KAFKA[f"{topic}.min.isr"] == "1"
    assert KAFKA["offsets.topic.replication.factor"] == "1"


def test_topics_are_made_by_us_alone() -> None:
    assert KAFKA["auto.create.topics.enable"] == "false"


def test_kafka_takes_the_largest_event_and_the_sessions_that_workers_ask_for() -> None:
    assert int(KAFKA["message.max.bytes"]) > 4 * MAX_EVENT_BYTES
    session_ms = 1000 * Config.model_construct().session_timeout_s
    assert int(KAFKA["group.min.session.timeout.ms"]) <= session_ms


def test_kafka_advertises_what_containers_and_this_machine_can_reach() -> None:
    advertised = dict(one.split("://") for one in KAFKA["advertised.listeners"].split(","))
    worker = services()["worker-1"]["environment"]
    assert advertised["DOCKER"] == worker["RETENTION_BOOTSTRAP_SERVERS"]
    host, _, port = advertised["HOST"].partition(":")
    assert host == "localhost"
    assert services()["kafka"]["ports"] == [f"127.0.0.1:{port}:{port}"]
    # Who elects is nobody's business outside.
    assert dict(one.split("://") for one in KAFKA["listeners"].split(","))["CONTROLLER"] == "localhost:9093"


def test_kafka_keeps_its_data_in_the_volume() -> None:
    assert any(volume.endswith(f":{KAFKA['log.dirs']}") for volume in services()["kafka"]["volumes"])
