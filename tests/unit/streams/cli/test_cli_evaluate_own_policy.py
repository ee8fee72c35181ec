"""`retention evaluate-policy --from-decisions`: our own draws, from a shop that answers what it is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from streams.cli.main import main
from streams.errors import ExitCode
from tests.support.cli_docs import undocumented
from tests.support.closed_shop import POLICY, ClosedShop
from tests.support.kept_topics import keep


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["evaluate-policy", *map(str, words)])


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return keep(ClosedShop(300, 150).run(), tmp_path_factory.mktemp("shop") / "said")


def decisions(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "decisions.jsonl").read_text("utf-8").splitlines()]


def told(*words: object) -> dict[str, Any]:
    result = run("--from-decisions", *words, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.mark.slow
def test_each_draw_whose_window_is_over_is_judged_once(shop: Path, tmp_path: Path) -> None:
    found = told("--files", shop, "--plots", tmp_path / "plots")
    assert undocumented("evaluate-policy", found) == []
    said = decisions(shop)
    drawn = {one["id"]: one for one in said if one["what"] == "decided" and "drawn" in one}
    over = {one["ended"]["decision"]: one["ended"] for one in said if one["what"] == "outcome"}
    control = sum(one.get("control", False) for one in drawn.values())
    assert control > 0
    judged = [over[name] for name, one in drawn.items() if name in over and not one.get("control")]
    assert found["rows"] == len(judged) > 300
    assert found["draws"]["read"] == len(drawn)
    left_out = found["draws"]["not_judged"]
    assert left_out["control"] == control
    assert found["rows"] + sum(left_out.values()) == len(drawn)
    policies = {one["policy"]: one for one in found["policies"]}
    assert list(policies) == ["learned", "learned_with_promise", "random", "leave_alone", "useful"]
    assert found["none"] == "leave_alone"
    # The chances are those of the draw: the mean weight of leaving alone is one.
    assert policies["leave_alone"]["mean_weight"] == pytest.approx(1.0, abs=0.15)
    alone = [one["gain"] for one in judged if not one.get("arm")]
    assert policies["leave_alone"]["ips"] > 0.0
    assert min(alone) <= policies["leave_alone"]["snips"] <= max(alone)
    (path,) = found["plots"]
    assert Path(path).read_bytes().startswith(b"\x89PNG")


def test_for_people_it_is_said_what_is_left_out(shop: Path) -> None:
    result = run("--from-decisions", "--files", shop)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert "draws of" in lines[0]
    assert "whose windows are over, 2000-01-" in lines[0]
    assert any(line.startswith("all: useful") for line in lines)
    assert any("of the control group, which got nothing of what was drawn: left out" in line for line in lines)
    assert any("whose window is not over: left out" in line for line in lines)


def test_learned_on_some_and_judged_on_the_rest(shop: Path) -> None:
    found = told("--files", shop, "--train", 0.5)
    assert found["trained_on"] == found["rows"] // 2
    assert {one["n"] for one in found["policies"]} == {found["rows"] - found["rows"] // 2}


def test_a_shop_whose_choice_does_not_learn_has_no_draws_to_judge(tmp_path: Path) -> None:
    world = ClosedShop(40, 60, policy=POLICY.replace("learned = true\n", "")).run()
    result = run("--from-decisions", "--files", keep(world, tmp_path / "said"))
    assert result.exit_code == ExitCode.FAILURE
    assert "none of 0 draws of the learned choice can be judged" in result.stderr
    assert "choice.learned" in result.stderr


def test_a_new_policy_is_valued_on_the_same_draws(shop: Path, tmp_path: Path) -> None:
    figures = POLICY.replace("learned = true\n", "").replace('expires = "1d"', 'expires = "1d"\neffect = 2.0')
    new = tmp_path / "new.toml"
    new.write_text(figures, "utf-8")
    found = told("--files", shop, "--policy", new)
    last = found["policies"][-1]
    assert (last["policy"], last["kind"], last["unsupported"]) == ("new.toml", "policy", 0.0)
    assert last["snips"] is not None
    assert {"policy": "new.toml", "against": "learned"}.items() <= found["differences"][-1].items()
    assert any("gates, conditions or windows of a policy are not estimable" in text for text in found["warnings"])
    new.write_text(figures.replace("useful/picks", "useful/others"), "utf-8")
    last = told("--files", shop, "--policy", new)["policies"][-1]
    assert (last["ips"], last["snips"], last["dr"], last["overlap"]) == (None, None, None, False)
    people = run("--from-decisions", "--files", shop, "--policy", new)
    assert "'new.toml' is not estimable: " in people.stdout
    new.write_text("format = 1\n[risk]\nlevels = 3\n", "utf-8")
    result = run("--from-decisions", "--files", shop, "--policy", new)
    assert result.exit_code != 0
    assert "new.toml" in result.stderr


FAULTS = [
    ((), "Missing argument 'LOG' (or --from-decisions"),
    (("--from-decisions", "--actions", "what"), "--actions is of a log of another kind"),
    (("--from-decisions", "--cost", "spent"), "--cost is of a log of another kind"),
    (("--from-decisions", __file__), "LOG is of a log of another kind"),
    ((__file__, "--actions", "a", "--reward", "b", "--features", "c"), "Missing option '--propensity'"),
    ((__file__, "--files", "."), "--files is of our own decisions"),
    ((__file__, "--policy", __file__), "--policy is of our own decisions"),
    (("--from-decisions", "--files", "/nowhere"), "'/nowhere' does not exist"),
]


@pytest.mark.parametrize(("words", "said"), FAULTS, ids=[said[:40] for _, said in FAULTS])
def test_what_does_not_go_together_is_named(words: tuple[str, ...], said: str) -> None:
    result = run(*words)
    assert result.exit_code == ExitCode.USAGE
    assert said in result.stderr


def test_a_share_that_leaves_nothing_is_refused(shop: Path) -> None:
    result = run("--from-decisions", "--files", shop, "--train", 0.0001)
    assert result.exit_code == ExitCode.FAILURE
    assert "it leaves none to learn from, or none to judge on" in result.stderr


@pytest.mark.slow
def test_simulate_tells_what_its_policies_would_have_brought_there_and_where_that_is_not_to_be_told(
    shop: Path, tmp_path: Path
) -> None:
    (tmp_path / "log.csv").write_text("customer_id,ts,type,amount,qty\na,2020-01-01,purchase,9,1\n")
    for name, text in (("same", "useful/picks"), ("other", "another/text")):
        by_figures = POLICY.replace("learned = true\n", "").replace("[action.useful]", "[action.useful]\neffect = 3.0")
        (tmp_path / f"{name}.toml").write_text(by_figures.replace("useful/picks", text))
    policies = ("--policy", tmp_path / "same.toml", "--against", tmp_path / "other.toml")
    words = ["simulate", *policies, "--from-decisions", "--files", shop, tmp_path / "log.csv"]
    result = CliRunner().invoke(main, [*map(str, words), "--json"])
    assert result.exit_code == 0, result.output
    values = json.loads(result.stdout)["values"]
    found = {one["policy"]: one for one in values["policies"]}
    alone = told("--files", shop, "--policy", tmp_path / "same.toml")
    assert found["same.toml"] == next(one for one in alone["policies"] if one["policy"] == "same.toml")
    assert found["same.toml"]["snips"] is not None
    assert found["other.toml"]["snips"] is None
    assert any("'other.toml' is not estimable" in one for one in values["warnings"])
    said = CliRunner().invoke(main, [*map(str, words)]).stdout
    assert "what they would have brought: " in said
    assert "no chance" in next(line for line in said.splitlines() if line.startswith("other.toml, by its figures"))
