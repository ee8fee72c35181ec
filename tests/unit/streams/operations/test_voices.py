"""How customers speak of us: counted by month, and told apart by whether they were cared for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from models.outputs import Candidate, encode
from models.outputs.loyalty_entry import LoyaltyEntry
from streams.cli.main import main
from streams.operations.audit.records import Line
from streams.operations.voices import voices_in
from tests.auditor.broken_loyalty import KEPT
from tests.support.audited import Log

EXAMPLE = Path(__file__).resolve().parents[4] / "docs" / "examples" / "policies" / "advocates"


def says(log: Log, customer: str, stage: str, voice: str = "", former: str = "", way: str = "mention") -> None:
    entry = LoyaltyEntry(stage, former, voice=voice, way=way if voice else "")
    log.says("loyalty", customer, loyalty=entry)


def told(log: Log) -> dict[str, Any]:
    line = Line(0, log.touchpoints, map(encode, log.triggers), map(encode, log.decisions))
    return voices_in([line]).data()


def harmed(log: Log, customer: str) -> None:
    log.touch("complaint", customer)
    says(log, customer, "active")


@pytest.fixture
def log() -> Log:
    """anna is cared for after a complaint, bert is of the control group, cora gets nothing."""
    log = Log.begun(KEPT)
    for customer in ("anna", "bert", "cora"):
        harmed(log, customer)
    log.send("sorry", "harm")
    held = (Candidate("sorry", "email"),)
    log.says("decided", "bert", action="sorry", moment="harm", control=True, policy=log.named, candidates=held)
    log.after("3d")
    log.touch("visit")
    says(log, "anna", "active", "good", "active")
    says(log, "bert", "slipping", "bad", "active")
    says(log, "cora", "active", "bad", "active")
    says(log, "cora", "active", "unknown", "active")
    log.after("100d")
    log.touch("visit")
    says(log, "anna", "active", "bad", "active")  # too late to be about the complaint
    log.says("erased", "cora")
    return log


def test_what_is_said_is_counted_by_month_and_way(log: Log) -> None:
    found = told(log)
    assert {month: (one["good"], one["bad"], one["unknown"]) for month, one in found["months"].items()} == {
        "2026-03": (1, 2, 1),
        "2026-06": (0, 1, 0),
    }
    assert found["ways"]["mention"]["negative"] == 0.75  # what is not known is in no share
    assert found["stages"]["active"] == 1
    assert found["stages"]["slipping"] == 1  # cora was erased
    assert {"from": "active", "to": "slipping", "times": 1} in found["moves"]


def test_who_was_cared_for_is_told_apart(log: Log) -> None:
    groups = told(log)["after_a_bad_experience"]
    assert {name: (one["experiences"], one["good"], one["bad"]) for name, one in groups.items()} == {
        "cared_for": (1, 1, 0),
        "control": (1, 0, 1),
        "not_cared_for": (1, 0, 1),
    }
    low, high = told(log)["cared_for_less_control"]
    assert low < 0.0 < high  # of one word each nobody can tell


def test_care_that_was_not_sent_is_none(log: Log) -> None:
    log.says("given_back", "anna", trigger=log.triggers[0].id)
    groups = told(log)["after_a_bad_experience"]
    assert (groups["cared_for"]["experiences"], groups["not_cared_for"]["experiences"]) == (0, 2)


def test_the_command_tells_it_in_words(tmp_path: Path) -> None:
    run = CliRunner()
    simulated = run.invoke(
        main,
        ["simulate", "--policy", str(EXAMPLE / "policy.toml"), str(EXAMPLE / "log.jsonl"), "--keep", str(tmp_path)],
    )
    assert simulated.exit_code == 0, simulated.output
    shown = run.invoke(main, ["voices", "--files", str(tmp_path)]).stdout.splitlines()
    assert shown[0] == "4 customers, as was said of them last: slipping 1, lapsed 3"
    assert shown[3] == "2026-03        3        0     1        0  25% [0%, 86%]"
    assert "nothing shows what care does" in shown[-1]
    as_json = json.loads(run.invoke(main, ["voices", "--files", str(tmp_path), "--json"]).stdout)
    assert as_json["ways"]["mention"]["good"] == 2
