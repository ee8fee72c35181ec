"""What two are to be offered takes of budgets: what is reserved is given back once, on every way out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec import UNSET

from models.settings import DAY, HOUR, MINUTE
from streams.operations.audit import audit
from tests.support.kept_topics import lines_of
from tests.support.two_ids import NOON
from tests.support.two_who_talk import ANNA, BERT, Talk
from tests.unit.models.engine.test_shared_moments import BUDGETED

THEN = NOON + 8 * DAY + 3 * HOUR
"""Versions have handed out what there is."""


def taken(talk: Talk) -> list[int]:
    """What each shard has taken, in contacts."""
    shared = [shard.state.shared for shard in talk.shards.world.shards]
    return [0 if one is UNSET else sum(sum(periods.values()) for periods in one.reserved.values()) for one in shared]


def case(talk: Talk, who: str) -> None:
    talk.tell(THEN + MINUTE, "case_opened", who, case_id="a", severity="high")


def refused(talk: Talk) -> None:
    talk.agrees(BERT, granted=False, time=THEN + MINUTE)


def too_late(talk: Talk) -> None:
    talk.tell(THEN + HOUR, "visit", ANNA)


def cancelled(talk: Talk) -> None:
    case(talk, ANNA)


def failed(talk: Talk) -> None:
    talk.shards.deliver((0, 1))
    talk.shards.work()
    assert taken(talk) == [1, 1]
    case(talk, BERT)


def nothing(talk: Talk) -> None:
    """Both are offered it."""


@pytest.mark.parametrize(
    ("comes", "left"), [(refused, [0, 0]), (too_late, [0, 0]), (cancelled, [0, 0]), (failed, [1, 0]), (nothing, [1, 1])]
)
def test_what_is_reserved_is_given_back_on_every_way_out(comes: Callable[[Talk], None], left: list[int]) -> None:
    """One whose trigger is taken back keeps what it has taken: its sender may not obey."""
    talk = Talk(BUDGETED)
    talk.go(THEN)
    talk.chat(ANNA, BERT, time=THEN + 1)
    talk.shards.work()
    assert taken(talk) == [1, 0]
    comes(talk)
    talk.shards.work()
    talk.go(THEN + 2 * HOUR)
    assert taken(talk) == left
    for who, sent in talk.offered().items():
        talk.tell(THEN + 3 * HOUR, "expired_unsent", who, trigger_id=sent["id"])
    talk.go(THEN + 4 * HOUR)
    assert taken(talk) == [0, 0]
    assert audit(lines_of(talk.shards.world)).breaches == []


def test_a_small_budget_goes_to_shards_whose_customers_talk() -> None:
    """It is handed out to who has asked only: a chat that it held has, at either shard."""
    talk = Talk(BUDGETED.replace("most = 400", "most = 4"))
    for day in range(8, 13):
        talk.go(NOON + day * DAY + 3 * HOUR)
        talk.chat(ANNA, BERT, time=NOON + day * DAY + 3 * HOUR + 1)
        talk.go(NOON + day * DAY + 4 * HOUR)
    assert [one.gate for one in talk.said("decided")][:2] == ["budget", "budget"]
    assert "budget" in [one.gate for one in talk.said("shared_refused")], "anna's shard has room by then"
    (allowed,) = (shard.state.shared for shard in talk.shards.world.shards[1:])
    assert allowed is not UNSET
    assert sum(allowed.allowed["offers"].values()) == 1, "and then bert's"
