"""The example policies: each does with its log what its page says, and breaks no rule of the auditor."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.cli.main import main

FOLDER = Path(__file__).resolve().parents[4] / "docs" / "examples" / "policies"
EXAMPLES = sorted(path.parent.name for path in FOLDER.glob("*/policy.toml"))


def retention(*arguments: str | Path) -> str:
    found = CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.stdout


def test_there_are_some() -> None:
    assert "dunning" in EXAMPLES


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_comes_of_its_log_is_what_its_page_says(name: str, tmp_path: Path) -> None:
    folder = FOLDER / name
    told = retention(
        "simulate", "--policy", folder / "policy.toml", folder / "log.jsonl", "--keep", tmp_path, "--triggers"
    )
    assert told.splitlines() == (folder / "expected.txt").read_text(encoding="utf-8").splitlines()
    found = json.loads(retention("audit", "--files", tmp_path, "--json"))
    assert found["breaches"] == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_its_policy_has_no_fault(name: str) -> None:
    assert json.loads(retention("policy", "check", FOLDER / name / "policy.toml", "--json"))["fit"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_its_page_tells_what_it_does_not_do_and_the_index_names_it(name: str) -> None:
    page = (FOLDER / name / "README.md").read_text(encoding="utf-8")
    assert "**What it does not do.**" in page
    assert f"| [{name}]({name}/README.md) |" in (FOLDER / "README.md").read_text(encoding="utf-8")
