"""What customers say about themselves decides what is sent, and what is kept of them."""

from __future__ import annotations

import pytest

from models.customer.bands import Band
from models.customer.interests import unpack_interests
from models.customer.layout import OLDEST_CASE, PENDING_RISK, RISK, TICK, UNLEARNED, UNSCORED
from models.customer.tail import MAX_OPEN_CASES
from models.settings import SECOND
from tests.support.bench import Kept, run_alone
from tests.support.logs import Data, log_of, ticking, told
from tests.unit.models.engine.test_engine_records import SCORER, SETTINGS, bought, day, record_of

sizes = pytest.mark.parametrize("batch", [1, 500])
END = ticking(day(50))
"""The risk reaches the threshold after 28 days of silence."""


def run(*entries: tuple[int, bytes | None, bytes | None], batch: int = 500) -> Kept:
    return run_alone(log_of(sorted(entries, key=lambda entry: entry[0])), SETTINGS, SCORER, batch)


def said(kind: str, number: float, data: Data, **more: object) -> tuple[int, bytes, bytes]:
    return told(kind, "c", day(number), data, **more)


def asked(kept: Kept) -> tuple[str, str]:
    """What was chosen when the episode opened, and why."""
    [opened] = kept.decisions("episode_opened")
    return opened["action"], opened["reason"]


@sizes
@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([("restricted", {"reason": "minor"})], "restricted: minor"),
        ([("preferences_updated", {"max_per_week": 0})], "wants no marketing at all: none a week"),
        ([("preferences_updated", {"silent_until": "2001-01-01T00:00:00Z"})], "wants no marketing for now"),
        (
            [("message_unsubscribed", {"channel": "email"}), ("preferences_updated", {"channels": ["email"]})],
            "wants nothing by email, and no other channel is known",
        ),
        (
            [("message_unsubscribed", {"channel": "email"}), ("consent_changed", {"marketing": True})],
            "wants nothing by email, and no other channel is known",
        ),
    ],
)
def test_who_wants_nothing_is_left_alone(words: list[tuple[str, Data]], reason: str, batch: int) -> None:
    kept = run(bought("c", 0.5), *(said(kind, 1 + n, data) for n, (kind, data) in enumerate(words)), END, batch=batch)
    assert asked(kept) == ("leave_alone", reason)
    assert kept.said("triggers") == []


