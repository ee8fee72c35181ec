"""What the engine makes of records: good, repeated, late, ahead, misplaced, bad."""

from __future__ import annotations

import base64
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.customer.bands import Band
from models.customer.layout import DUE, ERASED, NEWEST, PURCHASE_DAYS, SLAB, SPENT
from models.customer.record import Record, unpack
from models.outputs import KEPT_OF_OVERSIZE
from models.settings import DAY, HOUR, MINUTE, EngineSettings
from models.simulation.rehearsal import rehearse
from models.timeline.batch import LogRecord
from models.timeline.partitioning import partition_of
from models.touchpoints import MAX_EVENT_BYTES, Code
from tests.support.bench import Curious, Kept, Silence, run_alone
from tests.support.logs import (
    START,
    bad_values,
    choosing,
    chosen,
    chosen_policy,
    chosen_settings,
    clock,
    log_of,
    synthetic,
    ticking,
    told,
)

SETTINGS = EngineSettings(
    horizon=28 * DAY, anchor=START, phase="aligned", boundary=7 * DAY, version_delay=0, enter=0.75, exit=0.5
)
SCORER = Silence(14.0)
"""Risk 0.5 after 14 days of silence, 0.75 after 28."""


def day(number: float) -> int:
    return START + int(number * DAY)


def bought(customer: str, number: float, amount: float = 10.0, **more: object) -> tuple[int, bytes, bytes]:
    return told("purchase", customer, day(number), {"amount": amount}, **more)


def run(*entries: tuple[int, bytes | None, bytes | None], batch: int = 500) -> Kept:
    return run_alone(log_of(entries), SETTINGS, SCORER, batch)


def record_of(kept: Kept, customer: str) -> Record:
    return unpack(customer.encode(), kept.records[customer.encode()])


@pytest.mark.parametrize("batch", [1, 500])
def test_a_repeated_event_is_counted_and_dropped(batch: int) -> None:
    once = bought("c", 1)
    kept = run(once, once, bought("c", 2), once, batch=batch)
    assert kept.state.totals.duplicate == 2
    assert kept.state.totals.applied == 2
    assert record_of(kept, "c").numbers[PURCHASE_DAYS] == 2


def test_the_same_id_from_another_source_is_another_event() -> None:
    one, other = bought("c", 1, id="x"), bought("c", 1, id="x")
    elsewhere = (other[0], other[1], other[2].replace(b"urn:example:shop", b"urn:example:till"))
    assert run(one, elsewhere).state.totals.applied == 2


@pytest.mark.parametrize(("delay", "late"), [(HOUR, 0), (HOUR + 1, 1)])
def test_a_touchpoint_is_late_when_it_is_older_than_the_allowed_lateness(delay: int, late: int) -> None:
    totals = run(bought("c", 1), bought("c", 2, at=day(2) + delay)).state.totals
    assert (totals.late, totals.applied) == (late, 2 - late)


def test_a_late_purchase_still_counts() -> None:
    record = record_of(run(bought("c", 9, 10), bought("c", 2, 20, at=day(9.5))), "c")
    assert (record.numbers[PURCHASE_DAYS], record.numbers[SPENT]) == (2, 30)


def test_a_late_touchpoint_never_opens_an_episode_by_itself() -> None:
    at = day(5.5)
    late, intime = (
        run_alone(log_of([bought("c", 0.5), told("visit", "c", when, at=at)]), SETTINGS, Curious())
        for when in (day(3), at)
    )
    assert late.state.totals.scored == 2  # the purchase, the visit
    assert late.said("triggers") == []
    assert record_of(late, "c").band == Band.WATCH
    assert [trigger["time"] for trigger in intime.said("triggers")] == [at]


def test_a_producers_clock_that_is_ahead_is_counted_and_held_back() -> None:
    ahead = told("visit", "c", day(1) + 50 * MINUTE, at=day(1))
    kept = run(bought("c", 0.5), ahead)
    assert kept.state.totals.skewed == 1
    assert record_of(kept, "c").times[NEWEST] == day(1)


