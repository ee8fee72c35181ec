"""Log files as touchpoints."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from models.touchpoints import Kind, Touch, event, read
from streams.datasets import LogInvalid
from streams.log_events import LogUnreadable, TimedEvent, log_events
from tests.logs import damaged

HEADER = "customer_id,ts,type,amount,qty\n"


def a_csv(path: Path, *lines: str) -> str:
    path.write_text(HEADER + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


def touch_of(timed: TimedEvent) -> Touch:
    touch = read(timed.value, timed.key, timed.time)
    assert isinstance(touch, Touch)
    return touch


def test_every_row_type_becomes_its_touchpoint(tmp_path: Path) -> None:
    log = a_csv(
        tmp_path / "shop.csv",
        "anna,2020-01-01,purchase,19.5,2",
        "anna,2020-01-02,return,-19.5,-2",
        "anna,2020-01-03,campaign_received,0,0",
        "anna,2020-01-04,coupon_redeemed,-3,0",
    )
    touches = [touch_of(timed) for timed in log_events(log)]
    assert [touch.kind for touch in touches] == [
        Kind.PURCHASE,
        Kind.RETURN,
        Kind.CAMPAIGN_RECEIVED,
        Kind.COUPON_REDEEMED,
    ]
    assert [touch.a for touch in touches] == [19.5, 19.5, 0.0, 3.0]


def test_rows_are_sorted_by_time_and_those_of_one_moment_keep_the_files_order(tmp_path: Path) -> None:
    log = a_csv(
        tmp_path / "shop.csv",
        "carl,2020-01-02,purchase,1,1",
        "anna,2020-01-01,purchase,2,1",
        "bert,2020-01-02,purchase,3,1",
    )
    assert [timed.key for timed in log_events(log)] == [b"anna", b"carl", b"bert"]


def test_ids_are_the_same_at_every_reading_and_different_for_equal_rows(tmp_path: Path) -> None:
    log = a_csv(tmp_path / "shop.csv", *["anna,2020-01-01,purchase,2,1"] * 3)
    first, second = log_events(log), log_events(log)
    assert first == second
    assert len({touch_of(timed).id_hash for timed in first}) == 3


@pytest.mark.parametrize("compressed", [False, True])
def test_json_lines_of_cloudevents_are_taken_as_they_are_and_sorted(tmp_path: Path, compressed: bool) -> None:
    values = [
        event("visit", id=f"v-{n}", source="web", subject="anna", time_ms=time, data={})
        for n, time in enumerate((1_600_000_000_000, 1_500_000_000_000))
    ]
    path = tmp_path / ("log.jsonl.gz" if compressed else "log.jsonl")
    text = b"\n".join(values) + b"\n\n"
    path.write_bytes(gzip.compress(text) if compressed else text)
    assert log_events(str(path)) == [
        TimedEvent(1_500_000_000_000, b"anna", values[1]),
        TimedEvent(1_600_000_000_000, b"anna", values[0]),
    ]


def test_a_row_of_an_unknown_type_is_named_with_what_a_log_takes(tmp_path: Path) -> None:
    log = a_csv(tmp_path / "shop.csv", "anna,2020-01-01,gift,2,1")
    with pytest.raises(LogInvalid, match=r"'anna' at 2020-01-01.*type is 'gift'.*purchase, return"):
        log_events(log)


def test_rows_of_unknown_types_are_counted_where_the_caller_takes_the_count(tmp_path: Path) -> None:
    log = a_csv(
        tmp_path / "shop.csv",
        "anna,2020-01-01,gift,2,1",
        "anna,2020-01-02,purchase,2,1",
        "bert,2020-01-03,note,,",
        "bert,2020-01-04,gift,2,1",
        "bert,2020-01-05,visit,,",
    )
    passed_over: Counter[str] = Counter()
    events = log_events(log, passed_over)
    assert [touch_of(timed).kind for timed in events] == [Kind.PURCHASE, Kind.VISIT]
    assert passed_over == {"gift": 2, "note": 1}
    with pytest.raises(LogInvalid, match="type is 'gift'"):
        log_events(log)


def test_a_log_of_unknown_types_alone_is_refused_with_what_it_has_and_what_a_log_takes(tmp_path: Path) -> None:
    rows = [f"anna,2020-01-01,type-{number % 12},2,1" for number in range(2_000)]
    told = r"(?s)no row of shop is .* purchase, return.* it has type-0 167, type-1 167, .*, and 2 types more"
    with pytest.raises(LogInvalid, match=told):
        log_events(a_csv(tmp_path / "shop.csv", *rows), Counter())
    assert log_events(a_csv(tmp_path / "shop.csv"), Counter()) == []


@pytest.mark.parametrize("passed_over", [None, Counter[str]()], ids=["all", "those of known types"])
def test_a_purchase_of_less_than_nothing_is_named_whoever_reads(
    passed_over: Counter[str] | None, tmp_path: Path
) -> None:
    log = a_csv(tmp_path / "shop.csv", "anna,2020-01-01,purchase,2,1", "anna,2020-01-02,purchase,2,-1")
    with pytest.raises(LogInvalid, match=r"'anna' at 2020-01-02.*data\.quantity.*-1"):
        log_events(log, passed_over)


@pytest.mark.parametrize("spoil", [lambda lines: gzip.compress(lines)[:-12], damaged], ids=["cut short", "damaged"])
def test_compressed_json_that_can_not_be_read_to_its_end_is_named(
    spoil: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    path = tmp_path / "log.jsonl.gz"
    line = event("visit", id="v", source="web", subject="anna", time_ms=1_500_000_000_000, data={})
    path.write_bytes(spoil(b"\n".join([line] * 1_000)))
    with pytest.raises(LogInvalid, match=r"log\.jsonl\.gz, after line \d+: .*remedy"):
        log_events(str(path))


def test_a_time_that_has_no_name_in_utc_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    value = event("visit", id="v", source="web", subject="anna", time_ms=1_500_000_000_000, data={})
    path.write_bytes(value.replace(b"2017-07-14T02:40:00.000Z", b"9999-12-31T23:59:59-14:00"))
    with pytest.raises(LogInvalid, match="line 1: its time is after the year 9999"):
        log_events(str(path))


def test_a_row_that_can_not_be_a_touchpoint_is_named_with_field_and_value(tmp_path: Path) -> None:
    log = a_csv(tmp_path / "shop.csv", "anna,2020-01-01,purchase,-2,1")
    with pytest.raises(LogInvalid, match=r"'anna'.*data\.amount.*-2"):
        log_events(log)


def test_a_bad_line_of_json_is_named_by_its_number(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text("\n{nonsense\n")
    with pytest.raises(LogInvalid, match="line 2: not_json"):
        log_events(str(path))


def test_reserved_types_are_not_taken_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(event("clock", id="c", source="x", subject=None, time_ms=1_600_000_000_000, data={}))
    with pytest.raises(LogInvalid, match="line 1: a reserved type"):
        log_events(str(path))


def test_a_missing_file_is_named_with_what_may_be_given() -> None:
    with pytest.raises(LogUnreadable, match=r"no-such\.csv.*remedy.*cdnow"):
        log_events("no-such.csv")
