"""Compiled code before there is work: what is compiled beside, and what is said of it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from streams.bootstrap.kernels import Helper, warm_up


@pytest.mark.slow
@pytest.mark.usefixtures("kernels")
def test_where_everything_is_in_the_cache_nothing_is_compiled_and_nothing_said() -> None:
    outcome = subprocess.run(
        [sys.executable, "-m", "streams.bootstrap.kernels"], text=True, capture_output=True, check=True
    )
    assert outcome.stdout == ""
    compiled: list[None] = []
    warm_up(lambda: compiled.append(None))
    assert compiled == []


@pytest.mark.slow
@pytest.mark.usefixtures("kernels")
def test_the_first_function_to_be_compiled_starts_one_process_that_has_the_learners_ready() -> None:
    compiled: list[None] = []
    helper = Helper(lambda: compiled.append(None))
    assert helper.process is None
    helper.on_start(None)
    first = helper.process
    helper.on_start(None)
    assert helper.process is first is not None
    helper.wait()
    assert first.returncode == 0
    assert len(compiled) == 2


def test_without_a_process_there_is_nothing_to_wait_for() -> None:
    Helper(lambda: None).wait()