def test_a_duplicate_that_was_ahead_is_counted_both_ways_whatever_the_batch() -> None:
    ahead = told("visit", "c", day(1) + 50 * MINUTE, at=day(1))
    for batch in (1, 500):
        totals = run(bought("c", 0.5), ahead, ahead, batch=batch).state.totals
        assert (totals.skewed, totals.duplicate) == (2, 1)


def doubted(*entries: tuple[int, bytes | None, bytes | None], window: int = 0) -> tuple[int, int, int, int]:
    """Applied, duplicate, unsure, beyond; of all entries in one batch and in batches of one."""
    whole, single = (
        rehearse(
            [log_of(entries)], replace(SETTINGS, duplicate_window=window), batch=lambda at, size=size: size
        ).shards[0]
        for size in (500, 1)
    )
    assert (whole.unsure, whole.beyond) == (single.unsure, single.beyond)
    assert whole.records == single.records
    totals = whole.state.totals
    return totals.applied + totals.late, totals.duplicate, whole.unsure, whole.beyond


def again(entry: tuple[int, bytes, bytes], number: float) -> tuple[int, bytes, bytes]:
    """The same touchpoint at another moment of the log."""
    return day(number), *entry[1:]


NINE = [bought("c", number) for number in range(1, 10)]


def test_what_comes_again_is_dropped_among_the_last_eight_and_counted_as_unsure_beyond_them() -> None:
    assert doubted(*NINE) == (9, 0, 0, 0)
    assert doubted(*NINE, again(NINE[1], 10)) == (9, 1, 0, 0)
    assert doubted(*NINE, again(NINE[0], 10)) == (10, 0, 1, 0)


def test_who_has_had_eight_touchpoints_at_most_counts_none_twice_and_leaves_no_doubt() -> None:
    assert doubted(*NINE[:8], *(again(entry, 10) for entry in NINE[:8])) == (8, 8, 0, 0)
    assert doubted(*NINE[1:8], again(NINE[0], 10)) == (8, 0, 0, 0)


@pytest.mark.parametrize(
    ("window", "told"), [(9 * DAY, (10, 0, 1, 0)), (8 * DAY, (10, 0, 1, 0)), (7 * DAY, (9, 1, 0, 1))]
)
def test_a_doubtful_touchpoint_that_is_older_than_the_window_is_dropped(window: int, told: tuple[int, ...]) -> None:
    assert doubted(*NINE, again(NINE[0], 10), window=window) == told


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("consent_changed", {"marketing": False}),
        ("message_unsubscribed", {"channel": "email"}),
        ("spam_reported", {"channel": "email"}),
        ("restricted", {"reason": "do_not_contact"}),
        ("erase_requested", {}),
        ("access_requested", {}),
        ("restriction_requested", {}),
        ("decision_contested", {}),
    ],
)
def test_what_people_say_of_their_data_is_not_dropped_for_its_age(kind: str, data: dict[str, object]) -> None:
    late = told(kind, "c", day(0.5), data, at=day(10))
    assert doubted(*NINE, late, window=1) == (10, 0, 1, 0)


def test_a_log_that_is_sent_twice_counts_once_where_the_window_is_short() -> None:
    log = [bought("c", number) for number in range(1, 31)]
    assert doubted(*log, *(again(entry, 40) for entry in log), window=1) == (30, 30, 0, 22)


def test_a_customer_is_created_only_on_their_own_partition() -> None:
    right = partition_of("c", 4)
    log = log_of([bought("c", 1)])
    assert run_alone(log, SETTINGS, SCORER, partition=right, partitions=4).state.totals.applied == 1
    wrong = run_alone(log, SETTINGS, SCORER, partition=(right + 1) % 4, partitions=4)
    assert wrong.records == {}
    [letter] = wrong.said("deadletters")
    assert letter["code"] == "wrong_partition"
    assert "murmur2" in letter["reason"]
    assert (letter["customer"], letter["event_type"]) == ("c", "purchase")


