"""The same for levels of risk that go by the tier of value."""

from __future__ import annotations

from tests.auditor.broken import breaks
from tests.support.audited import POLICY, Log

KEPT = (
    POLICY
    + """
[value]
fewest = 4
[[risk.for_tiers]]
tiers = ["top"]
exit = 0.2
levels = [{ name = "slipping", at = 0.3 }, { name = "at_risk", at = 0.45 }, { name = "leaving", at = 0.6 }]
"""
)


def opens(log: Log, of_tier: str = "top", level: str = "slipping", risk: float = 0.35) -> None:
    log.says("episode_opened", level=level, probability=risk, levels_of=of_tier)


@breaks("level_tier")
def another_tier_in_the_middle_of_an_episode(log: Log) -> None:
    log.chooses(KEPT, 2)
    opens(log)
    log.says("waits", moment="risk", level="slipping", gate="cap", levels_of="base")


@breaks("level_tier")
def a_tier_that_the_policy_does_not_have(log: Log) -> None:
    log.chooses(KEPT, 2)
    opens(log, "best")


@breaks("level_tier")
def a_tier_where_levels_go_by_none(log: Log) -> None:
    log.chooses(POLICY + "[value]\n", 2)
    opens(log, "top", risk=0.55)


@breaks("wrong_level")
def a_level_of_the_top_that_opens_an_episode_of_others(log: Log) -> None:
    log.chooses(KEPT, 2)
    opens(log, "base")
