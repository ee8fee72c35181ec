"""A server of our own is ready when start returns, and is gone when its parent is."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from streams.local.processes import (
    LOOPBACK,
    ServerNotStarted,
    ServerProcess,
    free_port,
    free_ports,
    kafka_answers,
    redis_answers,
)

SERVE = "import http.server, sys; http.server.test(port=int(sys.argv[1]), bind=sys.argv[2])"


def web_server(directory: Path, port: int, stop_grace_s: float = 5.0) -> ServerProcess:
    def ready() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((LOOPBACK, port)) == 0

    command = [sys.executable, "-c", SERVE, str(port), LOOPBACK]
    return ServerProcess("a web server", command, log=directory / "web.log", ready=ready, stop_grace_s=stop_grace_s)


def gone(pid: int, within_s: float = 60.0) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        # An orphan that nobody reaps stays as a zombie in a container without an init.
        status = Path(f"/proc/{pid}/stat")
        if status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.02)
    return False


def test_a_started_server_answers_and_a_stopped_one_is_gone(tmp_path: Path) -> None:
    server = web_server(tmp_path, free_port())
    server.start()
    pid = server.pid
    assert server.running
    assert pid
    server.stop()
    assert gone(pid)
    assert server.pid == 0


def test_stopping_and_killing_twice_does_nothing(tmp_path: Path) -> None:
    server = web_server(tmp_path, free_port())
    server.stop()
    server.start()
    server.kill()
    server.kill()
    server.stop()
    assert not server.running


def test_a_restarted_server_is_another_process_on_the_same_port(tmp_path: Path) -> None:
    server = web_server(tmp_path, free_port())
    server.start()
    try:
        before = server.pid
        server.restart()
        assert server.running
        assert server.pid != before
    finally:
        server.stop()


def test_a_server_that_ends_while_starting_is_named_with_its_log(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('the disk is full'); raise SystemExit(3)"]
    server = ServerProcess("a broken server", command, log=tmp_path / "broken.log", ready=lambda: False)
    with pytest.raises(ServerNotStarted, match=r"(?s)a broken server ended with code 3.*the disk is full.*remedy"):
        server.start()


def test_a_server_that_never_answers_is_ended_at_the_deadline(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    server = ServerProcess(
        "a silent server", command, log=tmp_path / "silent.log", ready=lambda: False, start_timeout_s=0.3
    )
    with pytest.raises(ServerNotStarted, match=r"a silent server did not answer within 0.3 s"):
        server.start()
    assert not server.running


def test_a_program_that_does_not_exist_is_named(tmp_path: Path) -> None:
    server = ServerProcess("a ghost", ["/nowhere/ghost"], log=tmp_path / "ghost.log", ready=lambda: False)
    with pytest.raises((ServerNotStarted, FileNotFoundError), match="ghost"):
        server.start()


def test_a_suspended_server_is_stopped_too(tmp_path: Path) -> None:
    server = web_server(tmp_path, free_port(), stop_grace_s=2.0)
    server.start()
    pid = server.pid
    server.send_signal(signal.SIGSTOP)
    server.stop()
    assert gone(pid)


def test_a_server_started_by_a_thread_outlives_the_thread(tmp_path: Path) -> None:
    server = web_server(tmp_path, free_port())
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    time.sleep(0.1)
    try:
        assert server.running
    finally:
        server.stop()


def test_the_server_leads_a_session_of_its_own_so_that_ctrl_c_does_not_reach_it(tmp_path: Path) -> None:
    server = web_server(tmp_path, free_port())
    server.start()
    try:
        assert os.getsid(server.pid) == server.pid
    finally:
        server.stop()


PARENT = """
import os, sys, time
from pathlib import Path
from streams.local.processes import ServerProcess, free_port
code = "import time; print('up', flush=True); time.sleep(600)"
log = Path(sys.argv[1])
def ready():
    return log.exists() and "up" in log.read_text()
server = ServerProcess("a server", [sys.executable, "-c", code], log=log, ready=ready)
server.start()
print(server.pid, flush=True)
if sys.argv[2] == "wait":
    time.sleep(600)
"""


@pytest.mark.parametrize(
    ("ending", "number"),
    [
        ("returns", None),
        ("is interrupted by Ctrl-C", signal.SIGINT),
        pytest.param(
            "is killed with -9",
            signal.SIGKILL,
            marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent"),
        ),
    ],
)
def test_a_server_does_not_outlive_a_parent_that(ending: str, number: signal.Signals | None, tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PARENT), str(tmp_path / "log"), "wait" if number else "return"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    if number is not None:
        parent.send_signal(number)
    parent.wait(60)
    parent.stdout.close()
    assert gone(pid), f"server {pid} is still there after its parent {ending}"


@pytest.mark.skipif(sys.platform != "linux", reason="not run: other systems remember connections otherwise")
def test_a_free_port_goes_to_who_names_it_and_to_nobody_who_asks_for_any() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    for port in ports:
        with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
            stranger.bind((LOOPBACK, port))
        with socket.create_server((LOOPBACK, port)):
            pass


def test_nobody_answers_on_a_free_port() -> None:
    port = free_port()
    assert not kafka_answers(port)
    assert not redis_answers(port)
