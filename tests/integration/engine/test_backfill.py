"""`retention backfill` on real servers: killed in the middle, gone on with, and taken over by workers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from models.settings import DAY, HOUR
from streams.errors import ExitCode
from streams.history.backfill.records import Course, gather
from tests.integration.cli.test_cli_doctor import PROBLEM, examined
from tests.integration.engine.test_rebuild import lose
from tests.support.backfills import arrived, as_logs, written
from tests.support.logs import START, tape
from tests.support.prepared import COMMAND, Process, start
from tests.support.servers import ApacheKafka, Broker
from tests.support.world import PATIENCE_S, Raw, World
from tests.support.world_fixtures import MakeWorld
from tests.support.world_live import LIVE, stand_still

STOPPED = "stopped; the same command goes on where it stopped, and no worker starts before"
CUT = START + 90 * DAY + 7 * HOUR


def iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()


class Past:
    """A world's log, and the command that backfills it."""

    def __init__(self, world: World, log: Path, until: int) -> None:
        self.world, self.log, self.until = world, log, until
        self._out, self._told = (log.with_name(f"backfill.{name}") for name in ("out", "told"))

    def start(self, *options: str, **environment: str) -> Process:
        told = {f"RETENTION_{name.upper()}": str(value) for name, value in self.world.settings.items()}
        words = ["backfill", str(self.log), "--until", iso(self.until), "--json", *options]
        for path in (self._out, self._told):
            path.write_text("")
        return start(COMMAND, {**os.environ, **told, **environment}, self._out, *words, errors=self._told)

    def ended(self, process: Process) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        return process.wait(PATIENCE_S), self._out.read_text(), self._told.read_text()

    def run(self, *options: str, **environment: str) -> tuple[int, str, str]:
        """The same of a run to its end."""
        return self.ended(self.start(*options, **environment))

    def done(self) -> dict[str, Any]:
        """A run that comes to its end; its summary."""
        code, out, told = self.run()
        assert code == 0, told
        summary: dict[str, Any] = json.loads(out)
        return summary

    def remembered(self, scratch: Path, next_offsets: Sequence[int]) -> None:
        """From now on `world.logs()` begins with history."""
        scratch.mkdir()
        history = gather(str(self.log), self.until, self.world.config.partitions, scratch)
        self.world.history = as_logs(Course(history, self.world.config.engine(), next_offsets))
        self.world.quiet_until = self.until


def raw(logs: Sequence[Sequence[Any]]) -> list[list[Raw]]:
    return [[(entry.key, entry.value, entry.timestamp) for entry in log] for log in logs]


