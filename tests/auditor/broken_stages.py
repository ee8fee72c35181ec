"""The same for levels of risk that go by the stage of the loyalty loop."""

from __future__ import annotations

from models.outputs.loyalty_entry import LoyaltyEntry
from tests.auditor.broken import breaks
from tests.auditor.broken_loyalty import KEPT, begun
from tests.support.audited import Log

BY_STAGE = (
    KEPT
    + """
[[risk.for_stages]]
stages = ["new"]
exit = 0.2
levels = [{ name = "slipping", at = 0.3 }, { name = "at_risk", at = 0.45 }, { name = "leaving", at = 0.6 }]
"""
)


def slips(log: Log, of_stage: str, level: str = "slipping", risk: float = 0.35) -> None:
    """anna has bought for the first time, and slips."""
    log.after("1h")
    log.says("loyalty", loyalty=LoyaltyEntry("slipping", "new", 2.0), probability=risk)
    log.says("episode_opened", level=level, probability=risk, levels_of_stage=of_stage)


def good(log: Log) -> None:
    """As it should be."""
    waits(log, "new")


def waits(log: Log, of_stage: str) -> None:
    """Whoever was new slips, and waits by the levels of a stage."""
    begun(log, BY_STAGE)
    slips(log, "new")
    log.says("waits", moment="risk", level="slipping", gate="cap", levels_of_stage=of_stage)


@breaks("level_stage")
def another_stage_than_they_slipped_from(log: Log) -> None:
    begun(log, BY_STAGE)
    slips(log, "active", "leaving", 0.95)


@breaks("level_stage")
def no_stage_though_one_was_said(log: Log) -> None:
    begun(log, BY_STAGE)
    slips(log, "", "leaving", 0.95)


@breaks("level_stage")
def another_stage_in_the_middle_of_an_episode(log: Log) -> None:
    waits(log, "won_back")


@breaks("level_stage")
def a_stage_where_levels_go_by_none(log: Log) -> None:
    begun(log)
    slips(log, "new", "leaving", 0.95)


@breaks("wrong_level")
def a_level_of_the_others_that_opens_an_episode_of_who_is_new(log: Log) -> None:
    begun(log, BY_STAGE)
    slips(log, "new", "at_risk")
