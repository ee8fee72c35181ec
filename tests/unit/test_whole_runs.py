"""A run that left out Apache Kafka can't be taken for a whole one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.servers import PROJECT

TESTS = ("tests/integration/support/test_servers.py", "-k", "kafka")


def run_without_java(tmp_path: Path, *words: str, require: str = "") -> list[str]:
    environment = {**os.environ, "PATH": str(tmp_path), "RETENTION_TEST_REQUIRE": require, "COLUMNS": "200"}
    environment = {name: value for name, value in environment.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-q", "-W", "ignore", "-p", "no:cacheprovider", *TESTS, *words]
    outcome = subprocess.run(command, cwd=PROJECT, env=environment, text=True, capture_output=True, check=False)
    return outcome.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("processes", ["0", "1"], ids=["one process", "shared out"])
def test_without_java_the_last_three_lines_say_what_is_missing_and_how_to_have_it(
    tmp_path: Path, processes: str
) -> None:
    lines = run_without_java(tmp_path, "-n", processes)
    assert "skipped" in lines[-4]
    assert lines[-3].startswith("NOT THE WHOLE: ")
    assert "on Apache Kafka" in lines[-3]
    assert "Java 17, Maven" in lines[-2]
    assert "RETENTION_TEST_REQUIRE=all" in lines[-1]


@pytest.mark.slow
def test_where_nothing_may_be_missing_it_fails_and_says_so_once(tmp_path: Path) -> None:
    lines = run_without_java(tmp_path, "-n", "0", require="all")
    assert not any("NOT THE WHOLE" in line for line in lines)
    assert "failed" in lines[-1] or "error" in lines[-1]
