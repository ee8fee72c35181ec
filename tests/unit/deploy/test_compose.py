"""docker-compose.yml means what it says: what it names exists, what it promises it sets."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from models.settings import DAY
from streams.cli import main
from streams.cli.main import COMMANDS
from streams.config import Config
from streams.consumer.ownership import END_S
from streams.history.evaluation.settings import evaluation
from tests.support.servers import PROJECT, kafka_version
from tests.unit.deploy.compose import COMPOSE_FILE, compose, config_of, demo_variables, ours, services, settings
from tests.unit.deploy.dockerfile import stages

SERVICES = services()
IMAGE = stages()[-1]
FIRST_OF_CDNOW_MS = 852_076_800_000  # 1997-01-01

every_service = pytest.mark.parametrize("name", SERVICES)
every_own_service = pytest.mark.parametrize("name", ours())


def seconds(duration: str) -> float:
    found = re.fullmatch(r"(?:(\d+)m)?(?:(\d+)s)?", duration)
    assert found is not None
    assert duration
    return 60.0 * int(found[1] or 0) + int(found[2] or 0)


@every_service
def test_every_image_is_pinned_and_the_official_ones_that_are_recorded_by_digest(name: str) -> None:
    tag = SERVICES[name]["image"].partition("@")[0].partition(":")[2]
    assert re.search(r"\d+\.\d+\.\d+", tag), f"{tag!r} is no exact version"
    if "/" not in SERVICES[name]["image"] and name not in ours():
        assert re.search(r"@sha256:[0-9a-f]{64}$", SERVICES[name]["image"])


def test_the_broker_is_the_version_that_the_tests_run_on() -> None:
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{kafka_version()}"


@every_own_service
def test_our_image_carries_the_projects_version_and_is_built_here(name: str) -> None:
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    assert SERVICES[name]["image"] == f"retention-engine:{version}"
    assert SERVICES[name]["build"] == {"context": ".", "args": {"VERSION": version}}


@every_own_service
def test_the_variables_of_our_services_are_settings_that_can_be_used(name: str) -> None:
    told = {variable.removeprefix("RETENTION_").lower() for variable in SERVICES[name]["environment"]}
    assert told <= set(Config.model_fields)
    config_of(SERVICES[name]).engine()


@every_own_service
def test_what_is_not_an_address_is_the_default_until_somebody_sets_it(name: str) -> None:
    own = config_of(SERVICES[name]).model_dump(exclude={"bootstrap_servers", "redis_url"})
    fresh = Config.model_construct().model_dump(include=set(own))
    assert own == fresh
    changed = services({"RETENTION_PARTITIONS": "16"})[name]
    assert settings(changed)["RETENTION_PARTITIONS"] == "16"


def test_all_our_services_have_the_same_settings() -> None:
    first, *others = (settings(service) for service in ours().values())
    assert all(other == first for other in others)


@every_own_service
def test_the_command_is_one_of_ours_and_takes_its_arguments(name: str) -> None:
    command = SERVICES[name]["command"]
    assert command[0] in COMMANDS
    shown = CliRunner().invoke(main, [*command, "--help"])
    assert shown.exit_code == 0, shown.output


@every_service
def test_what_a_service_waits_for_exists_and_can_be_waited_for(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        assert "profiles" not in SERVICES[other], "a service of a profile may not be there"
        if how["condition"] == "service_healthy":
            check = SERVICES[other].get("healthcheck", {"test": IMAGE.one("HEALTHCHECK").exec_form()})
            assert not check.get("disable", False)
        else:
            assert how["condition"] == "service_completed_successfully"
            assert SERVICES[other]["restart"] == "no", "one that is started again never completes"


def test_workers_start_when_topics_kafka_and_redis_stand() -> None:
    for name in ("worker-1", "worker-2"):
        assert {other: how["condition"] for other, how in SERVICES[name]["depends_on"].items()} == {
            "topics": "service_completed_successfully",
            "kafka": "service_healthy",
            "redis": "service_healthy",
        }


def mounts(service: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """(source, target, read only) of each volume."""
    parts = [volume.split(":") for volume in service.get("volumes", ())]
    return [(part[0], part[1], part[2:] == ["ro"]) for part in parts]


@every_service
def test_every_mount_is_there_and_cant_be_written_to(name: str) -> None:
    for source, target, read_only in mounts(SERVICES[name]):
        assert target.startswith("/")
        if source.startswith("."):
            assert (PROJECT / source).exists(), source
            assert read_only
        else:
            assert source in compose()["volumes"]


def test_every_volume_is_used_by_exactly_one_service() -> None:
    used = [source for service in SERVICES.values() for source, *_ in mounts(service) if not source.startswith(".")]
    assert sorted(used) == sorted(compose()["volumes"])


def test_only_what_is_documented_is_published_and_only_on_this_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {
        "kafka": ["127.0.0.1:29092:29092"],
        "prometheus": ["127.0.0.1:9090:9090"],
        "grafana": ["127.0.0.1:3000:3000"],
        "own-page": ["127.0.0.1:8766:8766"],
    }
    documented = (PROJECT / "docs" / "deployment.md").read_text(encoding="utf-8")
    assert all(port.rpartition(":")[0] in documented for ports in published.values() for port in ports)


@every_service
def test_no_service_has_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"privileged", "cap_add", "network_mode", "pid", "devices"}.isdisjoint(service)
    assert service.get("user", "1").partition(":")[0] not in ("0", "root")
    limits = service["deploy"]["resources"]["limits"]
    assert set(limits) == {"cpus", "memory"}
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}


@every_own_service
def test_our_services_run_as_the_images_user_on_a_read_only_image(name: str) -> None:
    service = SERVICES[name]
    assert service["user"] == IMAGE.one("USER").value
    assert service["read_only"] is True
    assert [mount.partition(":")[0] for mount in service["tmpfs"]] == ["/tmp"]
    assert service["init"] is True


@pytest.mark.parametrize("name", ["worker-1", "worker-2"])
def test_workers_come_back_after_every_exit_code_and_have_time_to_stop(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert seconds(service["stop_grace_period"]) >= 2 * END_S
    assert "healthcheck" not in service, "the image's own"


@pytest.mark.parametrize("name", ["topics", "demo"])
def test_what_ends_by_itself_is_not_started_again_and_has_no_health(name: str) -> None:
    assert SERVICES[name]["restart"] == "no"
    assert SERVICES[name]["healthcheck"] == {"disable": True}


@pytest.mark.parametrize("name", ["kafka", "redis", "prometheus", "grafana", "own-page"])
def test_servers_have_a_health_check_whose_parts_fit_together(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] in ("CMD", "CMD-SHELL")
    assert len(check["test"]) > 1
    assert check["test"][0] == "CMD" or len(check["test"]) == 2
    assert seconds(check["timeout"]) <= seconds(check["interval"])
    assert int(check["retries"]) > 1
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_the_health_checks_ask_where_the_servers_listen() -> None:
    kafka = " ".join(SERVICES["kafka"]["healthcheck"]["test"])
    assert "--bootstrap-server localhost:29092 " in kafka
    for name, port in (("prometheus", "9090"), ("grafana", "3000"), ("own-page", "8766")):
        assert f"http://127.0.0.1:{port}/" in SERVICES[name]["healthcheck"]["test"][-1]
        assert SERVICES[name]["ports"][0].endswith(f":{port}")


def test_prometheus_asks_both_workers_where_the_image_listens_and_finds_its_rules() -> None:
    config = yaml.safe_load((PROJECT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8"))
    targets = {
        target
        for job in config["scrape_configs"]
        for static in job.get("static_configs", ())
        for target in static["targets"]
    }
    port = IMAGE.one("EXPOSE").value
    assert {f"worker-1:{port}", f"worker-2:{port}"} <= targets
    assert {target.partition(":")[0] for target in targets} <= {*SERVICES, "localhost"}
    (folder,) = (target for source, target, _ in mounts(SERVICES["prometheus"]) if source.startswith("."))
    assert SERVICES["prometheus"]["command"][0] == f"--config.file={folder}/prometheus.yml"
    for pattern in config["rule_files"]:
        relative = pattern.removeprefix(f"{folder}/")
        assert not relative.startswith("/")
        assert list((PROJECT / "deploy/prometheus").glob(relative)), pattern


def test_grafana_finds_its_dashboards_and_prometheus() -> None:
    folder = PROJECT / "deploy/grafana/provisioning"
    (provider,) = (
        each
        for file in (folder / "dashboards").glob("*.yml")
        for each in yaml.safe_load(file.read_text(encoding="utf-8"))["providers"]
    )
    sources = {target: source for source, target, _ in mounts(SERVICES["grafana"])}
    assert list((PROJECT / sources[provider["options"]["path"]]).glob("*.json"))
    (source,) = (
        each
        for file in (folder / "datasources").glob("*.yml")
        for each in yaml.safe_load(file.read_text(encoding="utf-8"))["datasources"]
    )
    assert source["url"] == "http://prometheus:9090"


def test_the_heap_and_the_store_leave_room_within_the_containers_memory() -> None:
    units = {"k": 2**10, "m": 2**20, "g": 2**30}

    def size(text: str) -> int:
        return int(text.rstrip("b")[:-1]) * units[text.rstrip("b")[-1]]

    heap = re.search(r"-Xmx(\w+)", SERVICES["kafka"]["environment"]["KAFKA_HEAP_OPTS"])
    redis = re.search(r"^maxmemory (\w+)$", (PROJECT / "deploy/redis/redis.conf").read_text(), re.MULTILINE)
    assert heap is not None
    assert redis is not None
    for name, used in (("kafka", heap[1]), ("redis", redis[1])):
        assert size(used) <= 0.7 * size(SERVICES[name]["deploy"]["resources"]["limits"]["memory"])


def test_the_demo_is_one_command_that_needs_no_more_than_its_env_file() -> None:
    variables = demo_variables()
    assert variables["COMPOSE_PROFILES"] == "demo"
    assert SERVICES["demo"]["profiles"] == ["demo"]
    profiles = {name: service["profiles"] for name, service in SERVICES.items() if "profiles" in service}
    assert profiles == {"demo": ["demo"], "own-page": ["own-page"]}
    assert {name for name in variables if name != "COMPOSE_PROFILES"} <= set(settings(SERVICES["demo"]))
    assert "docker compose --env-file deploy/demo.env up" in COMPOSE_FILE.read_text(encoding="utf-8")


def test_the_demo_runs_with_the_settings_of_an_evaluation_beside_live_state() -> None:
    config = config_of(services(demo_variables())["worker-1"])
    wanted = evaluation(config.tick_days, FIRST_OF_CDNOW_MS)
    assert config.model_dump(include=set(wanted)) == wanted
    assert FIRST_OF_CDNOW_MS % DAY == 0
    live = settings(SERVICES["worker-1"])
    assert config.app != live["RETENTION_APP"]
    assert config.topic_prefix != live["RETENTION_TOPIC_PREFIX"]