@sizes
def test_more_cases_than_can_be_named_keep_promotions_away_and_the_oldest_one_is_remembered(batch: int) -> None:
    cases = [said("case_opened", 1 + n / 100, {"case_id": f"T-{n}"}) for n in range(MAX_OPEN_CASES + 1)]
    solved = [said("case_resolved", 2 + n / 100, {"case_id": f"T-{n}"}) for n in range(MAX_OPEN_CASES)]
    kept = run(bought("c", 0.5), *cases, *solved, END, batch=batch)
    record = record_of(kept, "c")
    assert (record.open_cases, record.seconds[OLDEST_CASE]) == (1, (day(1 + 15 / 100)) // SECOND)
    assert asked(kept)[0] == "care"


@sizes
def test_nothing_is_learned_from_who_is_restricted_and_what_was_begun_is_dropped(batch: int) -> None:
    bare = run(bought("c", 0.5), bought("c", 10), END, batch=batch)
    assert bare.said("examples")
    kept = run(bought("c", 0.5), bought("c", 10), said("restricted", 12, {"reason": "fraud"}), END, batch=batch)
    before = [one for one in bare.said("examples") if one["type"] == "example" and one["label_time"] <= day(12)]
    assert [one for one in kept.said("examples") if one["type"] == "example"] == before
    record = record_of(kept, "c")
    assert record.flags & UNLEARNED
    assert list(record.pending_ticks) == [0, 0]
    assert not any(map(any, record.pending_bases))
    assert record.numbers[RISK] > 0
    assert [one["reason"] for one in kept.decisions("restricted")] == ["fraud"]


@sizes
def test_a_restriction_that_is_over_ends_with_the_next_touchpoint(batch: int) -> None:
    over = {"reason": "debt", "until": "2000-01-20T00:00:00Z"}
    kept = run(bought("c", 0.5), said("restricted", 1, over), bought("c", 20), END, batch=batch)
    assert record_of(kept, "c").flags == 0
    assert [one for one in kept.said("examples") if one["type"] == "example" and one["snapshot_time"] > day(20)]


@sizes
def test_of_who_objects_to_profiling_no_estimate_is_made_and_none_is_kept(batch: int) -> None:
    objection = said("consent_changed", 40, {"marketing": False, "purpose": "profiling", "source": "letter"})
    kept = run(bought("c", 0.5), objection, bought("c", 45), said("visit", 46, {}), ticking(day(90)), batch=batch)
    record = record_of(kept, "c")
    assert record.flags == UNLEARNED | UNSCORED
    assert (record.band, record.times[TICK], record.numbers[RISK], record.numbers[PENDING_RISK]) == (
        Band.LAPSED,
        0,
        0,
        0,
    )
    assert [one["reason"] for one in kept.decisions("episode_closed")] == ["objects to profiling"]
    [entry] = kept.decisions("consent")
    assert entry["reason"].startswith("profiling refused in general; source letter; kept as ")
    again = said("consent_changed", 60, {"marketing": True, "purpose": "profiling"})
    back = run(bought("c", 0.5), objection, again, bought("c", 61), ticking(day(90)), batch=batch)
    assert record_of(back, "c").numbers[RISK] > 0


@sizes
def test_a_topic_counts_and_what_has_none_leaves_the_tail_alone(batch: int) -> None:
    kept = run(bought("c", 1), said("search", 2, {"query": "x"}), said("search", 3, {"query": "x", "topic": "tea"}))
    assert unpack_interests(record_of(kept, "c").tail.interests)[1] == {"tea": 1.0}
    assert record_of(run(bought("c", 1), said("search", 2, {"query": "x"}), batch=batch), "c").tail.interests == b""


def test_the_evidence_of_a_consent_is_found_by_what_the_record_keeps() -> None:
    data = {"marketing": True, "channels": ["email"], "wording": "w-1", "evidence": "log/7"}
    kept = run(bought("c", 0.5), said("consent_changed", 1, data), said("consent_changed", 0.1, data, at=day(9)))
    [entry] = kept.decisions("consent")
    reason = entry["reason"]
    assert reason.startswith("marketing granted on email; wording w-1; evidence log/7; kept as ")
    tail = record_of(kept, "c").tail
    assert int(reason.rsplit(" ", 1)[1], 16).to_bytes(8, "little") in tail.consents


@sizes
def test_who_asks_for_restriction_is_neither_written_to_nor_estimated_until_it_is_lifted(batch: int) -> None:
    asks = said("restriction_requested", 40, {"reason": "the address is wrong"})
    kept = run(bought("c", 0.5), asks, bought("c", 45), ticking(day(90)), batch=batch)
    record = record_of(kept, "c")
    assert record.flags == UNLEARNED | UNSCORED
    assert (record.times[TICK], record.numbers[RISK], list(record.pending_ticks)) == (0, 0, [0, 0])
    [entry] = kept.decisions("restriction_requested")
    assert (entry["action"], entry["reason"]) == ("task_for_a_person", "kept and not used, until it is lifted")
    lifted = said("restriction_requested", 60, {"until": "2000-03-01T00:00:00Z"})
    back = run(bought("c", 0.5), asks, lifted, bought("c", 61), ticking(day(90)), batch=batch)
    assert record_of(back, "c").flags == 0
    assert record_of(back, "c").numbers[RISK] > 0


@sizes
def test_a_request_for_access_and_a_contested_decision_are_tasks_for_a_person_and_change_nothing_else(
    batch: int,
) -> None:
    requests = [
        said("access_requested", 2, {}),
        said("decision_contested", 3, {"trigger_id": "0123", "reason": "my own words"}),
        said("decision_contested", 3.5, {}, at=day(9)),
    ]
    kept = run(bought("c", 0.5), *requests, END, batch=batch)
    tasks = [one for what in ("access_requested", "decision_contested") for one in kept.decisions(what)]
    assert [(one["action"], one["reason"]) for one in tasks] == [
        ("task_for_a_person", "answered by `retention customer ID --export`"),
        ("task_for_a_person", "trigger 0123"),
        ("task_for_a_person", "all decisions"),
    ]
    assert record_of(kept, "c").tail.restrictions == b""
    assert record_of(kept, "c").flags == 0
