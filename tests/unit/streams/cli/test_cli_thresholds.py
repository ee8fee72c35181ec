"""`retention thresholds`: what it prints and draws, and what it refuses before it begins."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.cli.main import main
from streams.errors import ExitCode
from tests.support.cli_docs import undocumented

HEAD = "customer_id,ts,type,amount,qty\n"


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["thresholds", *map(str, words)])


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Thirty weeks of buyers every five days; half of them stop in the middle, and two come once."""
    rows = [
        (day, f"c{customer}") for customer in range(20) for day in range(customer % 5, 210 if customer % 2 else 100, 5)
    ]
    rows += [(30, "once"), (40, "and again never")]
    path = tmp_path / "log.csv"
    first = date(2020, 1, 1)
    path.write_text(HEAD + "".join(f"{who},{first + timedelta(day)},purchase,9,1\n" for day, who in sorted(rows)))
    return path


def test_what_each_threshold_would_have_done(log: Path, tmp_path: Path) -> None:
    result = run(log, "--horizon-days", 28, "--at", 0.3, "--at", 0.6, "--plots", tmp_path / "plots", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert undocumented("thresholds", told, frozenset({"passed_over", "by_days_with_a_sign"})) == []
    groups = told["by_days_with_a_sign"]
    assert list(groups) == ["1", "2 to 3", "4 and more"]
    assert undocumented("thresholds", [row for rows in groups.values() for row in rows]) == []
    low, high = groups["4 and more"]
    assert (low["threshold"], high["threshold"]) == (0.3, 0.6)
    assert low["lost"] == high["lost"] == 10, "the ten who stopped"
    assert low["caught"] >= high["caught"]
    assert low["median_gaps"] <= high["median_gaps"]
    assert groups["1"][0]["median_gaps"] is None
    assert {Path(path).name for path in told["plots"]} == {"losses_seen.png", "silence.png"}
    assert all(Path(path).read_bytes().startswith(b"\x89PNG") for path in told["plots"])


def test_for_people_with_the_configured_threshold_among_the_usual_ones(log: Path) -> None:
    result = run(log, "--horizon-days", 28, "--enter", 0.7)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[2:7]] == ["0.35", "0.50", "0.65", "0.70", "0.80"]
    assert lines[0] == "days with a sign of staying: 1; 2 silences lasted the horizon of 28 days"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--at", "1"], "--at"),
        (["--plots", "log.csv/plots"], "--plots is"),
    ],
)
def test_what_cannot_be_is_refused_before_the_work(
    words: list[str], told: str, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("the work was begun")

    monkeypatch.setattr("streams.history.evaluation.run.evaluate", never)
    result = run(log, *(str(log.parent / word) if "/" in word else word for word in words))
    assert result.exit_code in (ExitCode.FAILURE, ExitCode.USAGE)
    assert told in result.stderr
