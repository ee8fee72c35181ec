"""Kafka and Redis as docker-compose.yml starts them, on free loopback ports and with data in a folder of the test."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from streams.local.embedded import redis_program
from streams.local.processes import (
    LOOPBACK,
    ProgramMissing,
    ServerProcess,
    free_port,
    free_ports,
    kafka_answers,
    redis_answers,
)
from tests.support.servers import PROJECT, START_TIMEOUT_S, kafka_jars
from tests.unit.deploy.compose import Service, services, settings


def mounted(service: Service, target: str) -> Path:
    """The file of the project that is mounted at a path."""
    (source,) = (str(volume).split(":")[0] for volume in service["volumes"] if volume.split(":")[1] == target)
    return PROJECT / source


def kafka(directory: Path) -> tuple[ServerProcess, str, str]:
    """The broker, not started; its address for containers and the one for programs on the host.

    The settings are made by the same program as in the image (kafka.docker.KafkaDockerWrapper): the mounted file, and
    behind it what KAFKA_* says. Only addresses and the data's folder differ.
    """
    service = services()["kafka"]
    java = shutil.which("java")
    if java is None:
        raise ProgramMissing("`java` is not on the PATH: install a Java runtime, 17 or newer")
    docker, host, controller = free_ports(3)
    final = directory / "final"
    for folder in ("defaults", "final"):
        (directory / folder).mkdir(parents=True)
    environment = {
        **service["environment"],
        "KAFKA_LISTENERS": f"DOCKER://{LOOPBACK}:{docker},HOST://{LOOPBACK}:{host},CONTROLLER://{LOOPBACK}:{controller}",
        "KAFKA_ADVERTISED_LISTENERS": f"DOCKER://{LOOPBACK}:{docker},HOST://{LOOPBACK}:{host}",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": f"1@{LOOPBACK}:{controller}",
        "KAFKA_LOG_DIRS": str(directory / "data"),
    }
    program = [java, "-cp", str(kafka_jars() / "*")]
    mount = mounted(service, "/mnt/shared/config/server.properties").parent
    done = subprocess.run(
        [
            *(*program, "kafka.docker.KafkaDockerWrapper", "setup"),
            *("--default-configs-dir", str(directory / "defaults")),
            *("--mounted-configs-dir", str(mount)),
            *("--final-configs-dir", str(final)),
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    log4j = f"-Dlog4j2.configurationFile={PROJECT / 'tests' / 'kafka' / 'log4j2.properties'}"
    heap = shlex.split(service["environment"]["KAFKA_HEAP_OPTS"])
    process = ServerProcess(
        "Apache Kafka of the compose file",
        [program[0], *heap, log4j, *program[1:], "kafka.Kafka", str(final / "server.properties")],
        log=directory / "kafka.log",
        ready=lambda: kafka_answers(docker),
        start_timeout_s=START_TIMEOUT_S,
        stop_grace_s=15.0,
    )
    return process, f"{LOOPBACK}:{docker}", f"{LOOPBACK}:{host}"


def redis(directory: Path) -> tuple[ServerProcess, str, int]:
    """The Redis, not started; its URL and port. Only port, address and the data's folder differ."""
    directory.mkdir(parents=True)
    port = free_port()
    text = mounted(services()["redis"], "/etc/redis/redis.conf").read_text(encoding="utf-8")
    assert "\ndir /data\n" in text
    conf = directory / "redis.conf"
    # Not overridden on the command line as the others: Redis goes to the folder while it reads.
    conf.write_text(text.replace("\ndir /data\n", f"\ndir {directory}\n"), encoding="utf-8")
    own = ("--port", str(port), "--bind", LOOPBACK)
    process = ServerProcess(
        "Redis of the compose file",
        [redis_program(), str(conf), *own],
        log=directory / "redis.log",
        ready=lambda: redis_answers(port),
    )
    return process, f"redis://{LOOPBACK}:{port}/0", port


@dataclass(frozen=True)
class Stack:
    """Addresses of a running Kafka and Redis, and how our services find them."""

    kafka: str
    kafka_for_the_host: str
    redis_url: str
    redis_port: int

    def settings(self, service: str, variables: Mapping[str, str] | None = None, port: int = 0) -> dict[str, str]:
        """A service's RETENTION_* variables, with these addresses and metrics on `port` of loopback."""
        return {
            **settings(services(variables)[service]),
            "RETENTION_BOOTSTRAP_SERVERS": self.kafka,
            "RETENTION_REDIS_URL": self.redis_url,
            "RETENTION_METRICS_HOST": LOOPBACK,
            "RETENTION_METRICS_PORT": str(port),
        }


def metrics(port: int) -> dict[str, float]:
    """Each series of a worker, summed over its labels; empty when it does not answer."""
    text = _get(port, "/metrics")[1]
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0.0) + sample.value
    return found


def healthy(port: int) -> bool:
    """200 from /health, and it says so."""
    status, text = _get(port, "/health")
    return status == 200 and json.loads(text)["healthy"] is True


def _get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}{path}", timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()
    except OSError:
        return 0, ""


def until(what: str, holds: Callable[[], bool], timeout_s: float, log: Callable[[], str]) -> None:
    """Wait for something; a failure shows the log."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {timeout_s} s\n{log()}"
        time.sleep(0.2)
