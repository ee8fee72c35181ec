"""`retention audit --files`: what it prints, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.cli.main import main
from streams.operations.audit import RULES
from streams.operations.audit.files import of_folder, written
from tests.support.audited import Log


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A stream with one breach, as files."""
    log = Log.begun()
    log.send("reminder", "cart")
    log.touch("payment_failed")
    log.send("update", "payment")
    return kept(log, tmp_path / "said")


def kept(log: Log, folder: Path) -> Path:
    for line in written(folder, [log.line]):
        for source in (line.touchpoints, line.triggers, line.decisions):
            assert list(source)
    return folder


def run(*args: str) -> Result:
    return CliRunner().invoke(main, ["audit", *args])


def test_a_breach_is_told_with_its_place_and_ends_with_1(folder: Path) -> None:
    result = run("--files", str(folder))
    assert result.exit_code == 1
    assert f"1  no_cause: {RULES['no_cause']}" in result.stdout
    assert "policy 1-" in result.stdout
    assert "at 0[2], 2026-03-02" in result.stdout
    assert "2 triggers (contract 1, marketing 1) and 0 withdrawals checked: 1 breach" in result.stdout


def test_json_has_all_of_a_breach(folder: Path) -> None:
    told = json.loads(run("--files", str(folder), "--json").stdout)
    (breach,) = told["breaches"]
    assert (breach["rule"], breach["customer"], breach["action"]) == ("no_cause", "anna", "reminder")
    assert breach["place"] == {"partition": 0, "offset": 2, "due": False}
    assert told["triggers"] == {"contract": 1, "marketing": 1}


def test_a_clean_stream_ends_with_0_and_what_was_read_is_kept(folder: Path, tmp_path: Path) -> None:
    result = run("--files", str(folder), "--since", "2026-04-01", "--keep", str(tmp_path / "again"))
    assert (result.exit_code, "no breach" in result.stdout) == (0, True)
    first, again = list(of_folder(folder)), list(of_folder(tmp_path / "again"))
    assert first == again


@pytest.mark.parametrize(("name", "text"), [("triggers.jsonl", "{"), ("touchpoints.jsonl", '{"partition": 0}\n')])
def test_a_file_that_cannot_be_read_is_named(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    result = run("--files", str(folder))
    assert result.exit_code not in (0, 1)
    assert "remedy" in result.stderr


def test_a_time_that_is_none_is_refused(folder: Path) -> None:
    assert run("--files", str(folder), "--since", "yesterday").exit_code == 2
