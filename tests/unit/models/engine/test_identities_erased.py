"""Who asked to be forgotten under one id is forgotten as the customer whose it is, in a circle of ids too, until they
consent again."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from models.customer.layout import ERASED, SPENT
from models.customer.merged import is_merged
from models.customer.record import Record
from models.engine.apply import apply as compiled
from models.engine.step import Engine
from models.settings import DAY, HOUR, EngineSettings
from models.timeline.partitioning import partition_of
from streams.operations.audit import audit
from streams.operations.audit.run import ABSENT
from tests.reference.engine import apply as plainly
from tests.support.bench import digest
from tests.support.identities import Shards
from tests.support.kept_topics import lines_of
from tests.support.logs import START, chosen_policy, clock, told
from tests.unit.models.engine.test_identities import records_of, under_policy
from tests.unit.models.engine.test_identities_out import OFFERS
from tests.unit.models.engine.test_membership import TEXTS
from tests.unit.models.simulation.test_rehearsal import VARIANTS

NOON = START - START % DAY + 11 * HOUR
FIRST = next(name for name in "abcd" if partition_of(name, 2) == 0)
SECOND = next(name for name in "efghijk" if partition_of(name, 2) == 1)
"""Of two partitions, the first the smaller: of a circle it stays."""
BOTH = [
    pytest.param(apply, VARIANTS[variant], id=f"{apply.__module__.split('.')[0]} {variant}")
    for apply in (compiled, plainly)
    for variant in ("live", "the silent leave")
]


class Story:
    """Two ids under a policy, each of which has bought and agrees to email."""

    def __init__(self, apply: Engine, settings: EngineSettings) -> None:
        self.shards = Shards(2, settings, apply)
        for partition in range(2):
            self.shards.tell(partition, (NOON - DAY, None, clock(NOON - DAY)))
            self.shards.tell(partition, (NOON - DAY, None, chosen_policy(NOON - DAY, 1, OFFERS)))
        for name in (FIRST, SECOND):
            self.tell("consent_changed", name, NOON, marketing=True, channels=["email"])
            self.tell("purchase", name, NOON, amount=9)

    def tell(self, kind: str, name: str, time: int, **data: Any) -> None:
        self.shards.tell(partition_of(name, 2), told(kind, name, time, data, id=f"{kind}-{name}-{time}"))

    def go_to(self, time: int) -> None:
        self.shards.come_to_rest()
        for partition in range(2):
            self.shards.tell(partition, (time, None, clock(time)))
        self.shards.come_to_rest()

    def said(self, *what: str) -> list[dict[str, Any]]:
        outputs = [one for shard in self.shards.world.shards for one in shard.outputs if one.role == "decisions"]
        return [one for one in map(msgspec.json.decode, (each.value for each in outputs)) if one["what"] in what]

    def erased(self, name: str) -> bool:
        """Whether nothing is known of an id but that."""
        record = records_of(self.shards)[name]
        assert not is_merged(record.flags)
        return bool(record.flags & ERASED) and record.numbers.tolist() == Record(b"x").numbers.tolist()


@pytest.mark.parametrize(("apply", "settings"), BOTH)
def test_an_erased_id_that_is_its_own_again_is_erased_before_and_after_its_record_is_back(
    apply: Engine, settings: EngineSettings
) -> None:
    story = Story(apply, settings)
    story.tell("erase_requested", FIRST, NOON + HOUR)
    story.tell("identity_merged", FIRST, NOON + 2 * HOUR, into=SECOND)
    story.tell("purchase", SECOND, NOON + 2 * HOUR, amount=7)
    story.tell("identity_merged", SECOND, NOON + 3 * HOUR, into=FIRST)
    story.shards.work()
    story.shards.deliver((1, 0))  # what was known of the second one; the first one's own is still on its way
    story.shards.work()
    assert [one["customer"] for one in story.said("revived")] == [FIRST]
    assert story.erased(FIRST)
    story.tell("cart_abandoned", FIRST, NOON + 4 * HOUR, amount=20)
    story.shards.work()
    story.go_to(NOON + DAY)
    story.tell("cart_abandoned", SECOND, NOON + DAY, amount=20)
    story.go_to(NOON + 2 * DAY)
    assert story.erased(FIRST)
    assert story.said("decided", "episode_opened") == []


@pytest.mark.parametrize(("apply", "settings"), BOTH)
def test_whose_other_id_was_erased_is_erased_and_what_is_out_is_taken_back(
    apply: Engine, settings: EngineSettings
) -> None:
    story = Story(apply, settings)
    story.tell("cart_abandoned", SECOND, NOON + HOUR, amount=20)
    story.tell("consent_changed", FIRST, NOON + HOUR, marketing=False)
    story.tell("erase_requested", FIRST, NOON + 2 * HOUR)
    story.go_to(NOON + 2 * HOUR)
    (trigger,) = {one["trigger"] for one in story.said("decided") if "trigger" in one}
    story.tell("identity_merged", FIRST, NOON + 3 * HOUR, into=SECOND)
    story.go_to(NOON + 4 * HOUR)
    assert story.erased(SECOND)
    assert [one["trigger"] for one in story.said("withdrawn")] == [trigger]
    assert [one["customer"] for one in story.said("erased")] == [FIRST, SECOND]
    decided = len(story.said("decided"))
    story.tell("cart_abandoned", SECOND, NOON + 5 * HOUR, amount=20)
    story.go_to(NOON + DAY)
    assert len(story.said("decided")) == decided
    report = audit(lines_of(story.shards.world))
    assert [one for one in report.breaches if one.rule not in ABSENT] == []


@pytest.mark.parametrize("apply", [compiled, plainly])
@pytest.mark.parametrize("later", [False, True])
def test_only_a_consent_after_the_erasure_outlives_it(apply: Engine, later: bool) -> None:
    story = Story(apply, VARIANTS["the silent leave"])
    story.tell("erase_requested", FIRST, NOON + 2 * HOUR)
    when = NOON + (3 if later else 1) * HOUR
    story.tell("consent_changed", SECOND, when, marketing=True, channels=["email", "push"])
    story.go_to(NOON + 4 * HOUR)
    story.tell("identity_merged", FIRST, NOON + 4 * HOUR, into=SECOND)
    story.go_to(NOON + 5 * HOUR)
    assert story.erased(SECOND) is not later
    if later:
        assert records_of(story.shards)[SECOND].numbers[SPENT] == 9.0
        return
    story.tell("consent_changed", SECOND, NOON + 6 * HOUR, marketing=True, channels=["email"])
    story.go_to(NOON + 7 * HOUR)
    assert [one["customer"] for one in story.said("reopened")] == [SECOND]


def test_nothing_is_decided_of_who_was_erased_in_a_circle_of_busy_ids() -> None:
    shards = under_policy(211, TEXTS["none"], days=40, customers=12)
    assert [one for one in audit(lines_of(shards.world)).breaches if one.rule not in ABSENT] == []


@pytest.mark.parametrize("variant", ["live", "the silent leave"])
def test_the_reference_gives_the_same_bytes(variant: str) -> None:
    worlds = []
    for apply in (compiled, plainly):
        story = Story(apply, VARIANTS[variant])
        story.tell("erase_requested", FIRST, NOON + HOUR)
        story.tell("identity_merged", FIRST, NOON + 2 * HOUR, into=SECOND)
        story.tell("identity_merged", SECOND, NOON + 3 * HOUR, into=FIRST)
        story.go_to(NOON + DAY)
        story.tell("consent_changed", SECOND, NOON + DAY + HOUR, marketing=True, channels=["email"])
        for day in range(2, 60):
            story.go_to(NOON + day * DAY)
        worlds.append(digest(story.shards.world))
    assert worlds[0] == worlds[1]
