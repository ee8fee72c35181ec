"""Whether topics are kept as long as the policy says, from facts alone."""

from __future__ import annotations

import pytest

from models.settings import DAY
from streams.config import load
from streams.kafka.topics import FOREVER
from streams.operations.access.limits import limits
from streams.operations.access.places import TOPICS
from streams.operations.doctor.finding import Status
from streams.operations.doctor.limits import retention
from tests.unit.streams.operations.test_doctor_topics import as_created, changed

SAID = {"decisions": 400 * DAY, "examples": 730 * DAY}


def test_topics_that_are_kept_as_long_as_is_said_are_fine_and_told() -> None:
    config = load()
    found = as_created(config)
    assert retention(config, found, {}).status is Status.OK
    for role, kept in SAID.items():
        found = changed(found, config.topic(role), retention_ms=str(kept))
    finding = retention(config, found, SAID)
    assert finding.status is Status.OK
    assert "retention.decisions: 400 days after it was written" in finding.text


@pytest.mark.parametrize(
    ("recovery_days", "role", "kept", "said"),
    [
        (0, "decisions", "604800000", {}),  # for ever, since nothing says otherwise
        (30, "decisions", str(61 * DAY), {}),  # longer than was said: ids stay for longer
        (30, "touchpoints", FOREVER, {}),
        (0, "decisions", FOREVER, SAID),
        (0, "examples", FOREVER, SAID),
        (0, "decisions", str(399 * DAY), SAID),
        (30, "triggers", str(60 * DAY), {"triggers": 90 * DAY}),
    ],
)
def test_a_topic_that_is_kept_longer_or_shorter_than_is_said_is_named(
    recovery_days: float, role: str, kept: str, said: dict[str, int]
) -> None:
    config = load(recovery_days=recovery_days)
    found = as_created(config)
    for named, period in said.items():
        found = changed(found, config.topic(named), retention_ms=str(period))
    finding = retention(config, changed(found, config.topic(role), retention_ms=kept), said)
    assert finding.status is Status.WARNING
    assert finding.text.startswith(f"retention.{role}: ")
    assert "retention topics retain" in finding.remedy


def test_a_policy_that_keeps_less_than_recovery_needs_is_named() -> None:
    config = load(recovery_days=30)
    finding = retention(config, as_created(config), {"decisions": 59 * DAY, "examples": 43 * DAY})
    assert finding.status is Status.WARNING
    assert finding.text == "retention.decisions of the policy: less than twice recovery_days (60 days)"


def test_a_replays_topics_are_kept_for_ever() -> None:
    config = load(mode="replay")
    assert limits(config, as_created(config), SAID) == []
    assert retention(config, as_created(config), SAID).status is Status.OK


def test_every_topic_that_names_customers_has_a_limit_and_none_is_touched_of_which_nothing_is_said() -> None:
    config = load()
    told = {one.role: one for one in limits(config, as_created(config), SAID)}
    assert tuple(told) == TOPICS
    assert {role: one.said for role, one in told.items() if one.said is not None} == SAID
    assert {role: one.retention_ms for role, one in told.items() if one.said} == SAID
    assert limits(config, as_created(config), {})[2].retention_ms == -1
