"""`retention policy example` and `check` need no server, and say all that is wrong, key by key."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from streams.cli.main import main
from streams.errors import ExitCode
from tests.support.cli_docs import undocumented
from tests.unit.models.decisions.policy.test_reading import EXAMPLE, SMALL


def run(*args: str) -> Result:
    return CliRunner().invoke(main, ["policy", *args])


def written(folder: Path, text: str | bytes) -> str:
    file = folder / "policy.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(file)


def test_the_example_is_fit(tmp_path: Path) -> None:
    example = run("example")
    assert (example.exit_code, example.stdout) == (0, EXAMPLE)
    checked = run("check", written(tmp_path, example.stdout))
    assert (checked.exit_code, checked.stderr) == (0, "")
    assert checked.stdout.endswith("policy.toml: a policy of 7 moments, 9 actions, 4 channels\n")


def test_all_that_is_wrong_is_a_line_each(tmp_path: Path) -> None:
    wrong = SMALL.replace('sort = "risk"', 'sort = "rsk"').replace('content = "sorry"', "")
    checked = run("check", written(tmp_path, wrong))
    assert checked.exit_code == ExitCode.FAILURE
    assert checked.stdout.splitlines() == [
        'wrong   moment.risk.sort is "rsk"; give one of '
        '"risk", "touchpoint", "date", "unanswered", "points", "membership", "spoke_well"',
        "wrong   action.sorry.content is missing; give text of 1 to 100 characters",
    ]
    assert "2 faults; docs/policy.md tells what each key takes" in checked.stderr


def test_what_is_worth_a_second_look_is_told_and_no_fault(tmp_path: Path) -> None:
    checked = run("check", written(tmp_path, SMALL))
    assert checked.exit_code == 0
    assert "look    contact.caps: nothing bounds how often" in checked.stdout


def test_for_machines_it_is_one_object(tmp_path: Path) -> None:
    for text, fit in ((SMALL, True), (b"\xff", False)):
        checked = run("check", "--json", written(tmp_path, text))
        found = json.loads(checked.stdout)
        assert (found["fit"], checked.exit_code) == (fit, 0 if fit else ExitCode.FAILURE)
        assert bool(found["problems"]) is not fit
        assert undocumented("policy", found) == []


def test_a_file_that_is_not_there_is_named() -> None:
    assert run("check", "nowhere.toml").exit_code == ExitCode.USAGE
