"""What a policy would have done: the counts are those of the outputs themselves."""

from __future__ import annotations

from collections import Counter
from importlib.resources import files
from typing import Any

import msgspec
import pytest

from models.decisions.policy.reading import read_policy
from models.engine.changes import NumberedOutput
from models.outputs import Candidate, Decision, Position, encode
from models.settings import DAY
from models.simulation.funnel import ENDS
from models.simulation.policy_report import difference, fullest, report
from models.simulation.policy_tally import Tally
from models.simulation.rehearsal import rehearse
from tests.support.logs import START, chosen_policy, inserted, synthetic
from tests.support.workers import SETTINGS

EXAMPLE = files("models.decisions.policy").joinpath("example.toml").read_text()
POLICY = read_policy(EXAMPLE)
AT = Position(0, 1, True)


def rehearsed() -> tuple[Tally, list[dict[str, Any]]]:
    """A log under the example policy: counted as it is said, and what was said."""
    said: list[dict[str, Any]] = []
    tally = Tally(POLICY, {})

    def keep(output: NumberedOutput) -> bool:
        if output.role in ("triggers", "decisions"):
            said.append(msgspec.json.decode(output.value))
        return tally.take(output)

    logs = [inserted(log, [(log[0].timestamp, chosen_policy(START, 1, EXAMPLE))]) for log in synthetic(11)]
    world = rehearse(logs, SETTINGS, keep=keep)
    assert not any(shard.outputs for shard in world.shards), "nothing of the outputs is kept"
    return tally, said


@pytest.fixture(scope="module")
def both() -> tuple[Tally, list[dict[str, Any]]]:
    return rehearsed()


def test_the_counts_are_those_of_the_outputs(both: tuple[Tally, list[dict[str, Any]]]) -> None:
    tally, said = both
    told = report(tally, POLICY, {one["customer"]: "" for one in said if "customer" in one})
    triggers = [one for one in said if one["type"] == "trigger"]
    assert triggers
    assert sum(row["triggers"] for row in told["triggers"]) == told["totals"]["triggered"] == len(triggers)
    kinds = ("kind", "action", "moment", "channel", "level")
    wanted = Counter(tuple(one.get(name, "") for name in kinds) for one in triggers)
    assert {tuple(row[name] for name in kinds): row["triggers"] for row in told["triggers"]} == wanted
    assert told["totals"]["cost"] == pytest.approx(sum(one.get("cost", 0.0) for one in triggers), abs=0.01)
    assert told["totals"]["touched"] == len({one["customer"] for one in triggers})
    decided = [one for one in said if one.get("what") == "decided"]
    ends = sum(told["totals"][end] for end in ENDS if end != "void")
    assert ends == len(decided)
    assert told["totals"]["control"] == sum(one.get("control", False) for one in decided) > 0
    candidates = [one for it in decided for one in it.get("candidates", ())]
    held = Counter(gate for one in candidates for gate in one.get("gates", ()))
    assert {row["gate"]: row["candidates"] for row in told["funnel"] if row["candidates"]} == held
    assert sum(row["waits"] for row in told["waits"]) == sum(one.get("what") == "waits" for one in said) > 0
    assert sum(row["triggered"] for row in told["levels"]) == len(triggers)
    assert [row["action"] for row in told["actions"]] == list(POLICY.action), "those that were never chosen, too"


def counted(*said: Decision) -> Tally:
    tally = Tally(POLICY, {})
    for number, one in enumerate(said):
        assert not tally.take(NumberedOutput("decisions", number, one.id, b"ada", encode(one), one.time, 0))
    return tally


def decided(*candidates: Candidate, **more: Any) -> Decision:
    return Decision("d", "decided", START, AT, "ada", moment="risk", level="leaving", candidates=candidates, **more)


FREE = Candidate("something_useful", "email", (), 0.29, 2**31)
ALONE = Candidate("win_back", "email", ("cap",), 0.89)
TWICE = Candidate("reward", "email", ("cap", "condition"), 5.0)


def test_a_gate_costs_what_the_best_action_would_bring_more_without_it_alone() -> None:
    tally = counted(decided(FREE, ALONE, TWICE, action="something_useful", trigger="t"))
    cap, condition = tally.funnel.gates["cap"], tally.funnel.gates["condition"]
    assert (cap.candidates, cap.alone, round(cap.money, 2)) == (2, 1, 0.60)
    assert (condition.candidates, condition.alone, condition.money) == (1, 0, 0.0), "the cap would still hold it"


def test_the_control_group_costs_what_was_drawn_and_its_gates_nothing() -> None:
    tally = counted(decided(FREE, ALONE, action="something_useful", control=True))
    assert tally.funnel.money["control"] == 0.29
    assert (tally.funnel.gates["cap"].candidates, tally.funnel.gates["cap"].money) == (1, 0.0)


def test_left_alone_by_the_draw_is_told_from_left_alone_by_a_gate() -> None:
    poor = Candidate("offer", "email", (), -0.1, 1)
    tally = counted(
        decided(FREE, action="leave_alone"),
        decided(poor, action="leave_alone"),
        decided(action="leave_alone", gate="erased"),
    )
    assert tally.ended == {("risk", "leaving", "left_alone"): 2, ("risk", "leaving", "held"): 1}
    funnel = tally.funnel
    assert (funnel.not_worth, funnel.money["left_alone"], funnel.gates["erased"].moments) == (1, 0.29, 1)


@pytest.mark.parametrize(("days", "most"), [([], 0), ([0], 1), ([0, 30], 1), ([50, 0, 29, 30, 31, 60], 4)])
def test_the_fullest_thirty_days(days: list[int], most: int) -> None:
    assert fullest([day * DAY for day in days]) == most


def test_the_difference_of_two_reports() -> None:
    none = report(counted(), POLICY, {"ada": "consumer"})
    one = report(counted(decided(FREE, action="leave_alone")), POLICY, {"ada": "consumer"})
    told = difference(one, none)
    assert {name: value for name, value in told["totals"].items() if value} == {
        "left_alone": 1,
        "left_alone_money": 0.29,
    }
    assert set(told["actions"]) == set(POLICY.action)


def waits(at: int, gate: str, until: int, customer: str = "ada") -> Decision:
    return Decision(f"{customer}{at}", "waits", at, AT, customer, moment="risk", gate=gate, until=until)


def test_a_wait_lasts_until_its_answer_or_another_gate() -> None:
    answer = Decision("a", "decided", 30 * DAY, AT, "ada", moment="risk", action="leave_alone", gate="expired")
    erased = Decision("e", "erased", 5 * DAY, AT, "bob")
    tally = counted(
        waits(0, "budget", 7 * DAY),
        waits(0, "budget", 7 * DAY, "bob"),
        erased,
        waits(20 * DAY, "hours", 21 * DAY),
        answer,
        waits(40 * DAY, "hours", 41 * DAY),
    )
    assert sorted(tally.waited("budget")) == [5 * DAY, 20 * DAY]
    assert tally.waited("hours") == [10 * DAY, DAY]
    assert tally.waits == {"budget": 2, "hours": 2}
