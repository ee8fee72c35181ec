"""What the engine triggers under the example policy, and under others, breaks no rule of the auditor."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

import models.decisions.policy
from models.decisions import purse
from models.outputs import Trigger, Withdrawal
from models.settings import DAY, EngineSettings
from models.simulation.rehearsal import rehearse
from streams.operations.audit import audit
from tests.support import policies
from tests.support.kept_topics import lines_of
from tests.support.replies import answered, busy, with_policy

EXAMPLE = (Path(models.decisions.policy.__file__).parent / "example.toml").read_text(encoding="utf-8")
SETTINGS = EngineSettings(horizon=28 * DAY, boundary=7 * DAY, version_delay=0)
DAYS = 90
START = 1_772_000_000_000
"""2026-02-25: daylight saving begins in the middle."""
OTHER = (
    EXAMPLE.replace('zone = "Europe/Berlin"', "", 1)
    .replace("share = 0.05", "share = 0.5", 1)
    .replace('window = "28d"', 'window = "5d"')
    .replace("hold_out = 0.05", "hold_out = 0.2")
    .replace('start = "21:00", end = "08:00"', 'start = "18:00", end = "09:30"')
)
LIMITED = (
    re.sub(
        rf"(\[action\.(?:{'|'.join(policies.LIMITED)})\]\n)",
        r'\1budgets = ["letters", "gifts"]\nliability = 8.005\n',
        EXAMPLE,
    )
    + """
[budget.letters]
counts = "contacts"
most = 9
per = "week"
[budget.gifts]
counts = "money"
most = 240.9
tranche = "14d"
[alarm]
"""
)
"""Budgets that run dry in every period."""
LEARNED = LIMITED.replace('window = "28d"', 'window = "14d"\nlearned = true\nharm = 1') + "[value]\nfewest = 4\n"
"""The learned choice beside them."""
BY_TIER = (
    EXAMPLE.replace(
        "share = 0.05",
        'share = 0.3\nexempt_tiers = ["best"]\nexempt_plans = ["monthly"]\nexempt_programmes = ["bean-counters"]',
    )
    + """
[value]
fewest = 4
[[value.tiers]]
name = "best"
share = 0.2
[[value.tiers]]
name = "good"
share = 0.5
[[risk.for_tiers]]
tiers = ["best"]
exit = 0.2
levels = [{ name = "slipping", at = 0.3 }, { name = "at_risk", at = 0.5 }, { name = "leaving", at = 0.7 }]
[[risk.for_tiers]]
tiers = ["base"]
levels = [{ name = "slipping", at = 0.55 }, { name = "at_risk", at = 0.7 }, { name = "leaving", at = 0.9 }]
"""
)
"""Levels of risk by tier, and who is exempt from a large control group."""
BY_STAGE = (
    BY_TIER
    + """
[loyalty]
active_from = 3
won_back_for = "30d"
[[risk.for_stages]]
stages = ["new", "won_back"]
exit = 0.25
levels = [{ name = "slipping", at = 0.35 }, { name = "at_risk", at = 0.6 }, { name = "leaving", at = 0.75 }]
[[risk.for_stages]]
stages = ["active"]
classes = ["consumer"]
levels = [{ name = "slipping", at = 0.6 }, { name = "at_risk", at = 0.75 }, { name = "leaving", at = 0.85 }]
"""
)
"""The same, and by the stage of the loyalty loop."""
_triggers = msgspec.json.Decoder(Trigger | Withdrawal)


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param((EXAMPLE, OTHER), id="a policy that changes"),
        *(
            pytest.param(texts, id=name, marks=pytest.mark.slow)
            for name, texts in {
                "example": (EXAMPLE,),
                "budgets, one of which is lowered": (LIMITED, LIMITED.replace("most = 9", "most = 5")),
                "a choice that is learned, and is not": (LEARNED, EXAMPLE, LEARNED),
                "levels by tier, and not": (BY_TIER, EXAMPLE, BY_TIER),
                "levels by stage, and not": (BY_STAGE, EXAMPLE, BY_STAGE),
            }.items()
        ),
    ],
)
def test_a_busy_stream(texts: tuple[str, ...]) -> None:
    logs = busy(2, 2, 80, DAYS, START)
    for number, text in enumerate(texts, start=1):
        at = START + (number - 1) * DAYS * DAY // len(texts)
        logs = [with_policy(log, text, number, at) for log in logs]
    world = rehearse(logs, SETTINGS)
    said = [[_triggers.decode(value) for value in line.triggers] for line in lines_of(world)]
    sent = [[one for one in found if isinstance(one, Trigger)] for found in said]
    world = rehearse([answered(log, found, 2) for log, found in zip(logs, sent, strict=True)], SETTINGS)
    report = audit(lines_of(world), SETTINGS.lateness)
    assert report.breaches == []
    assert report.notes == []
    assert len(report.policies) == len(texts)
    if LIMITED in texts:
        told = [value for line in lines_of(world) for value in line.decisions]
        assert min(sum(word in value for value in told) for word in (b'"what":"late"', b'"gate":"budget"')) > 0
    if LEARNED in texts:
        told = [value for line in lines_of(world) for value in line.decisions]
        assert sum(b'"drawn"' in value for value in told) > sum(b'"what":"outcome"' in value for value in told) > 10
        assert any(b'"state":"unproven"' in value for value in told)
    if BY_TIER in texts:
        told = [value for line in lines_of(world) for value in line.decisions]
        assert sum(b'"levels_of":"best"' in value for value in told) > 10
        assert min(sum(word in value for value in told) for word in (b'"exempt":true', b'"control":true')) > 10
    if BY_STAGE in texts:
        told = [value for line in lines_of(world) for value in line.decisions]
        stages = (b'levels_of_stage":"new"', b'levels_of_stage":"active"')
        assert min(sum(stage in value for value in told) for stage in stages) > 1
    assert min(report.triggers[purpose] for purpose in ("care", "contract", "marketing")) > 20


def test_an_engine_that_asks_for_no_room_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purse.Purse, "_room", lambda self, budget, now: 2**31)
    logs = [with_policy(log, LIMITED) for log in busy(2, 2, 80, DAYS // 2, START)]
    report = audit(lines_of(rehearse(logs, SETTINGS)), SETTINGS.lateness)
    assert {breach.rule for breach in report.breaches} == {"budget"}
    assert {breach.place.partition for breach in report.breaches} == {0, 1}
