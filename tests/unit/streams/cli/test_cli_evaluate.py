"""`retention evaluate`: what it writes, prints and draws, and what it refuses before it begins."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import log as log_of
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner, Result

from streams.cli.main import main
from streams.errors import ExitCode
from tests.support.cdnow_sample import cdnow_sample
from tests.support.cli_docs import undocumented

HEAD = "customer_id,ts,type,amount,qty\n"


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["evaluate", *map(str, words)])


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """30 weeks of 20 buyers, every fourth of whom stays."""
    return buyers(tmp_path / "log.csv", 210)


def buyers(path: Path, length: int) -> Path:
    """The first days of them."""
    start = datetime(2020, 1, 1, 9, tzinfo=UTC)
    days = [
        (start + timedelta(days=day), customer)
        for customer in range(20)
        for day in range(customer, length if customer % 4 == 0 else min(60 + customer, length), 5 + customer % 7)
    ]
    path.write_text(HEAD + "".join(f"c{who},{at.isoformat()},purchase,{9 + who},1\n" for at, who in sorted(days)))
    return path


def test_predictions_of_every_tick_of_everybody_seen_before_it(log: Path, tmp_path: Path) -> None:
    result = run(log, "--horizon-days", 28, "--out", tmp_path / "out.csv.gz", "--json")
    assert result.exit_code == 0, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    assert undocumented("evaluate", told, frozenset({"passed_over", "models"})) == []
    assert undocumented("evaluate", list(told["models"].values())) == []
    assert [name for name, of in told["models"].items() if of["champion"]] == ["mixture"]
    assert told["models"]["adagrad"]["labels"] == told["models"]["mixture"]["labels"] > 0
    assert "better_by_at_least" in told["models"]["adagrad"]
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


@pytest.mark.parametrize(
    ("weeks", "told"),
    [
        (["--first-week", 400], "there is no tick from week 400 on: the log's last one is in week 30"),
        (["--first-week", 27], "the last horizon that is over began in week 25, the log ends in 30"),
        (["--first-week", 31, "--last-week", 32], "there is no tick in weeks 31 to 32"),
    ],
)
def test_weeks_in_which_nothing_can_be_judged_are_an_error_that_says_which_could(
    weeks: list[str | int], told: str, log: Path, tmp_path: Path
) -> None:
    result = run(log, "--horizon-days", 28, *weeks, "--plots", tmp_path / "plots", "--out", tmp_path / "out.csv")
    assert result.exit_code == ExitCode.FAILURE
    assert told in result.stderr
    assert "remedy: ask for weeks of the log" in result.stderr
    assert "no horizon is over within these weeks" in result.stdout
    assert list((tmp_path / "plots").glob("*.png")) == []
    assert (tmp_path / "out.csv").stat().st_size > 1_000, "what was predicted is there all the same"


def test_a_log_shorter_than_the_horizon_has_predictions_and_no_quality(log: Path) -> None:
    result = run(log, "--horizon-days", 300, "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["quality"] is None
    assert told["predictions"] > 100


def test_weeks_in_the_wrong_order_are_a_usage_error_before_the_log_is_read() -> None:
    result = run("no-such.csv", "--first-week", 20, "--last-week", 5)
    assert result.exit_code == ExitCode.USAGE
    assert "--first-week 20 is after --last-week 5" in result.stderr


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
        ("a,2020-01-01,bogus,5,1\n", "no row of log is of a type that a CSV log takes, which are purchase, return"),
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

    monkeypatch.setattr("streams.history.evaluation.run.evaluate", never)
    result = run(log, option, tmp_path / name)
    assert result.exit_code == ExitCode.FAILURE
    assert f"error: {option} is '{tmp_path / name}': " in result.stderr
    assert "remedy: name a file in a folder" in result.stderr


def test_rows_of_unknown_types_are_passed_over_and_counted_and_change_nothing(log: Path) -> None:
    before = json.loads(run(log, "--horizon-days", 28, "--json").stdout)
    assert before["passed_over"] == {}
    with log.open("a") as text:
        text.write("c1,2020-01-05,gift,1,1\nc2,2020-01-06,note,,\nc3,2020-01-07,gift,,\n")
    result = run(log, "--horizon-days", 28, "--json")
    after = json.loads(result.stdout)
    assert after["passed_over"] == {"gift": 2, "note": 1}
    last = "passed over 3 rows of types that no touchpoint corresponds to: gift 2, note 1"
    assert result.stderr.splitlines()[-1] == last
    assert [after[name] for name in ("events", "predictions", "quality")] == [
        before[name] for name in ("events", "predictions", "quality")
    ]


def test_a_rank_that_does_not_exist_is_null(tmp_path: Path) -> None:
    """Everybody comes every day."""
    path = tmp_path / "log.csv"
    days = [datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(60)]
    path.write_text(HEAD + "".join(f"c{who},{day.date()},purchase,9,1\n" for day in days for who in range(3)))
    text = run(path, "--horizon-days", 14, "--json").stdout

    def no_json(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    quality = json.loads(text, parse_constant=no_json)["quality"]
    assert (quality["auc"], quality["auc_within_tick"], quality["churn_rate"]) == (None, None, 0.0)
    assert "auc              none: one class only" in run(path, "--horizon-days", 14).stdout


def comings(log: Path, kinds: set[str]) -> dict[str, list[tuple[datetime, str]]]:
    """Of each customer, when something of these kinds came."""
    found: dict[str, list[tuple[datetime, str]]] = {}
    with log.open() as text:
        for row in csv.DictReader(text):
            if row["type"] in kinds:
                found.setdefault(row["customer_id"], []).append((datetime.fromisoformat(row["ts"]), row["type"]))
    return found


@pytest.mark.parametrize(
    ("days", "options", "settings"),
    [
        (210, ["--horizon-days", 28, "--tick-days", 7], {}),
        (70, ["--horizon-days", 10.5, "--tick-days", 0.5], {}),
        (210, ["--horizon-days", 28, "--tick-days", 7], {"TICK_ANCHOR": "2020-01-02T15:30:00Z"}),
        (140, ["--horizon-days", 28, "--tick-days", 7], {"VERSION_EVERY_S": "86400"}),
        pytest.param(
            140,
            ["--horizon-days", 28, "--tick-days", 7],
            # Live they are hourly: of as little weight in what is asked here, and twelve times the work.
            {"VERSION_EVERY_S": "43200", "VERSION_DELAY_S": "43200", "TICK_ANCHOR": "2000-01-01"},
            marks=pytest.mark.slow,
        ),
    ],
    ids=["weeks", "half days", "ticks at half past three", "daily versions", "late versions, two a day"],
)
def test_the_truth_is_in_the_times_of_the_log_whatever_the_ticks(
    days: int, options: list[str | int], settings: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = buyers(tmp_path / "log.csv", days)
    for name, value in settings.items():
        monkeypatch.setenv(f"RETENTION_{name}", value)
    told = json.loads(run(log, *options, "--json", "--out", tmp_path / "out.csv").stdout)
    bought = comings(log, {"purchase"})
    horizon, tick_every = timedelta(days=float(options[1])), timedelta(days=float(options[3]))
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    end = max(times[-1][0] for times in bought.values()).replace(hour=0) + timedelta(days=1)
    seen: set[tuple[str, str]] = set()
    truths = []
    with (tmp_path / "out.csv").open() as text:
        for row in csv.DictReader(text):
            tick = datetime.fromisoformat(row["tick"]).replace(tzinfo=UTC)
            before = [at for at, _ in bought[row["customer_id"]] if at < tick]
            seen.add((row["customer_id"], row["tick"]))
            if tick - before[-1] <= horizon and tick + horizon <= end and tick >= begin + timedelta(days=7):
                truths.append(not any(tick <= at < tick + horizon for at, _ in bought[row["customer_id"]]))
    assert len(seen) == told["predictions"], "one row for each customer and tick"
    assert told["ticks"] == len({tick for _, tick in seen})
    ticks = sorted({datetime.fromisoformat(tick).replace(tzinfo=UTC) for _, tick in seen})
    assert {later - tick for tick, later in pairwise(ticks)} == {tick_every}, "ticks, and not the versions between"
    assert told["quality"]["decisions"] == len(truths)
    assert told["quality"]["churn_rate"] == round(sum(truths) / len(truths), 5)


def engaged(path: Path) -> None:
    """Half a year of 120 visitors of many paces, half of whom stop on the way; some of them buy, now and then."""
    draw = Random(4)
    start = datetime(2020, 1, 1, tzinfo=UTC)
    rows = []
    for who in range(120):
        day, gap = draw.uniform(0, 50), draw.uniform(1, 15)
        stop = draw.uniform(50, 150) if who % 2 else 185
        while day < stop:
            kind = "purchase,20,1" if draw.random() < 0.15 else "visit,,"
            rows.append(f"{(start + timedelta(days=day)).isoformat(timespec='seconds')}|c{who}|{kind}")
            day += gap * draw.lognormvariate(0, 0.4)
    path.write_text(HEAD + "".join("{1},{0},{2}\n".format(*row.split("|")) for row in sorted(rows)))


def subscribed(path: Path) -> None:
    """Half a year of 120 contracts that are renewed weekly, until they are cancelled or left to end; some return."""
    draw = Random(5)
    start = datetime(2020, 1, 1, tzinfo=UTC)
    rows = []
    for who in range(120):
        day, kind, weak = draw.uniform(0, 50), "subscription_started", who % 2
        while day < 185:
            rows.append(f"{(start + timedelta(days=day)).isoformat(timespec='seconds')}|c{who}|{kind},,")
            luck = draw.random()
            if kind == "subscription_cancelled":
                kind, day = "subscription_started", day + draw.uniform(20, 200)
            elif luck < 0.02:
                kind, day = "subscription_cancelled", day + draw.uniform(1, 7)
            elif weak and luck < 0.12:
                day += 400
            else:
                kind, day = "subscription_renewed", day + 7 * draw.lognormvariate(0, 0.1)
    path.write_text(HEAD + "".join("{1},{0},{2}\n".format(*row.split("|")) for row in sorted(rows)))


@pytest.mark.parametrize(("alive", "write"), [("engagement", engaged), ("contract", subscribed)])
def test_predictions_of_other_signs_of_staying_are_worth_having(
    alive: str, write: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / "log.csv"
    write(path)
    told = json.loads(run(path, "--horizon-days", 21, "--alive", alive, "--first-week", 8, "--json").stdout)["quality"]
    rate = told["churn_rate"]
    assert told["decisions"] > 500
    assert told["log_loss"] < -(rate * log_of(rate) + (1 - rate) * log_of(1 - rate)) - 0.02
    assert told["auc"] > 0.65
    assert told["ece"] < 0.1


def test_who_has_cancelled_is_no_decision_and_is_told_as_gone(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    subscribed(path)
    options = ["--horizon-days", 21, "--alive", "contract"]
    told = json.loads(run(path, *options, "--json", "--out", tmp_path / "out.csv").stdout)
    moves = comings(path, {"subscription_started", "subscription_renewed", "subscription_cancelled"})
    end = max(times[-1][0] for times in moves.values()).replace(hour=0, minute=0, second=0) + timedelta(days=1)
    horizon, truths, gone = timedelta(days=21), [], 0
    with (tmp_path / "out.csv").open() as text:
        for row in csv.DictReader(text):
            tick = datetime.fromisoformat(row["tick"]).replace(tzinfo=UTC)
            mine = moves[row["customer_id"]]
            before = [move for move in mine if move[0] < tick]
            left = before[-1][1] == "subscription_cancelled"
            gone += left
            assert (row["probability"] == "0.999900") == left
            signs = [at for at, kind in before if kind != "subscription_cancelled"]
            if not left and tick - signs[-1] <= horizon and tick + horizon <= end:
                within = [kind for at, kind in mine if tick <= at < tick + horizon]
                truths.append(not within or within[-1] == "subscription_cancelled")
    assert gone > 100
    assert told["quality"]["decisions"] == len(truths)
    assert told["quality"]["churn_rate"] == round(sum(truths) / len(truths), 5)


@pytest.mark.parametrize(("alive", "kind"), [("engagement", "visit"), ("contract", "subscription_renewed")])
def test_other_signs_of_staying(alive: str, kind: str, log: Path) -> None:
    log.write_text(log.read_text().replace("purchase", kind))
    assert run(log, "--horizon-days", 28).exit_code == ExitCode.FAILURE
    told = json.loads(run(log, "--horizon-days", 28, "--alive", alive, "--json").stdout)
    assert told["customers"] == 20
    assert told["quality"]["decisions"] > 100


@pytest.mark.network
@pytest.mark.slow
def test_predictions_of_cdnow_are_as_good_as_the_documentation_says(tmp_path: Path) -> None:
    """The figures that the model is held to, on the log that everybody has."""
    log = tmp_path / "sample.csv"
    rows = (f"{p.customer},{p.day},purchase,{p.amount},{p.quantity}\n" for p in cdnow_sample())
    log.write_text(HEAD + "".join(rows))

    def quality(*weeks: int) -> dict[str, float]:
        words = [
            word for name, week in zip(("--first-week", "--last-week"), weeks, strict=False) for word in (name, week)
        ]
        return dict(json.loads(run(log, "--horizon-days", 91, *map(str, words), "--json").stdout)["quality"])

    found = quality(39)
    assert found["decisions"] == 10_615
    assert found["log_loss"] <= 0.6130
    assert found["auc_within_tick"] >= 0.717
    assert found["auc"] >= 0.713
    assert found["ece"] <= 0.022
    assert found["tick_bias"] <= 0.027
    for weeks, most in (((2, 5), 0.62), ((6, 12), 0.510), ((13, 25), 0.503)):
        assert quality(*weeks)["log_loss"] <= most, weeks