@pytest.mark.slow
def test_a_backfill_that_was_killed_is_gone_on_with_and_equals_one_replay_with_live(
    broker: Broker,
    request: pytest.FixtureRequest,
    make_world: MakeWorld,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    transactions = "kafka" in request.node.callspec.params["broker"]
    world = make_world(broker, piece_items=3)
    entries = tape(7, 3, 80, 150)
    past = Past(world, written(entries, tmp_path / "log.jsonl"), CUT)
    before = [[entry for entry in entries if entry.partition == n and entry.timestamp < CUT][-20:] for n in range(3)]
    # What came before the cut is on the topic too, as it would be: history has it, live must not.
    world.produce([[(e.key, e.value, e.timestamp) for e in log] for log in before[:2]] + [[]])
    next_offsets = [len(before[0]), len(before[1]), 0]
    live = arrived(entries, next_offsets, CUT)
    assert past.run(RETENTION_CRASH_POINT="commit.b.written:60")[0] == ExitCode.CRASH_POINT
    assert world.ended(world.worker()) == ExitCode.BACKFILL_UNFINISHED
    for name, value in world.settings.items():
        monkeypatch.setenv(f"RETENTION_{name.upper()}", str(value))
    found = examined(ExitCode.FAILURE)
    assert [name for name, finding in found.items() if finding["status"] == PROBLEM] == ["shards.state"]
    assert f"is not done (a worker ends with exit code {ExitCode.BACKFILL_UNFINISHED})" in found["shards.state"]["told"]
    assert "run the same `retention backfill` again" in found["shards.state"]["remedy"]
    assert found["shards.log"]["told"] == "not checked: a backfill is not done"
    code, out, told = past.run("--app", world.config.app, RETENTION_ENTER="0.7")
    assert (code, out) == (ExitCode.SETTINGS_CHANGED, "")
    assert "enter is 0.7, at creation 0.6" in told
    for how, exit_code, told in ((signal.SIGKILL, -signal.SIGKILL, ""), (signal.SIGINT, 130, STOPPED)):
        ended, stood = past.start(), sum(world.commits())
        world.wait(lambda stood=stood: sum(world.commits()) > stood + 40)  # type: ignore[misc]  # a default
        ended.send_signal(how)
        code, out, err = past.ended(ended)
        assert (code, out) == (exit_code, "")
        assert told in err
    world.produce(raw(live))
    summary = past.done()
    assert summary["next_offsets"] == {str(n): next_offset for n, next_offset in enumerate(next_offsets)}
    assert summary["resumed"]
    past.remembered(tmp_path / "scratch", next_offsets)
    world.worker()
    world.wait(
        lambda: world.done([next_offset + len(log) for next_offset, log in zip(next_offsets, live, strict=True)])
    )
    world.end()
    expected = world.check(committed=transactions)
    triggers = [out for shard in expected.shards for out in shard.outputs if out.role == "triggers"]
    assert triggers
    assert min(out.time for out in triggers) >= CUT


@pytest.mark.slow
def test_live_takes_over_at_the_cut(kafka: ApacheKafka, make_world: MakeWorld, tmp_path: Path) -> None:
    world = make_world(kafka, **LIVE)
    now = int(time.time() * 1000)
    lines = [
        f"c{customer},{iso(now - 60_000 + 900 * n + customer)},purchase,5,1"
        for customer in range(40)
        for n in range(0, 60, 1 + customer % 9)
        if n < 30 or customer % 2
    ]
    log = tmp_path / "shop.csv"
    log.write_text("customer_id,ts,type,amount,qty\n" + "\n".join(lines) + "\n", encoding="utf-8")
    past = Past(world, log, now - 1_000)
    summary = past.done()
    assert summary["events"] + summary["left_to_live"] == len(lines)
    past.remembered(tmp_path / "scratch", [0] * world.config.partitions)
    world.worker()
    commits = world.commits()
    world.wait(lambda: sum(world.commits()) > sum(commits) + 40)
    stand_still(world)
    expected = world.check()
    outputs = [out for shard in expected.shards for out in shard.outputs if out.role == "triggers"]
    assert outputs
    assert min(out.time for out in outputs) >= past.until
    assert _refused(world.command("verify", "--customers", "c1"), ExitCode.LOG_TRUNCATED).endswith(
        "it was made by a backfill, whose history is not in Kafka: give its log (--history LOG)"
    )
    lose(world)
    assert "give its log (--history LOG)" in _refused(world.command("rebuild"), ExitCode.FAILURE)
    unknown = world.command("rebuild", "--history", str(log))
    assert "name the cut-over" in _refused(unknown, ExitCode.FAILURE)
    made = world.command("rebuild", "--history", str(log), "--until", iso(past.until), "--json")
    assert made.returncode == ExitCode.OK, made.stderr
    assert json.loads(made.stdout)["touchpoints"] == summary["events"]
    verified = world.command("verify", "--all", "--history", str(log), "--json")
    assert verified.returncode == ExitCode.OK, verified.stdout + verified.stderr
    assert json.loads(verified.stdout)["compared"] == 40
    other = tmp_path / "other.csv"
    other.write_text(log.read_text(encoding="utf-8").replace(lines[0] + "\n", ""), encoding="utf-8")
    refused = _refused(world.command("verify", "--history", str(other)), ExitCode.FAILURE)
    assert f"the backfill had {summary['events']}" in refused
    assert "the log that `retention backfill` was given" in refused


def _refused(done: subprocess.CompletedProcess[str], code: ExitCode) -> str:
    assert done.returncode == code, done.stdout + done.stderr
    return (done.stderr + done.stdout).splitlines()[0] if code == ExitCode.LOG_TRUNCATED else done.stderr
