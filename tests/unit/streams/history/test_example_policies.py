"""The example policies: each does with its log what its page says, and breaks no rule of the auditor."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from models.settings import SECOND
from models.simulation.rehearsal import Rehearsal
from models.timeline.partitioning import partition_of
from streams.cli.main import main
from streams.cli.output_lines import line
from streams.operations.audit import audit
from tests.support.identities import Shards
from tests.support.kept_topics import lines_of
from tests.support.logs import chosen_policy, clock
from tests.unit.models.simulation.test_rehearsal import VARIANTS

FOLDER = Path(__file__).resolve().parents[4] / "docs" / "examples" / "policies"
EXAMPLES = sorted(path.parent.name for path in FOLDER.glob("*/policy.toml"))
SHARED = "talk_together"
"""A simulation sends nothing between shards, and of what two are offered together it says nothing."""


def retention(*arguments: str | Path) -> str:
    found = CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.stdout


def test_there_are_some() -> None:
    assert "dunning" in EXAMPLES


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name != SHARED])
def test_what_comes_of_its_log_is_what_its_page_says(name: str, tmp_path: Path) -> None:
    folder = FOLDER / name
    told = retention(
        "simulate", "--policy", folder / "policy.toml", folder / "log.jsonl", "--keep", tmp_path, "--triggers"
    )
    assert told.splitlines() == (folder / "expected.txt").read_text(encoding="utf-8").splitlines()
    found = json.loads(retention("audit", "--files", tmp_path, "--json"))
    assert found["breaches"] == []


def between_shards(folder: Path) -> Rehearsal:
    """A log at two shards that send each other records, under its policy; a clock tells both the time of each event."""
    events = [json.loads(one) for one in (folder / "log.jsonl").read_bytes().splitlines()]
    times = [round(datetime.fromisoformat(one["time"]).timestamp()) * SECOND for one in events]
    shards, text = Shards(2, VARIANTS["live"]), (folder / "policy.toml").read_text(encoding="utf-8")
    for partition in range(2):
        shards.tell(partition, (times[0], None, chosen_policy(times[0], 1, text)))
    for time, one in zip(times, events, strict=True):
        for partition in range(2):
            shards.tell(partition, (time, None, clock(time)))
        subject = one["subject"]
        shards.tell(partition_of(subject, 2), (time, subject.encode(), json.dumps(one).encode()))
        shards.come_to_rest()
    return shards.world


def test_what_two_who_talk_are_offered_together_is_what_its_page_says() -> None:
    folder = FOLDER / SHARED
    world = between_shards(folder)
    told = [line(one.value) for shard in world.shards for one in shard.outputs if one.role == "triggers"]
    assert sorted(told) == (folder / "expected.txt").read_text(encoding="utf-8").splitlines()
    assert audit(lines_of(world)).breaches == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_its_policy_has_no_fault(name: str) -> None:
    assert json.loads(retention("policy", "check", FOLDER / name / "policy.toml", "--json"))["fit"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_its_page_tells_what_it_does_not_do_and_the_index_names_it(name: str) -> None:
    page = (FOLDER / name / "README.md").read_text(encoding="utf-8")
    assert "**What it does not do.**" in page
    assert f"| [{name}]({name}/README.md) |" in (FOLDER / "README.md").read_text(encoding="utf-8")
