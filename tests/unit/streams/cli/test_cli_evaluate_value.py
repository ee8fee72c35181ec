"""`retention evaluate --value`: what it writes, prints and draws, and what it refuses before it begins."""

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
from tests.support.cli_docs import undocumented

HEAD = "customer_id,ts,type,amount,qty\n"
DAYS = 210


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["evaluate", *map(str, words), "--value", "--horizon-days", "28"])


def spend(who: int) -> float:
    return 5.0 + 3.0 * who


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 weeks of 40 buyers of different spend, every fourth of whom stays; some send a tenth back."""
    start, rows = datetime(2020, 1, 1, 9, tzinfo=UTC), list[tuple[datetime, str]]()
    for who in range(40):
        last = DAYS if who % 4 == 0 else min(60 + 3 * who, DAYS)
        for day in range(who % 20, last, 5 + who % 7):
            at = start + timedelta(days=day)
            rows.append((at, f"c{who:02},{at.isoformat()},purchase,{spend(who)},1\n"))
            if who % 5 == 0:
                back = at + timedelta(days=1)
                rows.append((back, f"c{who:02},{back.isoformat()},return,{-spend(who) / 10},1\n"))
    path = tmp_path_factory.mktemp("value") / "log.csv"
    path.write_text(HEAD + "".join(row for _, row in sorted(rows)))
    return path


@pytest.fixture(scope="module")
def told(log: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], list[dict[str, str]], Path]:
    folder = tmp_path_factory.mktemp("told")
    out = folder / "values.csv.gz"
    words = ["--predictions", out, "--plots", folder / "plots", "--longer-days", "56", "--first-week", "8", "--json"]
    result = run(log, *words)
    assert result.exit_code == 0, result.output
    with gzip.open(out, "rt") as text:
        return json.loads(result.stdout), list(csv.DictReader(text)), folder / "plots"


def test_values_of_every_tick_of_everybody_who_is_due(told: tuple[dict[str, Any], list[dict[str, str]], Path]) -> None:
    summary, rows, _ = told
    assert list(rows[0]) == ["customer_id", "tick", "value", "if_kept", "value_56"]
    assert summary["values"] == len(rows)
    assert summary["customers"] == 40
    ticks = sorted({row["tick"] for row in rows})
    assert ticks[0] == "2020-01-08", "seven days after the first day"
    assert len(ticks) == summary["ticks"]
    for row in rows:
        assert 0.0 < float(row["value"]) < float(row["if_kept"])
        assert float(row["value"]) < float(row["value_56"])
    assert len({(row["customer_id"], row["tick"]) for row in rows}) == len(rows)


def test_what_is_measured_is_documented(told: tuple[dict[str, Any], list[dict[str, str]], Path]) -> None:
    summary, _, _ = told
    assert undocumented("evaluate", summary, frozenset({"passed_over", "by_age", "longer"})) == []
    quality = summary["quality"]
    assert undocumented("evaluate", [quality, *filter(None, summary["by_age"].values())]) == []
    assert quality["decisions"] > 100
    assert 0.7 < quality["total"] < 1.3
    assert quality["gini"] > 0.5
    assert set(summary["longer"]) == {"56"}
    assert 0.6 < summary["longer"]["56"]["total"] < 1.4
    assert 0.85 < summary["if_kept"]["total"] < 1.15
    assert sum(summary["tiers"]["shares"]) == pytest.approx(1.0, abs=1e-4)
    assert summary["tiers"]["moved"] <= summary["tiers"]["moved_without_band"]
    # Every fifth customer sends a tenth back.
    assert 0.95 < summary["model"]["net"] < 1.0


def test_pictures_are_drawn(told: tuple[dict[str, Any], list[dict[str, str]], Path]) -> None:
    summary, _, folder = told
    names = ["value_deciles.png", "value_lorenz.png", "value_level.png", "value_tiers.png"]
    assert summary["plots"] == [str(folder / name) for name in names]
    for name in names:
        assert (folder / name).read_bytes().startswith(b"\x89PNG"), name


def test_words_for_people(log: Path) -> None:
    result = run(log)
    assert result.exit_code == 0, result.output
    assert "tiers from the top" in result.stdout
    assert "worth if kept, of those who spent: total" in result.stdout
    assert "a value takes" in result.stdout


def test_a_discount_makes_values_less(log: Path, tmp_path: Path) -> None:
    sums = []
    for rate in ("0", "0.5"):
        out = tmp_path / f"{rate}.csv"
        assert run(log, "--out", out, "--discount", rate).exit_code == 0
        with out.open() as text:
            sums.append(sum(float(row["value"]) for row in csv.DictReader(text)))
    assert 0.96 < sums[1] / sums[0] < 0.995


def test_weeks_in_which_nothing_can_be_judged_are_an_error_that_says_which_could(log: Path) -> None:
    result = run(log, "--first-week", 28)
    assert result.exit_code == ExitCode.FAILURE
    assert "the last horizon that is over began in week" in result.stderr
    assert "nothing to hold the values against" in result.stdout


@pytest.mark.parametrize("words", [("--longer-days", "56"), ("--discount", "0.1")])
def test_options_of_values_without_values_are_a_usage_error(words: tuple[str, str]) -> None:
    result = CliRunner().invoke(main, ["evaluate", "no-such.csv", *words])
    assert result.exit_code == ExitCode.USAGE
    assert f"{words[0]} is of values: give --value with it" in result.stderr
