"""Apache Kafka for the tests: a real broker (KRaft) from its Maven artifacts, in a process of our own, or two."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from streams.local.processes import LOOPBACK, ProgramMissing, ServerProcess, free_ports, kafka_answers

PROJECT = Path(__file__).resolve().parents[2]
POM = PROJECT / "tests" / "kafka" / "pom.xml"
DOWNLOAD_TIMEOUT_S = 600
START_TIMEOUT_S = 180
HEAP = "512m"

SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    # One node can hold one replica; fewer internal partitions than the default 50 start and recover faster.
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # A test should not wait three seconds for further members, and may ask for a short session.
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    # A broker killed with -9 may register again only when its old session is over (default nine seconds).
    "broker.heartbeat.interval.ms": "500",
    "broker.session.timeout.ms": "2000",
    # A misspelt topic is a defect of the test.
    "auto.create.topics.enable": "false",
    "num.partitions": "1",
    "log.retention.check.interval.ms": "1000",
}


class Broker(Protocol):
    """What tests use of either broker."""

    @property
    def bootstrap_servers(self) -> str: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...
    def restart(self) -> None: ...


class ApacheKafka:
    """One broker with its data in `directory`; `restart()` keeps data and port.

    Args:
        directory: takes settings, data and log.
        jars: folder of the broker's class path, from `kafka_jars()`.
        settings: broker settings to add or replace.
        listeners: ports of further listeners by name; `settings` says what they speak.
        users: passwords of SCRAM users by name, made with the data.
        joins: a broker whose cluster this one joins as its second, without being a controller.
    """

    def __init__(
        self,
        directory: Path,
        jars: Path,
        settings: dict[str, str] | None = None,
        listeners: Mapping[str, int] | None = None,
        users: Mapping[str, str] | None = None,
        joins: ApacheKafka | None = None,
    ) -> None:
        self.directory = directory
        self.port, self.controller = free_ports(2)
        self._cluster = uuid.uuid4().hex[:22]
        self._java = program("java", "install a Java runtime, 17 or newer")
        self._class_path = str(jars / "*")
        self._properties = directory / "server.properties"
        self._users = users or {}
        ports = {"PLAINTEXT": self.port, **(listeners or {})}
        listener = ",".join(f"{name}://{LOOPBACK}:{port}" for name, port in ports.items())
        own = {
            "listeners": f"{listener},CONTROLLER://{LOOPBACK}:{self.controller}",
            "advertised.listeners": listener,
            "controller.quorum.voters": f"1@{LOOPBACK}:{self.controller}",
            "log.dirs": str(directory / "data"),
        }
        if joins is not None:
            self._cluster = joins._cluster
            own |= {
                "process.roles": "broker",
                "node.id": "2",
                "listeners": listener,
                "controller.quorum.voters": f"1@{LOOPBACK}:{joins.controller}",
            }
        directory.mkdir(parents=True, exist_ok=True)
        lines = [f"{name}={value}" for name, value in {**SETTINGS, **own, **(settings or {})}.items()]
        self._properties.write_text("\n".join(lines) + "\n", encoding="utf-8")
        log4j = (f"-Dlog4j2.configurationFile={POM.parent / 'log4j2.properties'}",)
        self.process = ServerProcess(
            "Apache Kafka",
            [
                *(self._java, f"-Xmx{HEAP}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *log4j),
                *("-cp", self._class_path, "kafka.Kafka", str(self._properties)),
            ],
            log=directory / "kafka.log",
            ready=lambda: kafka_answers(self.port),
            start_timeout_s=START_TIMEOUT_S,
            stop_grace_s=15.0,
        )

    @property
    def bootstrap_servers(self) -> str:
        """host:port for Kafka clients."""
        return f"{LOOPBACK}:{self.port}"

    def start(self) -> ApacheKafka:
        """Format the data folder the first time, start, return when the broker answers."""
        if not (self.directory / "data" / "meta.properties").exists():
            self._format()
        self.process.start()
        return self

    def stop(self) -> None:
        """Controlled shutdown."""
        self.process.stop()

    def kill(self) -> None:
        """SIGKILL: the next start has to recover the log."""
        self.process.kill()

    def restart(self) -> None:
        """Stop if running and start again on the same data and port."""
        self.process.restart()

    def _format(self) -> None:
        command = [self._java, "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", self._class_path]
        command += [
            "kafka.tools.StorageTool",
            "format",
            "--cluster-id",
            self._cluster,
            "--config",
            str(self._properties),
        ]
        for name, password in self._users.items():
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
                command += ["--add-scram", f"{mechanism}=[name={name},password={password}]"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"formatting Kafka's data folder failed:\n{done.stdout}{done.stderr}")


def kafka_version() -> str:
    """The version named in the pom."""
    found = re.search(r"<kafka\.version>(.+?)</kafka\.version>", POM.read_text(encoding="utf-8"))
    assert found is not None, f"{POM} names no kafka.version"
    return found[1]


def kafka_jars() -> Path:
    """Folder of the broker's class path, fetched by Maven the first time and kept.

    Raises:
        ProgramMissing: Maven is not installed and the folder is not there yet.
    """
    # Other artifacts are another folder.
    pom = hashlib.sha256(POM.read_bytes()).hexdigest()[:8]
    folder = PROJECT / ".cache" / f"kafka-{kafka_version()}-{pom}"
    if folder.is_dir():
        return folder
    maven = program("mvn", "install Maven")
    # Into a folder of this process's own, renamed when complete: a broken or a concurrent fetch is never seen.
    partial = folder.with_name(f"{folder.name}.{os.getpid()}")
    done = subprocess.run(
        [maven, "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", f"-DoutputDirectory={partial}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=DOWNLOAD_TIMEOUT_S,
    )
    if done.returncode != 0:
        shutil.rmtree(partial, ignore_errors=True)
        raise AssertionError(f"Maven could not fetch Apache Kafka {kafka_version()}:\n{done.stdout}{done.stderr}")
    try:
        partial.rename(folder)
    except OSError:
        # Another process was faster.
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def program(name: str, remedy: str) -> str:
    """Where it is on the PATH. Raises ProgramMissing with the remedy."""
    path = shutil.which(name)
    if path is None:
        raise ProgramMissing(f"`{name}` is not on the PATH: {remedy}")
    return path
