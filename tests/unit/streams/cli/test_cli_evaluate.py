"""`retention evaluate`: what it writes, prints and draws, and what it refuses before it begins."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from streams.cli.main import main
from streams.errors import ExitCode
from tests.cli_docs import undocumented

HEAD = "customer_id,ts,type,amount,qty\n"


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["evaluate", *map(str, words)])


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """30 weeks of 20 buyers, every fourth of whom stays."""
    start = datetime(2020, 1, 1, 9, tzinfo=UTC)
    days = [
        (start + timedelta(days=day), customer)
        for customer in range(20)
        for day in range(customer, 210 if customer % 4 == 0 else 60 + customer, 5 + customer % 7)
    ]
    path = tmp_path / "log.csv"
    path.write_text(HEAD + "".join(f"c{who},{at.isoformat()},purchase,{9 + who},1\n" for at, who in sorted(days)))
    return path


def test_predictions_of_every_tick_of_everybody_seen_before_it(log: Path, tmp_path: Path) -> None:
    result = run(log, "--horizon-days", 28, "--out", tmp_path / "out.csv.gz", "--json")
    assert result.exit_code == 0, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    assert undocumented("evaluate", told) == []
    with gzip.open(tmp_path / "out.csv.gz", "rt") as text:
        rows = list(csv.DictReader(text))
    assert set(rows[0]) == {"customer_id", "tick", "probability"}
    assert told["predictions"] == len(rows)
    ticks = sorted({row["tick"] for row in rows})
    assert ticks[0] == "2020-01-08", "seven days after the first day"
    assert {datetime.fromisoformat(tick).weekday() for tick in ticks} == {2}
    assert len(ticks) == told["ticks"]
    seen = {row["customer_id"] for row in rows if row["tick"] == ticks[0]}
    assert seen == {f"c{n}" for n in range(7)}, "those who bought on the first seven days"
    assert all(0 < float(row["probability"]) < 1 for row in rows)
    assert told["quality"]["decisions"] > 100
    assert 0 < told["quality"]["log_loss"] < 0.693


def test_weeks_narrow_what_the_quality_is_of_and_not_what_is_written(log: Path, tmp_path: Path) -> None:
    whole = json.loads(run(log, "--horizon-days", 28, "--json").stdout)
    some = json.loads(run(log, "--horizon-days", 28, "--first-week", 5, "--last-week", 9, "--json").stdout)
    assert some["predictions"] == whole["predictions"]
    assert 0 < some["quality"]["decisions"] < whole["quality"]["decisions"]
    none = run(log, "--horizon-days", 28, "--first-week", 400, "--plots", tmp_path)
    assert none.exit_code == 0
    assert "no horizon is over within these weeks" in none.stdout
    assert list(tmp_path.glob("*.png")) == []


def test_pictures_are_drawn_into_a_folder_that_is_made(log: Path, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "plots"
    result = run(log, "--horizon-days", 28, "--plots", folder)
    assert result.exit_code == 0, result.output
    for name in ("calibration.png", "auc.png", "bias.png"):
        assert (folder / name).read_bytes().startswith(b"\x89PNG"), name
        assert str(folder / name) in result.stdout.splitlines()


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("", "holds no sign of staying (purchase)"),
        ("a,2020-01-01,visit,0,0\n", "holds no sign of staying (purchase)"),
        ("a,2020-01-01,bogus,5,1\n", "type is 'bogus'"),
        ("a,2020-13-01,purchase,5,1\n", "line 2, column ts: '2020-13-01'"),
    ],
)
def test_a_log_without_anything_to_predict_is_refused(rows: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(HEAD + rows)
    result = run(path)
    assert result.exit_code == ExitCode.FAILURE
    assert told in result.stderr
    assert "remedy: " in result.stderr


@pytest.mark.parametrize(("option", "name"), [("--out", "nowhere/out.csv"), ("--plots", "log.csv/plots")])
def test_where_nothing_can_be_written_it_says_so_before_the_work(
    option: str, name: str, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("the work was begun")

    monkeypatch.setattr("models.evaluation.evaluate", never)
    result = run(log, option, tmp_path / name)
    assert result.exit_code == ExitCode.FAILURE
    assert f"error: {option} is '{tmp_path / name}': " in result.stderr
    assert "remedy: name a file in a folder" in result.stderr


@pytest.mark.parametrize(("alive", "kind"), [("engagement", "visit"), ("contract", "subscription_renewed")])
def test_other_signs_of_staying(alive: str, kind: str, log: Path) -> None:
    log.write_text(log.read_text().replace("purchase", kind))
    assert run(log, "--horizon-days", 28).exit_code == ExitCode.FAILURE
    told = json.loads(run(log, "--horizon-days", 28, "--alive", alive, "--json").stdout)
    assert told["customers"] == 20
    assert told["quality"]["decisions"] > 100
