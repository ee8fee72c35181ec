"""The application as a process of its own."""

from __future__ import annotations

from pathlib import Path

import msgspec

from benchmarks.rivals.job import write_properties
from benchmarks.rivals.kafka_streams.build import JAVA
from benchmarks.servers import APP, Measured, Servers, environment
from streams.local.processes import ServerProcess
from tests.support.servers import program

GROUP = "rival"
TOPIC = f"{APP}.touchpoints"
TRIGGERS, REJECTED = f"{GROUP}.triggers", f"{GROUP}.rejected"
THREADS, COMMIT_MS = 2, 1_000
FLAGS = ("-Xms1g", "-Xmx2g", "-XX:+UseParallelGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
START_S, STOP_S = 120.0, 90.0


class Counted(msgspec.Struct, frozen=True):
    """What the application says at its end: what its threads have processed since its start."""

    touchpoints: int
    duplicates: int
    rejected: int
    triggers: int


class Application(Measured):
    """A context manager; `counted` is there when it has ended. Its state stays in `directory`."""

    def __init__(self, servers: Servers, directory: Path, class_path: str) -> None:
        self._counted = directory / "counted.json"
        running, job = directory / "running", directory / "job.properties"
        for file in (self._counted, running):
            file.unlink(missing_ok=True)
        write_properties(job)
        told = {
            "id": GROUP,
            "broker": servers.bootstrap_servers,
            "topic": TOPIC,
            "triggers": TRIGGERS,
            "rejected": REJECTED,
            "state": str(directory / "state"),
            "threads": str(THREADS),
            "commit.ms": str(COMMIT_MS),
            "job": str(job),
            "running": str(running),
            "counted": str(self._counted),
        }
        settings = [f"-Drival.{name}={value}" for name, value in told.items()]
        super().__init__(
            ServerProcess(
                "Kafka Streams",
                [program(*JAVA), *FLAGS, *settings, "-cp", class_path, "retention.rival.App"],
                log=directory / "kafka-streams.log",
                ready=running.exists,
                start_timeout_s=START_S,
                stop_grace_s=STOP_S,
                environment=environment(directory),
            )
        )

    def counted(self) -> Counted:
        """Raises FileNotFoundError when it did not end in order."""
        return msgspec.json.decode(self._counted.read_bytes(), type=Counted)
