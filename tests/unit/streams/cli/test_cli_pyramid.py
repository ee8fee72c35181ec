"""`retention pyramid`: the customers of a log by tiers of value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.cli.main import main
from streams.cli.pyramid import live_data, live_lines
from streams.errors import ExitCode
from streams.operations.pyramid import LivePyramid, LiveTier
from tests.support.cli_docs import undocumented
from tests.unit.streams.cli.test_cli_evaluate_value import log as log


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["pyramid", *map(str, words), "--horizon-days", "28"])


LIVE = LivePyramid(
    "3-abc", 28.0, {"consumer": [LiveTier("best", 90.0, 2, 300.0), LiveTier("others", 0.0, 8, 100.0)]}, loyalty=True
)
HELD = {
    "classes": {
        "consumer": {"best": {"at_risk": 45.678, "spent": 1_234.5}, "not valued": {"at_risk": 0.0, "spent": 9.0}}
    },
    "stages": {
        "new": {"customers": 4, "index": 2.0, "spoke_well": 0},
        "lapsed": {"customers": 6, "index": None, "spoke_well": 1},
    },
}


def test_of_the_running_application_each_tier_has_what_is_at_risk_and_was_spent() -> None:
    told = live_data(LIVE, HELD)
    assert undocumented("pyramid", told, frozenset({"classes", "stages"})) == []
    assert [(one["tier"], one["at_risk"], one["spent"]) for one in told["classes"]["consumer"]["tiers"]] == [
        ("best", 45.68, 1_234.5),
        ("others", 0.0, 0.0),
    ]
    assert told["stages"] == HELD["stages"]
    assert "stages" not in live_data(LIVE._replace(loyalty=False), HELD)
    first, of_class, heads, best, *_, last = live_lines(LIVE, HELD)
    assert first.startswith("policy 3-abc; margin of what is expected within 28 days")
    assert of_class == "consumer: 10 customers"
    assert heads.split() == ["tier", "customers", "from", "value", "of", "all", "at", "risk", "spent"]
    assert best.split() == ["best", "2", "90.00", "300", "75%", "46", "1,234"]
    assert last == "loyalty loop: new 4, lapsed 6"


def test_tiers_from_the_top_hold_all_customers_who_are_due(log: Path, tmp_path: Path) -> None:
    result = run(log, "--share", "0.2", "--share", "0.5", "--margin", "0.5", "--plots", tmp_path, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert undocumented("pyramid", told, frozenset({"passed_over"})) == []
    assert told["at"] == "2020-08-05"
    tiers = told["tiers"]
    assert [tier["tier"] for tier in tiers] == ["top 20 %", "to 50 %", "the rest"]
    assert sum(tier["customers"] for tier in tiers) == told["customers"]
    means = [tier["value"] / tier["customers"] for tier in tiers]
    assert means == sorted(means, reverse=True)
    assert tiers[0]["from_value"] > tiers[1]["from_value"] > tiers[2]["from_value"] == 0.0
    # Of those who stay, the ones who spend most are at the top; who spends nothing any more is not.
    spent = [tier["spent"] / tier["customers"] for tier in tiers]
    assert spent[0] > spent[2]
    assert told["plots"] == [str(tmp_path / name) for name in ("pyramid.png", "pyramid_values.png")]
    for path in told["plots"]:
        assert Path(path).read_bytes().startswith(b"\x89PNG")


def test_words_for_people(log: Path) -> None:
    result = run(log)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert "customers on 2020-08-05" in lines[0]
    assert [line.split("  ")[1] for line in lines[1:]] == ["tier", "top 1 %", "to 5 %", "to 20 %", "the rest"]


@pytest.mark.parametrize("words", [("--share", "0"), ("--share", "1.5"), ("--margin", "0"), ("--discount", "-1")])
def test_what_can_be_no_share_is_a_usage_error(words: tuple[str, str]) -> None:
    result = run("no-such.csv", *words)
    assert result.exit_code == ExitCode.USAGE
    assert words[0] in result.stderr
