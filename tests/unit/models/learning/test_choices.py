"""Operators choose the champion through the log: told to the learner, obeyed, written down, and repeatable."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest

from models.engine import piece_run
from models.learning.confidence_sequence import Evidence
from models.settings import DAY
from models.simulation.rehearsal import Rehearsal, rehearse
from models.timeline.batch import LogRecord
from tests.support.bench import ForgetfulWorld, digest
from tests.support.logs import START, choosing, synthetic
from tests.unit.models.simulation.test_rehearsal import EVALUATION, VARIANTS

CHOICES: Sequence[Sequence[tuple[int, str | None]]] = (
    [(START + 40 * DAY, "adagrad"), (START + 60 * DAY, "adagrad"), (START + 90 * DAY, None)],
    [(START + 75 * DAY, "mixture")],
)


@cache
def plain() -> list[list[LogRecord]]:
    return synthetic(21, partitions=2, customers=30, days=120)


@cache
def chosen() -> list[list[LogRecord]]:
    return [choosing(log, choices) for log, choices in zip(plain(), CHOICES, strict=True)]


@cache
def whole_run(variant: str = "evaluation") -> Rehearsal:
    """The chosen logs in one go; to be looked at only."""
    return rehearse(chosen(), VARIANTS[variant])


@cache
def without_choices() -> Rehearsal:
    """The plain logs in one go; to be looked at only."""
    return rehearse(plain(), EVALUATION)


def said(world: Rehearsal, role: str, shard: int) -> list[dict[str, Any]]:
    return [json.loads(output.value) for output in world.shards[shard].outputs if output.role == role]


def told(world: Rehearsal, shard: int) -> list[tuple[str, int]]:
    """The promotions that a shard has written down: whose, and of which version on."""
    decisions = said(world, "decisions", shard)
    return [(one["champion"], one["model_version"]) for one in decisions if "champion" in one]


def champions(world: Rehearsal) -> list[str]:
    return [world.versions[boundary].model["name"] for boundary in sorted(world.versions)]


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_version_after_a_choice_bears_the_chosen_name_and_each_shard_writes_the_change_down_once(
    variant: str,
) -> None:
    world = whole_run(variant)
    expected = ["mixture", "adagrad", "mixture"]
    names = champions(world)
    assert [name for at, name in enumerate(names) if at == 0 or names[at - 1] != name] == expected
    changes = [
        v.promotion for _, v in sorted(world.versions.items()) if v.promotion and v.promotion.boundary in world.versions
    ]
    boundaries = sorted({promotion.boundary for promotion in changes})
    assert [world.versions[boundary].model["name"] for boundary in boundaries] == expected[1:]
    for boundary, (time, _) in zip(boundaries, (CHOICES[0][0], CHOICES[1][0]), strict=True):
        assert 0 < boundary - time <= VARIANTS[variant].boundary
    for shard in (0, 1):
        in_force = [change for change in told(world, shard) if change[1] >= 0]
        assert in_force == [*zip(expected[1:], boundaries, strict=True)][: len(in_force)]
    assert told(world, 0)


def test_a_decision_tells_whose_place_the_champion_took_and_why() -> None:
    world = whole_run()
    reasons = [one["reason"] for one in said(world, "decisions", 0) if "champion" in one]
    assert [reason.partition("; ")[2] for reason in reasons] == [
        "adagrad is champion after mixture, chosen by operator",
        "mixture is champion after adagrad, chosen by operator",
    ]


@pytest.mark.parametrize("batch", [1, 7])
def test_choices_are_the_same_in_any_portions_and_through_bytes(batch: int) -> None:
    expected = digest(whole_run())
    assert digest(rehearse(chosen(), EVALUATION, batch=lambda at: batch)) == expected
    assert digest(ForgetfulWorld(chosen(), EVALUATION).run(lambda at: 40 * batch)) == expected


def test_row_by_row_choices_are_said_once_too(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = digest(whole_run())
    monkeypatch.setattr(piece_run.Run, "to_the_end", broken)
    assert digest(rehearse(chosen(), EVALUATION)) == expected


def broken(_: piece_run.Run) -> None:
    """Whatever runs fast raises; the engine then runs the piece again, carefully."""
    raise ArithmeticError("broken")


def choices_in(logs: Sequence[Sequence[LogRecord]]) -> list[int]:
    return [sum(b"model_chosen" in (entry.value or b"") for entry in log) for log in logs]


def test_a_choice_is_counted_and_touches_no_customer() -> None:
    world, other = whole_run(), without_choices()
    assert [shard.state.totals.choices for shard in world.shards] == choices_in(chosen()) == [3, 1]
    for one, two in zip(world.shards, other.shards, strict=True):
        assert one.records.keys() == two.records.keys()
        assert one.state.totals.clocks == two.state.totals.clocks
        assert one.state.totals.applied == two.state.totals.applied


def test_a_model_that_does_not_learn_here_is_a_dead_letter_and_everybody_goes_on() -> None:
    logs = [choosing(plain()[0], [(START + 40 * DAY, "nobody")]), plain()[1]]
    world = rehearse(logs, EVALUATION)
    (letter,) = [one for one in said(world, "deadletters", 0) if one["code"] == "unknown_model"]
    assert letter["reason"] == "data.model is 'nobody'; give one of mixture, adagrad, or null"
    assert (letter["event_type"], letter.get("customer")) == ("model_chosen", None)
    assert all(shard.at == len(shard.log) for shard in world.shards)
    assert set(champions(world)) == {"mixture"}
    assert {at: v.model for at, v in world.versions.items()} == {
        at: v.model for at, v in without_choices().versions.items()
    }


def test_what_evidence_decides_is_written_down_too_and_a_pin_keeps_it_out(monkeypatch: pytest.MonkeyPatch) -> None:
    # Evidence that speaks for the other one after each window.
    monkeypatch.setattr(Evidence, "lower", property(lambda self: 1.0 if self.windows else -0.1))
    monkeypatch.setattr(Evidence, "enough", property(lambda self: self.windows > 0))
    world = rehearse(plain(), EVALUATION)
    names = champions(world)
    assert names.count("adagrad") >= 3
    changes = [(name, at) for at, name in zip(sorted(world.versions), names, strict=True)]
    changes = [change for before, change in itertools.pairwise(changes) if before[0] != change[0]]
    assert told(world, 0) == told(world, 1) == changes
    reasons = [one["reason"] for one in said(world, "decisions", 0) if "champion" in one]
    assert all(reason.endswith("chosen by evidence") for reason in reasons)
    pinned = rehearse([choosing(plain()[0], [(START, "mixture")]), plain()[1]], EVALUATION)
    assert set(champions(pinned)) == {"mixture"}
    assert told(pinned, 0) == []
