"""The engine itself fails on a row: that row is set aside, its neighbours do not notice."""

from __future__ import annotations

from dataclasses import dataclass
from math import log1p
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.churn import Driver, Scorer
from models.customer.layout import SLAB, TICK
from models.customer.record import unpack
from models.customer.tail import UnknownRecord
from models.engine import decide
from models.engine.apply import apply
from models.engine.piece_input import PieceInput, Scoring
from models.engine.row_by_row import LEAST_ROWS, MOST_CUSTOMERS, TooManyFailures
from models.settings import DAY, EngineSettings
from models.timeline.batch import Batch
from models.timeline.pieces import Piece, next_piece
from models.timeline.shard_state import ShardState, initialised
from tests.support.bench import AMOUNT, RECENCY, TOPIC, Kept, Sick, Silence, run_alone
from tests.support.logs import START, log_of, synthetic, ticking, told

SETTINGS = EngineSettings(
    horizon=28 * DAY, anchor=START, phase="aligned", boundary=7 * DAY, version_delay=0, enter=0.75, exit=0.5
)
WELL = Silence(14.0)
POISON = 666.0
BY_AMOUNT = Sick(AMOUNT, log1p(POISON), well=WELL)
Entry = tuple[int, bytes | None, bytes | None]


def day(number: float) -> int:
    return START + int(number * DAY)


def bought(customer: str, number: float, amount: float = 10.0) -> Entry:
    return told("purchase", customer, day(number), {"amount": amount})


def run(scorer: Scorer, *entries: Entry, batch: int = 500) -> Kept:
    return run_alone(log_of(entries), SETTINGS, scorer, batch)


def without_letters(kept: Kept) -> list[tuple[str, str, bytes]]:
    return [(output.role, output.id, output.value) for output in kept.outputs if output.role != "deadletters"]


