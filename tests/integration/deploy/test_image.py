"""The image, built by carrying out its Dockerfile, run as its user against the compose file's Kafka and Redis."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from streams.errors import ExitCode
from streams.local.processes import ProgramMissing, free_port
from tests.conftest import started
from tests.integration.deploy.image import ROOT, Image
from tests.integration.deploy.stack import Stack, healthy, until
from tests.unit.deploy.compose import services

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.network]

PATIENCE_S = 240.0


def ran(image: Image, command: list[str], settings: dict[str, str], log: Path) -> int:
    """Run to the end; its exit code."""
    return image.start(command, settings, log).wait(PATIENCE_S)


def retention(image: Image, *arguments: str) -> list[str]:
    return [*image.entrypoint, *arguments]


@contextmanager
def worker(image: Image, settings: dict[str, str], log: Path, *before: str) -> Iterator[subprocess.Popen[bytes]]:
    """The image's own command; killed if a test leaves it running."""
    process = image.start(retention(image, *image.command), settings, log, before)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def settings(image: Image, stack: Stack, tmp_path: Path) -> dict[str, str]:
    """Of a worker, its topics made by the image's own command."""
    own = stack.settings("worker-1", port=free_port())
    log = tmp_path / "topics.log"
    assert ran(image, retention(image, *services()["topics"]["command"]), own, log) == 0, log.read_text()
    return own


def test_it_holds_the_project_and_its_data_and_nothing_that_builds_or_installs(image: Image, tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert ran(image, retention(image, "--version"), {}, log) == 0
    assert "retention" in log.read_text()
    (packages,) = (image.folder / "opt/retention/lib").glob("python3*/site-packages")
    names = {path.name.partition("-")[0].lower() for path in packages.glob("*.dist-info")}
    assert {"retention_engine", "river", "redis"} <= names
    assert {"pip", "hatchling", "editables", "pytest"}.isdisjoint(names)
    assert any((image.folder / "opt/retention/share").rglob("*.whl")), "the public data set"


def test_the_kernels_were_compiled_in_it(image: Image) -> None:
    assert [path for path in (image.folder / "var/cache/retention").rglob("*") if path.is_file()]


def test_where_the_cache_of_the_kernels_is_read_only_a_copy_in_tmp_is_used(image: Image, shared_folder: Path) -> None:
    stub, locked, log = shared_folder / "bin" / "retention", shared_folder / "locked", shared_folder / "log"
    stub.parent.mkdir()
    stub.write_text('#!/bin/sh\necho "$NUMBA_CACHE_DIR" "$@"\n')
    (locked / "models").mkdir(parents=True)
    (locked / "models" / "kernel.nbi").write_text("x")
    for path in (stub, locked / "models", locked):
        path.chmod(0o555)
    own = {"PATH": f"{stub.parent}{os.pathsep}{image.environment['PATH']}", "NUMBA_CACHE_DIR": str(locked)}
    assert ran(image, retention(image, "worker", "--log-level", "INFO"), own, log) == 0, log.read_text()
    copy = image.folder / "tmp" / "numba"
    assert log.read_text() == f"{copy} worker --log-level INFO\n"
    assert (copy / "models" / "kernel.nbi").read_text() == "x"
    assert all(path.stat().st_mode & stat.S_IWUSR for path in (copy, *copy.rglob("*")))
    for path in (locked, locked / "models"):
        path.chmod(0o755)


def test_a_worker_of_it_is_healthy_stops_on_sigterm_with_0_and_writes_nothing_but_tmp(
    image: Image, settings: dict[str, str], tmp_path: Path
) -> None:
    def files() -> dict[str, int]:
        return {
            str(path): path.lstat().st_mtime_ns
            for path in image.folder.rglob("*")
            if not path.is_relative_to(image.folder / "tmp")
        }

    before, log, port = files(), tmp_path / "log", int(settings["RETENTION_METRICS_PORT"])
    check = tmp_path / "health.log"
    assert ran(image, image.health, settings, check) == 1, "nobody listens yet"
    with worker(image, settings, log) as process:
        if ROOT:
            status = Path(f"/proc/{process.pid}/status").read_text()
            assert f"Uid:\t{image.user}\t{image.user}" in status
        until("it is healthy", lambda: healthy(port), PATIENCE_S, log.read_text)
        until("it took shards over", lambda: "took over" in log.read_text(), PATIENCE_S, log.read_text)
        assert ran(image, image.health, settings, check) == 0, check.read_text()
        assert '"healthy":true' in check.read_text()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == ExitCode.OK, log.read_text()
    assert files() == before


def test_a_named_exit_code_is_the_containers(image: Image, stack: Stack, tmp_path: Path) -> None:
    own = stack.settings("worker-1", port=free_port()) | {"RETENTION_TOPIC_PREFIX": "nobody-made-these"}
    log = tmp_path / "log"
    assert ran(image, retention(image, *image.command), own, log) == ExitCode.TOPIC_UNFIT, log.read_text()


def test_as_process_1_it_takes_sigterm_and_its_exit_code_is_kept(
    image: Image, settings: dict[str, str], tmp_path: Path
) -> None:
    """The kernel gives process 1 of a container no signal that it has no handler for."""
    log, port = tmp_path / "log", int(settings["RETENTION_METRICS_PORT"])
    with worker(image, settings, log, *started("process 1", lambda: _as_process_1(image))) as process:
        until("it is healthy", lambda: healthy(port), PATIENCE_S, log.read_text)
        (first,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert Path(f"/proc/{first}/status").read_text().split("NSpid:")[1].splitlines()[0].split()[-1] == "1"
        os.kill(int(first), signal.SIGTERM)
        assert process.wait(PATIENCE_S) == ExitCode.OK, log.read_text()


def _as_process_1(image: Image) -> tuple[str, ...]:
    """What runs a command as process 1 of a namespace of its own, with the rights of the image's user.

    Raises:
        ProgramMissing: this machine does not let us.
    """
    space: tuple[str, ...] = ("unshare", "--pid", "--fork", "--kill-child")
    if ROOT:
        identity = (f"--reuid={image.user}", f"--regid={image.user}", "--clear-groups")
        space = (*space, "setpriv", *identity, "--")
    else:
        space = (*space, "--user", "--map-current-user")
    if shutil.which("unshare") is None or subprocess.run([*space, "true"], check=False).returncode:
        raise ProgramMissing(f"`{' '.join(space)}` does not run here: it needs Linux, util-linux and user namespaces")
    return space
