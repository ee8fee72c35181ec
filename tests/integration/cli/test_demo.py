"""The demo as a user runs it: it ends by itself, and leaves nothing behind however it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.settings import DAY
from models.touchpoints import event
from streams.cli.demo import LOOP, pyramid_of
from streams.cli.lift import lines_told
from streams.cli.policy import example_text
from streams.cli.pyramid import LIVE_HEADS
from streams.errors import ExitCode
from streams.history.events import TimedEvent
from streams.local import demo_view
from streams.local.demo import RunningDemo, demo_settings, named
from streams.local.demo_lift import LABEL
from streams.local.demo_view import DemoOutput
from streams.local.engine import as_toml
from streams.monitoring.top.screen import Lines
from streams.operations.policy import from_the_first
from tests.integration.cli.conftest import run

FIRST = 852_076_800_000  # 1997-01-01
LEFT_S = 120.0
"""A worker's graceful stop, two servers' and the interpreter's end."""

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/task").is_dir(), reason="not run: process trees need /proc (Linux)"
)


def a_log(customers: int, weeks: int) -> list[TimedEvent]:
    found = []
    for week in range(weeks):
        for number in range(customers):
            if number % 3 and week > 2 + number % 5:  # two thirds fall silent
                continue
            name, time_ms = f"c{number}", FIRST + week * 7 * DAY
            value = event(
                "purchase", id=f"{name}-{week}", source="t", subject=name, time_ms=time_ms, data={"amount": 9.5}
            )
            found.append(TimedEvent(time_ms, name.encode(), value))
    return found


def test_a_log_is_replayed_to_its_end_and_summed_up(tmp_path: Path) -> None:
    said: list[str] = []
    events = a_log(customers=60, weeks=40)
    policy = from_the_first(example_text() + LOOP + "fewest = 5\n", "test")
    output = DemoOutput(said.append, Lines(said.append, demo_view.lines), lift=lines_told, pyramid=pyramid_of)
    with RunningDemo(tmp_path, events, said.append, output, policy) as running:
        assert running.watch() == ExitCode.OK
        decisions = run("--config", str(running.settings), "tail", "decisions", "--limit", "0", "--json").stdout
    told = [json.loads(line) for line in decisions.splitlines()]
    assert sum(one["what"] == "policy_in_force" for one in told) == running.config.partitions
    text = "\n".join(said)
    decided = [re.fullmatch(r"  (something useful|reward|offer|win back) +([\d,]+): .*", line) for line in said]
    triggers = sum(int(found[2].replace(",", "")) for found in decided if found)
    assert triggers > 0
    assert f"triggers   {triggers:,} decided, {triggers:,} on the topic" in text
    assert f"{len(events):,} touchpoints of CDNOW written, {len(events):,} applied" in text
    assert "customers  60: " in text
    assert "AUC" in text
    heads = next(
        n for n, line in enumerate(said) if line.split() == [*LIVE_HEADS[:-3], "of", "all", "at", "risk", "spent"]
    )
    tiers = [line.split() for line in said[heads + 1 : heads + 5]]
    assert [one[0] for one in tiers] == ["top", "high", "middle", "base"]
    assert f"consumer: {sum(int(one[1]) for one in tiers)} customers" in said[heads - 1]
    assert any(re.fullmatch(r"  loyalty loop +60: .*", line) for line in said)
    label = said.index(LABEL)
    assert said[label + 3].startswith("Programme, salt 2026: ")
    assert any(line.startswith("Draws at risk: ") for line in said[label:])


def test_what_a_kept_demo_says_to_look_around_with_works(tmp_path: Path) -> None:
    policy = from_the_first(example_text(), "test")
    with RunningDemo(tmp_path, a_log(customers=20, weeks=30), lambda text: None, policy=policy) as running:
        assert running.watch() == ExitCode.OK
        settings = ("--config", str(running.settings))
        customer = run(*settings, "customer", "c0", "--json")
        assert json.loads(customer.stdout)["behaviour"]["purchase_days"] == 30
        assert len(run(*settings, "tail", "decisions", "--limit", "3").stdout.splitlines()) == 3
        story = run(*settings, "why", "c1", "--since", "1997-01-01").stdout
        assert re.search(r"risk (slipping|at_risk|leaving): [a-z_]+ by email", story)
        described = run(*settings, "topics", "describe")
        assert described.exit_code == ExitCode.OK, described.output


def test_a_worker_that_dies_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    said: list[str] = []
    with RunningDemo(tmp_path, a_log(customers=600, weeks=60), said.append) as running:
        running.worker.send_signal(signal.SIGKILL)
        assert running.watch() == ExitCode.FAILURE
    assert any("the worker ended with exit code -9 (SIGKILL)" in line for line in said)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "streams.cli", "demo"],
        cwd=Path(__file__).resolve().parents[3],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    yield process
    process.kill()
    process.wait()


def descendants(pid: int) -> set[int]:
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found |= {child} | descendants(child)
    return found


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@needs_proc
@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "shown"),
    [(signal.SIGINT, "starting a worker"), (signal.SIGKILL, "replaying"), (signal.SIGTERM, " safe ")],
    ids=["SIGINT while it starts", "SIGKILL as it begins", "SIGTERM while it runs"],
)
def test_a_signal_at_any_time_leaves_no_process_behind(
    started: subprocess.Popen[str], number: signal.Signals, shown: str
) -> None:
    assert started.stdout is not None
    said = []
    for line in started.stdout:
        said.append(line)
        if shown in line:
            break
    family = descendants(started.pid)
    assert len(family) >= 2, "".join(said)
    started.send_signal(number)
    assert started.wait(LEFT_S) == (-number if number == signal.SIGKILL else 128 + signal.SIGINT)
    deadline = time.monotonic() + 60.0
    while any(map(alive, family)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in family if alive(pid)]


def test_the_settings_of_a_demo_can_be_read_back_from_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from streams.config import load

    settings = {
        **demo_settings(FIRST + 5 * DAY),
        "bootstrap_servers": "127.0.0.1:1",
        "redis_url": "redis://127.0.0.1:2/0",
    }
    file = tmp_path / "demo.toml"
    file.write_text(as_toml(settings))
    monkeypatch.setenv("RETENTION_CONFIG", str(file))
    assert load() == load(**settings)


@pytest.mark.parametrize(("code", "name"), [(72, "72 (store_went_back)"), (-15, "-15 (SIGTERM)"), (55, "55")])
def test_exit_codes_are_named(code: int, name: str) -> None:
    assert named(code) == name