@pytest.mark.parametrize("batch", [1, 7, 500])
def test_an_event_on_which_the_engine_raises_is_dead_lettered_and_its_neighbours_are_bit_equal(batch: int) -> None:
    [log] = synthetic(11, partitions=1, customers=15, days=60)
    entries: list[Entry] = [(entry.timestamp, entry.key, entry.value) for entry in log]
    healthy = list(entries)
    busiest = max({key for _, key, _ in entries if key}, key=lambda key: sum(entry[1] == key for entry in entries))
    for at in (20, 60, 61, len(entries) // 2):
        customer = busiest if at != 60 else b"newcomer"
        time = entries[at][0]
        value = told("purchase", customer.decode(), time, {"amount": POISON}, id=f"poison-{at}")[2]
        entries.insert(at, (time, customer, value))
        healthy.insert(at, ticking(time))
    with_it = run(BY_AMOUNT, *entries, batch=batch)
    without = run(BY_AMOUNT, *healthy, batch=batch)
    assert with_it.records == without.records
    assert with_it.dues == without.dues
    assert without_letters(with_it) == without_letters(without)
    known = without.ids("deadletters")
    letters = [
        said
        for said, id in zip(with_it.said("deadletters"), with_it.ids("deadletters"), strict=True)
        if id not in known
    ]
    assert [letter["offset"] for letter in letters] == [20, 60, 61, len(log) // 2]
    for letter in letters:
        assert letter["code"] == "engine_error"
        assert "ZeroDivisionError: sick" in letter["reason"]
        assert letter["event_id"].startswith("poison")
        assert letter["size"] > 0


@pytest.mark.parametrize("batch", [1, 500])
def test_a_customer_whose_first_event_failed_can_still_be_created_by_the_next(batch: int) -> None:
    kept = run(BY_AMOUNT, bought("c", 1, POISON), bought("c", 2), batch=batch)
    assert kept.state.totals.dead == kept.state.totals.applied == 1
    assert kept.records == run(WELL, bought("c", 2)).records


@pytest.mark.parametrize("batch", [1, 500])
def test_a_failed_creation_opens_no_door_for_a_misplaced_event(batch: int) -> None:
    timestamp, _, value = bought("c", 2)
    kept = run(BY_AMOUNT, bought("c", 1, POISON), (timestamp, b"other", value), batch=batch)
    assert [letter["code"] for letter in kept.said("deadletters")] == ["engine_error", "wrong_partition"]
    assert kept.records == {}


@pytest.mark.parametrize("batch", [1, 500])
def test_a_creation_that_fails_after_a_misplaced_event_leaves_no_record(batch: int) -> None:
    timestamp, _, value = bought("c", 1)
    kept = run(BY_AMOUNT, (timestamp, b"other", value), bought("c", 2, POISON), batch=batch)
    assert [letter["code"] for letter in kept.said("deadletters")] == ["wrong_partition", "engine_error"]
    assert kept.records == {}


@pytest.mark.parametrize("batch", [1, 500])
def test_a_failed_event_may_be_delivered_again_and_is_no_duplicate(batch: int) -> None:
    poison = bought("c", 2, POISON)
    kept = run(BY_AMOUNT, bought("c", 1), poison, poison, batch=batch)
    assert [letter["offset"] for letter in kept.said("deadletters")] == [1, 2]
    assert kept.state.totals.duplicate == 0


@dataclass(frozen=True)
class SickOfSilence(Silence):
    def score(self, bases: NDArray[np.float32]) -> NDArray[np.float64]:
        if (np.isclose(bases[:, AMOUNT], log1p(POISON)) & (np.abs(bases[:, RECENCY] - 21.0) < 0.002)).any():
            raise ZeroDivisionError("sick")
        return super().score(bases)


@pytest.mark.parametrize("batch", [1, 500])
def test_a_due_item_that_raises_is_dead_lettered_with_customer_and_time_and_due_again_at_the_next_tick(
    batch: int,
) -> None:
    # Of one customer, at the third tick after the purchase; the second looks ahead to it.
    entries = [bought("c", 0.5, POISON), bought("other", 3), ticking(day(22)), ticking(day(36))]
    kept = run(SickOfSilence(14.0), *entries, batch=batch)
    letters = kept.said("deadletters")
    assert [letter["due"] for letter in letters] == [letter["timestamp"] for letter in letters]
    assert {letter["due"] for letter in letters} == {day(14), day(21)}
    for letter in letters:
        assert (letter["code"], letter["customer"], letter["offset"], letter["size"]) == ("engine_error", "c", 2, 0)
        assert "value" not in letter
    well = run(WELL, *entries, batch=batch)
    assert kept.records[b"other"] == well.records[b"other"]
    assert [(said["customer"], said["time"]) for said in kept.said("triggers")] == [("c", day(28)), ("other", day(31))]
    stopped = run(SickOfSilence(14.0), *entries[:-1], batch=batch)
    assert unpack(b"c", stopped.records[b"c"]).times[TICK] == day(28)


def _speechless(*_: object) -> list[Driver]:
    raise LookupError("no words")


@pytest.mark.parametrize("batch", [1, 500])
def test_a_row_that_fails_halfway_through_its_decision_leaves_nothing_behind(
    batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    well = run(WELL, bought("c", 0.5), ticking(day(29))).state.totals
    before = run(WELL, bought("c", 0.5), ticking(day(27)))
    monkeypatch.setattr(decide, "drivers", _speechless)
    kept = run(WELL, bought("c", 0.5), ticking(day(29)), batch=batch)
    assert [letter["due"] for letter in kept.said("deadletters")] == [day(28)]
    assert kept.said("triggers") == kept.decisions("episode_opened") == []
    record, untouched = (unpack(b"c", one.records[b"c"]) for one in (kept, before))
    assert record.times[TICK] == day(35)
    totals = kept.state.totals
    assert (totals.applied, totals.episodes, totals.dead) == (1, 0, 1)
    assert (totals.due, totals.scored) == (well.due - 1, well.scored - 1)
    assert (record.band, record.numbers, record.tail) == (untouched.band, untouched.numbers, untouched.tail)


def customers(poisoned: int, of: int, each: int) -> list[Entry]:
    """So many customers with so many purchases each; the first of each of the poisoned ones fails."""
    return [
        bought(f"c-{i}", 1 + n / each, POISON if i < poisoned and n == 0 else 10.0)
        for n in range(each)
        for i in range(of)
    ]


@pytest.mark.parametrize(("poisons", "healthy"), [(6, 41), (300, 0), (300, 200)])
def test_one_customer_alone_never_stops_a_shard(poisons: int, healthy: int) -> None:
    """As after an outage, when a producer sends again what it could not get rid of."""
    bad = [bought("bad", 1 + n / 1_000, POISON) for n in range(poisons)]
    good = [bought(f"c-{n}", 2, 10.0) for n in range(healthy)]
    assert run(BY_AMOUNT, *bad, *good, batch=1_000).state.totals.dead == poisons


def test_a_small_piece_says_nothing_of_the_engine() -> None:
    everybody = customers(LEAST_ROWS - 1, LEAST_ROWS - 1, 1)
    assert run(BY_AMOUNT, *everybody).state.totals.dead == LEAST_ROWS - 1


def test_an_engine_that_fails_for_many_customers_is_broken_itself() -> None:
    def entries(poisoned: int) -> list[Entry]:
        return customers(poisoned, 40, LEAST_ROWS // 40 + 1)

    assert run(BY_AMOUNT, *entries(MOST_CUSTOMERS)).state.totals.dead == MOST_CUSTOMERS
    with pytest.raises(TooManyFailures, match=f"{MOST_CUSTOMERS + 1} of 40 customers failed"):
        run(BY_AMOUNT, *entries(MOST_CUSTOMERS + 1))


def test_a_tenth_of_the_customers_may_fail() -> None:
    entries = customers(MOST_CUSTOMERS + 3, 10 * (MOST_CUSTOMERS + 3), 2)
    assert run(BY_AMOUNT, *entries, batch=1_000).state.totals.dead == MOST_CUSTOMERS + 3


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("batch", [1, 500])
def test_what_is_not_the_rows_fault_passes_through(error: type[BaseException], batch: int) -> None:
    with pytest.raises(error):
        run(Sick(AMOUNT, log1p(POISON), error, WELL), bought("c", 1), bought("c", 2, POISON), batch=batch)


def test_running_out_of_memory_while_looking_for_the_row_passes_through_too() -> None:
    class First:
        calls = 0

        def score(self, bases: NDArray[np.float32]) -> NDArray[np.float64]:
            self.calls += 1
            raise ValueError("first") if self.calls == 1 else MemoryError

    with pytest.raises(MemoryError):
        run(First(), bought("c", 1))


@pytest.mark.parametrize("value", [b"", bytes(SLAB.itemsize), b"\x01" + bytes(SLAB.itemsize - 1)])
def test_a_stored_record_that_cannot_be_read_stops_the_shard(value: bytes) -> None:
    log = log_of([bought("c", 1)])
    state = initialised(ShardState(0, 1, 0), SETTINGS, log[0].timestamp)
    batch = Batch.of(log)
    piece: Any = next_piece(state, SETTINGS, batch, 0)
    assert isinstance(piece, Piece)
    piece = piece._replace(last=1)
    with pytest.raises(UnknownRecord):
        apply(PieceInput(state, SETTINGS, TOPIC, piece, batch, [], {b"c": value}), Scoring(WELL))


@pytest.mark.parametrize("wrong", [-1e-17, 1.5, float("nan")])
def test_what_a_scorer_gives_that_is_no_probability_is_the_engines_fault(wrong: float) -> None:
    class Wrong(Silence):
        def score(self, bases: NDArray[np.float32]) -> NDArray[np.float64]:
            return np.full(len(bases), wrong)

    kept = run(Wrong(), bought("c", 1))
    [letter] = kept.said("deadletters")
    assert "which is no probability" in letter["reason"]


def test_an_error_before_any_row_was_begun_buries_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> int:
        raise RuntimeError("no compiler")

    monkeypatch.setattr("models.engine.piece_run.waves", fails)
    with pytest.raises(RuntimeError, match="no compiler"):
        run(WELL, ticking(day(0)), bought("c", 1))


def test_a_damaged_tail_of_somebody_else_does_not_change_how_a_failing_row_ends() -> None:
    kept = run(WELL, bought("damaged", 1), bought("c", 1))
    whole = kept.records[b"damaged"]
    length = SLAB.itemsize
    kept.records[b"damaged"] = whole[: length - 2] + (3).to_bytes(2, "little") + b"\xc1\xc1\xc1"
    log = log_of([bought("damaged", 2), bought("c", 2, POISON)])
    state = initialised(ShardState(0, 1, 0), SETTINGS, log[0].timestamp)
    batch = Batch.of(log)
    piece: Any = next_piece(state, SETTINGS, batch, 0)._replace(last=2)
    loaded = {customer: kept.records[customer] for customer in (b"damaged", b"c")}
    changes = apply(PieceInput(state, SETTINGS, TOPIC, piece, batch, [], loaded), Scoring(BY_AMOUNT))
    assert [output.role for output in changes.outputs] == ["deadletters", "examples"]  # the latter: a watermark
