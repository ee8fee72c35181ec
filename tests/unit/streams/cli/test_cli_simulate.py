"""`retention simulate`: what it prints and draws, and what it refuses before it begins."""

from __future__ import annotations

import json
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.cli.main import main
from streams.errors import ExitCode
from tests.support.cli_docs import undocumented

HEAD = "customer_id,ts,type,amount,qty\n"
EXAMPLE = files("models.decisions.policy").joinpath("example.toml").read_text()
NAMED_BY_DATA = frozenset({"passed_over", "held_by"})


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["simulate", *map(str, words)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Thirty weeks of buyers every five days, half of whom stop; a policy, and one that leaves half of all alone."""
    rows = [
        (day, f"c{customer}") for customer in range(20) for day in range(customer % 5, 210 if customer % 2 else 100, 5)
    ]
    first = date(2020, 1, 1)
    lines = [f"{who},{first + timedelta(day)},purchase,9,1\n" for day, who in sorted(rows)]
    (tmp_path / "log.csv").write_text(HEAD + "".join(lines))
    (tmp_path / "new.toml").write_text(EXAMPLE)
    (tmp_path / "old.toml").write_text(EXAMPLE.replace("hold_out = 0.05", "hold_out = 0.5"))
    (tmp_path / "unfit.toml").write_text(EXAMPLE.replace("exit = 0.40", "exit = 0.9").replace('"push"', '"pusch"'))
    return tmp_path


def test_two_policies_side_by_side(folder: Path) -> None:
    words = ("--policy", folder / "new.toml", "--against", folder / "old.toml", folder / "log.csv")
    result = run(*words, "--horizon-days", "28", "--partitions", "2", "--plots", folder / "plots", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert undocumented("simulate", {**told, "difference": {}}, NAMED_BY_DATA) == []
    new, old = told["policy"]["totals"], told["against"]["totals"]
    assert new["customers"] == old["customers"] == 20
    assert 0 < old["triggered"] < new["triggered"], "the other leaves half of them alone"
    assert told["difference"]["totals"]["triggered"] == new["triggered"] - old["triggered"]
    silences = told["policy"]["contacts"]["days_since_purchase"]
    assert 0 < silences["p50"] <= silences["max"] < 70, "a log of 210 days, and half of them stop at the 100th"
    names = {"contacts.png", "per_customer.png", "since_purchase.png", "gates.png"}
    assert {Path(path).name for path in told["plots"]} == names
    assert all(Path(path).read_bytes().startswith(b"\x89PNG") for path in told["plots"])


def test_for_people(folder: Path) -> None:
    words = ("--policy", folder / "new.toml", "--against", folder / "new.toml", folder / "log.csv")
    result = run(*words, "--horizon-days", "28", "--partitions", "1")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith(f"{folder / 'new.toml'} (")
    assert lines[0].count("20 customers") == 1
    for head in ("triggers", "actions", "moments", "gates"):
        assert head in lines
    assert any(line.split()[:2] == ["win_back", "win_back"] or "offer" in line for line in lines)
    changes = [line.split()[-1] for line in lines[lines.index("") + 3 :]]
    assert set(changes) <= {"+0", "+0.00"}, "of a policy against itself"


def test_what_is_kept_can_be_audited_and_compared(folder: Path) -> None:
    """The control group lost nothing, since nobody in a log reacts: the lift may be nothing."""
    words = ("--policy", folder / "new.toml", "--against", folder / "old.toml", folder / "log.csv")
    result = run(*words, "--horizon-days", "28", "--partitions", "2", "--keep", folder / "said")
    assert result.exit_code == 0, result.output
    audit = CliRunner().invoke(main, ["audit", "--files", str(folder / "said"), "--json", "--horizon-days", "28"])
    told = json.loads(audit.stdout)
    assert told["breaches"] == []
    assert told["triggers"]["marketing"] > 20
    lift = json.loads(CliRunner().invoke(main, ["lift", "--files", str(folder / "said"), "--json"]).stdout)
    assert lift["draws"]["policy"]["given"] > 5
    assert [one["indexed"] for one in lift["programme"]] == [20]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--policy", "/unfit.toml", "/log.csv"], ["risk.exit is 0.9", "action.say_sorry.channels[1]", "unfit.toml"]),
        (["--policy", "/new.toml", "--against", "/unfit.toml", "/log.csv"], ["risk.exit is 0.9"]),
        (["--policy", "/nobody.toml", "/log.csv"], ["nobody.toml"]),
        (["--policy", "/new.toml", "/no-log.csv"], ["no-log.csv"]),
        (["--policy", "/new.toml", "/log.csv", "--plots", "/log.csv/plots"], ["--plots is"]),
        (["/log.csv"], ["--policy"]),
    ],
)
def test_what_cannot_be_is_refused_before_the_work(
    words: list[str], told: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("the work was begun")

    monkeypatch.setattr("streams.history.evaluation.policies.rehearse", never)
    result = run(*(f"{folder}{word}" if word.startswith("/") else word for word in words))
    assert result.exit_code in (ExitCode.FAILURE, ExitCode.USAGE)
    assert result.stdout == ""
    for text in told:
        assert text in result.stderr


def test_files_of_decisions_need_to_be_asked_for(folder: Path) -> None:
    result = run("--policy", folder / "new.toml", folder / "log.csv", "--files", folder)
    assert result.exit_code == 2
    assert "--files is of our own decisions: give --from-decisions beside it" in result.output
