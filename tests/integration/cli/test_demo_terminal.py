"""The demo in a terminal: the live view while it runs, the summary afterwards, the terminal as it was."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len

from streams.errors import ExitCode
from tests.integration.cli.terminal import ALTERNATE, BACK, COLOUR, CURSOR, PROJECT, Terminal

DEMO_S = 300.0


def shop(folder: Path, customers: int) -> Path:
    """The log of a shop: everybody buys weekly, two thirds fall silent."""
    path = folder / "shop.csv"
    rows = [
        f"c{customer},2020-{1 + week // 4:02d}-{1 + 7 * (week % 4):02d},purchase,9.5,1"
        for week in range(44)
        for customer in range(customers)
        if not customer % 3 or week <= 2 + customer % 5
    ]
    path.write_text("customer_id,ts,type,amount,qty\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return shop(tmp_path, customers=60)


def test_a_terminal_shows_the_view_while_the_demo_runs_and_the_summary_after_it(log: Path) -> None:
    with Terminal("demo", "--log", str(log)) as terminal:
        terminal.until("retention demo · shop.csv", DEMO_S)
        assert not terminal.echoes(), "keys would be echoed into the view"
        terminal.until("Latest triggers", DEMO_S)
        assert terminal.ended(DEMO_S) == ExitCode.OK
    frames = terminal.frames()
    assert frames
    for frame in frames:
        assert len(frame) <= 24
        assert max(map(cell_len, frame)) <= 80
    last = "\n".join(frames[-1])
    events = log.read_text().count("\n") - 1
    for part in (
        "retention demo · shop.csv",
        f"{events:,} of {events:,} (100 %)",
        "Customers 60",
        "ready, healthy  4 shards",
        "Shards 4",
    ):
        assert part in last
    assert re.search(r"log-loss 0\.\d{3}", last)
    assert re.search(r"asked by risk +(slipping|at_risk|leaving)", last), "the latest triggers"
    after = terminal.afterwards()
    assert "Customers 60" in after, "the last view stays"
    assert f"{events:,} touchpoints of shop.csv written, {events:,} applied" in after
    assert "triggers" in after
    assert terminal.output.count(ALTERNATE) == terminal.output.count(BACK) == 1
    assert terminal.output.rindex(CURSOR) > terminal.output.rindex(ALTERNATE)
    assert COLOUR.search(terminal.output)


def test_ctrl_c_ends_the_view_and_gives_the_terminal_back(tmp_path: Path) -> None:
    log = shop(tmp_path, customers=1_500)  # it is not over before anybody can press a key
    with Terminal("demo", "--log", str(log), NO_COLOR="1") as terminal:
        terminal.until("Latest triggers", DEMO_S)
        terminal.press("\x03")
        assert terminal.ended(DEMO_S) == 130
        output = terminal.output
    assert BACK in output
    assert "stopping" in terminal.afterwards()
    assert not COLOUR.search(output), "NO_COLOR is obeyed"


def test_without_a_terminal_json_is_a_line_per_look_and_the_rest_goes_to_standard_error(
    log: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "top.svg"
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", "demo", "--log", log, "--no-policy", "--json", "--svg", picture],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=DEMO_S,
        check=False,
    )
    assert done.returncode == ExitCode.OK, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert told[-1]["lag"] is not None
    assert sum(told[-1]["customers"].values()) == 60
    assert sum(len(each["triggers"]) for each in told) == told[-1]["triggers_decided"] > 0
    assert "touchpoints of shop.csv written" in done.stderr
    assert "Customers&#160;60" in picture.read_text(encoding="utf-8")


def test_a_log_without_events_is_refused_with_the_remedy(tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("customer_id,ts,type,amount,qty\n")
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", "demo", "--log", str(empty)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=DEMO_S,
        check=False,
    )
    assert done.returncode == ExitCode.FAILURE
    assert "holds no events" in done.stderr
    assert "remedy:" in done.stderr
