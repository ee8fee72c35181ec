"""`retention evaluate-policy`: what it prints and draws, and what it refuses by name."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from streams.cli.main import main
from streams.errors import ExitCode
from tests.support.cli_docs import undocumented
from tests.support.decision_logs import ACTIONS, personal, written

COLUMNS = ("--actions", "what", "--reward", "euros", "--propensity", "chance", "--features", "where,age,member,noise")


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["evaluate-policy", *map(str, words)])


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("log") / "calls.csv", personal(2_500))


def told(*words: object) -> dict[str, Any]:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_each_policy_has_its_values(log: Path, tmp_path: Path) -> None:
    found = told(log, *COLUMNS, "--plots", tmp_path / "plots", "--train", 0.5)
    assert undocumented("evaluate-policy", found) == []
    policies = {one["policy"]: one for one in found["policies"]}
    assert list(policies) == ["learned", "learned_with_promise", "random", *ACTIONS]
    assert {one["kind"] for one in policies.values()} == {"learned", "with_promise", "random", "constant"}
    assert all(one["n"] == 1_250 for one in policies.values())
    assert found["none"] == "nothing"
    assert found["trained_on"] == 1_250
    assert policies["learned"]["snips"] > policies[found["best_constant"]]["snips"]
    assert [one["n"] for one in found["while_learning"]] == [1_250] * len(policies)
    (path,) = found["plots"]
    assert Path(path).read_bytes().startswith(b"\x89PNG")


def test_for_people(log: Path) -> None:
    result = run(log, *COLUMNS, "--cost", "spent")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith("2,500 decisions of calls.csv, 3 actions, euros less spent; ")
    assert "all: call" in result.stdout
    assert any(line.startswith("learned against ") and line.endswith(": better") for line in lines)
    assert any(line.startswith("it does: ") for line in lines)


def test_a_cost_is_subtracted(log: Path) -> None:
    gross = {one["policy"]: one["snips"] for one in told(log, *COLUMNS)["policies"]}
    net = {one["policy"]: one["snips"] for one in told(log, *COLUMNS, "--cost", "spent")["policies"]}
    assert gross["call"] - net["call"] == pytest.approx(1.5, abs=1e-4)
    assert gross["letter"] == net["letter"]


def test_packed_or_not_and_run_again_it_is_the_same(log: Path, tmp_path: Path) -> None:
    packed = tmp_path / "calls.csv.gz"
    packed.write_bytes(gzip.compress(log.read_bytes()))
    assert told(packed, *COLUMNS) | {"seconds": 0} == told(log, *COLUMNS) | {"seconds": 0}


def test_the_names_of_columns_and_actions_make_no_difference(log: Path, tmp_path: Path) -> None:
    names = {"what": "Segment (2024)", "euros": "r", "chance": "p", "where": "zone", "age": "A", "noise": "x y"}
    rows = [{names.get(key, key): cell for key, cell in row.items()} for row in personal(2_500)]
    other = written(tmp_path / "other.csv", rows)
    found = told(
        *(other, "--actions", "Segment (2024)", "--reward", "r", "--propensity", "p"),
        *("--features", "zone, A, member, x y"),
    )
    assert found["policies"] == told(log, *COLUMNS)["policies"]


def test_one_chance_for_all(tmp_path: Path) -> None:
    rows = [row | {"what": ACTIONS[place % 3]} for place, row in enumerate(personal(900))]
    found = told(written(tmp_path / "log.csv", rows), *COLUMNS[:4], "--propensity", "0.3333333", *COLUMNS[6:])
    assert found["warnings"] == []
    assert {one["ess"] for one in found["policies"] if one["kind"] == "constant"} == {300.0}


def test_chances_that_are_not_true_are_said(log: Path) -> None:
    found = told(log, *COLUMNS[:4], "--propensity", 0.1, *COLUMNS[6:])
    assert any("'nothing' is said to be other than it was" in text for text in found["warnings"])


def test_what_nothing_is_can_be_named(log: Path, tmp_path: Path) -> None:
    assert told(log, *COLUMNS, "--none", "letter")["none"] == "letter"
    rows = [row | {"what": {"nothing": "A", "call": "B", "letter": "C"}[row["what"]]} for row in personal(900)]
    found = told(written(tmp_path / "log.csv", rows), *COLUMNS)
    assert found["none"] is None
    assert any("'A', the most frequent" in text for text in found["warnings"])


def test_hardly_any_rows_are_no_overlap(tmp_path: Path) -> None:
    found = told(written(tmp_path / "log.csv", personal(60)), *COLUMNS)
    assert all(not one["overlap"] for one in found["policies"])
    assert any("no overlap" in text for text in found["warnings"])
    people = run(tmp_path / "log.csv", *COLUMNS)
    assert "too few" in people.stdout


def test_flags_and_marks_of_excel_are_read(tmp_path: Path) -> None:
    rows = [row | {"euros": "True" if float(row["euros"]) > 20 else "False"} for row in personal(300)]
    path = written(tmp_path / "log.csv", rows)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert told(path, *COLUMNS)["rows"] == 300


FAULTS = [
    (("--actions", "wat"), {}, "has no column 'wat'; there are 'what', 'chance'"),
    (("--features", "where,tenure"), {}, "has no column 'tenure'"),
    (("--features", "where,euros"), {}, "--features names 'euros', which --reward names too"),
    (("--features", "where,where"), {}, "names 'where' more than once"),
    (("--features", " , "), {}, "it must name at least one column"),
    (("--cost", "price"), {}, "has no column 'price'"),
    (("--propensity", "1.5"), {}, "--propensity is '1.5'; a chance is above 0 and at most 1"),
    (("--propensity", "0"), {}, "a chance is above 0 and at most 1"),
    (("--propensity", "odds"), {}, "--propensity is 'odds': neither a number nor a column"),
    (("--none", "visit"), {}, "--none is 'visit', which column what never says; it says 'call', 'letter', 'nothing'"),
    (("--train", "0.001"), {}, "--train is 0.001: of 100 rows it leaves none"),
    ((), {"chance": "0"}, "line 12, column chance: '0' is no chance of what was done"),
    ((), {"chance": "1.01"}, "line 12, column chance: '1.01' is no chance"),
    ((), {"chance": "often"}, "line 12, column chance: 'often' is no chance"),
    ((), {"euros": "much"}, "line 12, column euros: 'much' is not a finite number"),
    ((), {"euros": ""}, "line 12, column euros: '' is not a finite number"),
    ((), {"euros": "inf"}, "line 12, column euros: 'inf' is not a finite number"),
    ((), {"what": " "}, "line 12, column what: empty; it must say what was done"),
]


@pytest.mark.parametrize(("words", "cells", "said"), FAULTS, ids=[said[:40] for *_, said in FAULTS])
def test_what_is_wrong_is_named_with_its_place_and_remedy(
    words: tuple[str, ...], cells: dict[str, str], said: str, tmp_path: Path
) -> None:
    rows = personal(100)
    rows[10] |= cells
    result = run(written(tmp_path / "log.csv", rows), *COLUMNS, *words)
    assert result.exit_code in (ExitCode.FAILURE, ExitCode.USAGE)
    assert said in result.stderr
    assert result.stdout == ""
    if result.exit_code == ExitCode.FAILURE:
        assert "\nremedy: " in result.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty; its first line must name the columns"),
        ("what,chance,euros,where,age,member,noise\n", "has a header and no rows"),
        ("what;chance;euros\ncall;1;2\n", "fields seem to be parted by ';', and must be by commas"),
        ("what,chance,euros,where,age,member,noise\ncall,0.5,1\n", "line 2: 3 fields where the header names 7"),
        ("what,chance,euros,where,age,member,noise\n" + "call,0.5,1,a,1,b,2\n" * 3, "every row says 'call'"),
        ("what,what,chance,euros,where,age,member,noise\na,b,1,1,a,1,b,2\n", "names column 'what' more than once"),
        (
            "what,chance,euros,where,age,member,noise\n" + "".join(f"a{n},0.5,1,a,1,b,2\n" for n in range(130)),
            "130 diff",
        ),
    ],
)
def test_a_file_that_is_none_is_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(text, encoding="utf-8")
    result = run(path, *COLUMNS)
    assert result.exit_code == ExitCode.FAILURE
    assert said in result.stderr


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(b"what,chance,euros,where,age,member,noise\ncall,0.5,1,Z\xfcrich,1,b,2\n")
    result = run(path, *COLUMNS)
    assert result.exit_code == ExitCode.FAILURE
    assert "is not UTF-8" in result.stderr


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert run(tmp_path / "nothing.csv", *COLUMNS).exit_code == ExitCode.USAGE
