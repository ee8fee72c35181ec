"""Forked workers: to whoever starts them they are what an interpreter of their own would be."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from streams.errors import ExitCode
from tests.support.prepared import start

ENVIRONMENT = dict(os.environ)


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("pass", 0),
        ("import sys; sys.exit(7)", 7),
        ("import os; os._exit(75)", 75),
        ("1 / 0", 1),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", -signal.SIGSEGV),
    ],
)
def test_a_process_ends_with_the_code_of_its_program(tmp_path: Path, program: str, code: int) -> None:
    process = start(program, ENVIRONMENT, tmp_path / "log")
    assert process.wait(30) == process.poll() == process.returncode == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_signal_reaches_it_as_it_reaches_any_other(tmp_path: Path, number: signal.Signals) -> None:
    log = tmp_path / "log"
    process = start("import time; print('begun', flush=True); time.sleep(60)", ENVIRONMENT, log)
    while "begun" not in log.read_text():
        assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.01)
    process.send_signal(number)
    assert process.wait(30) == -number
    process.kill()  # nothing happens to whoever has its number now


def test_it_has_the_environment_arguments_folder_and_outputs_that_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    program = (
        "import os, sys; print(os.environ['OF'], os.environ.get('HOME'), os.getcwd(), sys.argv[1:]); sys.exit('no')"
    )
    process = start(program, {"OF": "mine"}, tmp_path / "out", "a", "ü b", errors=tmp_path / "errors")
    assert process.wait(30) == 1
    assert (tmp_path / "out").read_text() == f"mine None {tmp_path} ['a', 'ü b']\n"
    assert (tmp_path / "errors").read_text() == "no\n"


def test_a_crash_point_is_asked_for_by_its_own_environment_alone(tmp_path: Path) -> None:
    program = "from streams.crash_points import point; point('here')"
    ends = [
        start(program, {**ENVIRONMENT, "RETENTION_CRASH_POINT": wanted}, tmp_path / wanted).wait(30)
        for wanted in ("here", "there", "here:2")
    ]
    assert ends == [ExitCode.CRASH_POINT, 0, 0]