@pytest.mark.parametrize("key", [None, b"", b"C"])
@pytest.mark.parametrize("batch", [1, 500])
def test_the_key_must_be_the_subject_when_a_customer_is_created_and_only_then(key: bytes | None, batch: int) -> None:
    def strayed(number: float) -> tuple[int, bytes | None, bytes]:
        timestamp, _, value = bought("c", number)
        return timestamp, key, value

    kept = run(strayed(1), bought("c", 2), strayed(3), batch=batch)
    assert [letter["offset"] for letter in kept.said("deadletters")] == [0]
    assert record_of(kept, "c").numbers[PURCHASE_DAYS] == 2


@pytest.mark.parametrize("batch", [1, 500])
def test_what_made_no_record_opens_no_door_for_a_misplaced_one(batch: int) -> None:
    timestamp, _, value = bought("c", 2)
    kept = run(told("expired_unsent", "c", day(1), {"trigger_id": "00"}), (timestamp, b"other", value), batch=batch)
    assert [letter["code"] for letter in kept.said("deadletters")] == ["wrong_partition"]
    assert kept.records == {}


@pytest.mark.parametrize("batch", [1, 3, 500])
def test_bad_records_of_every_kind_do_no_harm_to_the_good_ones_between_them(batch: int) -> None:
    entries: list[tuple[int, bytes | None, bytes | None]] = []
    expected = {}
    for number, (code, value) in enumerate(bad_values("c", day(1)).items()):
        entries.append(bought("c", 1 + number))
        expected[len(entries)] = code
        entries.append((day(1 + number) + 1, b"key-%d" % number, value))
    stray = bought("stray", 20)
    expected[len(entries)] = "wrong_partition"
    entries.append((stray[0], b"not the subject", stray[2]))
    expected[len(entries)] = "unknown_model"
    entries.append((day(20) + 1, None, chosen(day(20), "nobody")))
    expected[len(entries)] = "unfit_settings"
    entries.append((day(20) + 2, None, chosen_settings(day(20), 1, enter=0.3, exit=0.9)))
    expected[len(entries)] = "unfit_policy"
    entries.append((day(20) + 3, None, chosen_policy(day(20), 1, "format = 1")))
    entries.append(bought("c", 21))
    kept = run_alone(log_of(entries, first=100), SETTINGS, SCORER, batch)
    letters = kept.said("deadletters")
    assert {letter["offset"] - 100: letter["code"] for letter in letters} == expected
    assert len(letters) == len(expected) == kept.state.totals.dead
    # Of more stops than a shard keeps `test_stops_in_force.py` tells.
    assert {*expected.values(), "engine_error", "unfit_stop"} == set(map(str, Code))
    for letter in letters:
        timestamp, key, value = entries[letter["offset"] - 100]
        assert (letter["partition"], letter["topic"]) == (0, "retention.touchpoints")
        assert letter["timestamp"] == timestamp
        assert letter["reason"]
        assert base64.b64decode(letter.get("key", "")) == (key or b"")
        assert letter["size"] == len(value or b"")
        kept_value = (value or b"")[: KEPT_OF_OVERSIZE if letter["code"] == "oversize" else None]
        assert base64.b64decode(letter.get("value", "")) == kept_value
    good = [entry for number, entry in enumerate(entries) if number not in expected]
    assert record_of(kept, "c").pack() == record_of(run(*good), "c").pack()
    assert set(kept.records) == {b"c"}


def test_an_oversize_record_keeps_its_first_four_kib() -> None:
    value = bytes(range(256)) * 300
    assert len(value) > MAX_EVENT_BYTES
    [letter] = run((day(1), b"c", value)).said("deadletters")
    assert base64.b64decode(letter["value"]) == value[:4096]
    assert letter["size"] == len(value)


def test_a_dead_letter_moves_time_like_any_other_record() -> None:
    kept = run(bought("c", 0.5), (day(40), None, b"junk"))
    assert kept.state.time == day(40)
    assert [trigger["time"] for trigger in kept.said("triggers")] == [day(28)]


def test_a_clock_record_moves_time_and_nothing_else() -> None:
    kept = run(ticking(day(1)), ticking(day(2)))
    assert kept.state.totals.clocks == 2
    assert (kept.records, kept.dues) == ({}, {})
    assert kept.state.time == day(2)
    assert {output.role for output in kept.outputs} == {"decisions", "examples"}  # versions and watermarks
    often = [bought("c", 0.5), *(ticking(day(0.5 + i / 10)) for i in range(1, 300)), bought("c", 33)]
    seldom = [often[0], often[-1]]
    assert run(*often).records == run(*seldom).records


@pytest.mark.parametrize("batch", [1, 500])
def test_of_an_erased_customer_nothing_remains_but_that_they_were(batch: int) -> None:
    erased = told("erase_requested", "c", day(30), id="forget me")
    kept = run(
        bought("c", 0.5, 77),
        told("preferences_updated", "c", day(1), {"channels": ["app"]}),
        told("visit", "c", day(29)),
        erased,
        erased,
        bought("c", 31),
        told("visit", "c", day(32)),
        ticking(day(80)),
        batch=batch,
    )
    record = record_of(kept, "c")
    blank = Record(b"c")
    blank.flags, blank.band = ERASED, Band.ERASED
    assert record.times == blank.times
    assert record.numbers == blank.numbers
    assert record.tail == blank.tail
    assert len(record.pack()) == SLAB.itemsize
    assert (record.flags, record.band) == (ERASED, Band.ERASED)
    assert len(kept.decisions("erased")) == 1
    assert kept.state.totals.duplicate == 1
    assert all(trigger["time"] < day(30) for trigger in kept.said("triggers"))
    assert kept.dues == {}


def test_who_is_erased_before_they_were_known_is_remembered_as_erased() -> None:
    kept = run(told("erase_requested", "c", day(1)), bought("c", 2), ticking(day(60)))
    assert record_of(kept, "c").flags == ERASED
    assert kept.said("triggers") == []


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.sampled_from([1, 2, 13, 500]), st.sampled_from([1, 4, 1000]))
def test_whatever_comes_every_record_is_accounted_for_exactly_once(seed: int, batch: int, items: int) -> None:
    [log] = synthetic(seed, partitions=1, customers=12, days=90)
    log = choosing(log, [(START + at * DAY, model) for at, model in ((20, "adagrad"), (40, "nobody"), (60, None))])
    kept = run_alone(log, replace(SETTINGS, piece_items=items), SCORER, batch)
    state = kept.state
    totals = state.totals
    assert totals.applied + totals.duplicate + totals.late + totals.dead + totals.clocks + totals.choices == len(log)
    assert totals.choices == 2
    assert state.next_offset == log[-1].offset + 1
    assert (state.commit_position, state.commit_customer) == (0, "")
    for role, count in state.sequences.items():
        assert [output.sequence for output in kept.outputs if output.role == role] == list(range(1, count + 1))
        assert len(set(kept.ids(role))) == count
    records = {customer: unpack(customer, value) for customer, value in kept.records.items()}
    bands = Counter(record.band for record in records.values())
    assert state.bands == tuple(bands[band] for band in range(len(Band)))
    for customer, record in records.items():  # the due set is a lower bound of what the records say
        if record.times[DUE] != float("inf"):
            assert kept.dues[customer] <= record.times[DUE]
    assert totals.triggers == len(kept.said("triggers"))
    assert totals.episodes == len(kept.decisions("episode_opened"))
    assert totals.dead == len(kept.said("deadletters"))


def test_offsets_may_have_gaps() -> None:
    log = log_of([bought("c", 0.5), told("visit", "c", day(29.5)), (day(30), None, clock(day(30)))])
    gaps = [LogRecord(10 * entry.offset + 7, *entry[1:]) for entry in log]
    for batch in (1, 500):
        kept = run_alone(gaps, SETTINGS, SCORER, batch)
        assert kept.state.next_offset == 28
        assert [trigger["at"]["offset"] for trigger in kept.said("triggers")] == [17]
