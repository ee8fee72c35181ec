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
from streams.log_times import LogGap
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


def ids(log: str) -> list[int]:
    return [touch_of(timed).id_hash for timed in log_events(log)]


def test_a_row_is_the_same_touchpoint_in_every_file_and_another_row_never_is(tmp_path: Path) -> None:
    (tmp_path / "january").mkdir()
    (tmp_path / "february").mkdir()
    first, second = "anna,2024-01-01T10:00:00,purchase,10,1", "anna,2024-01-09T10:00:00,purchase,20,1"
    third, fourth = "anna,2024-02-11T10:00:00,purchase,30,1", "anna,2024-02-19T10:00:00,purchase,40,1"
    january = ids(a_csv(tmp_path / "january" / "orders.csv", first, second))
    february = ids(a_csv(tmp_path / "february" / "orders.csv", third, fourth))
    assert len({*january, *february}) == 4
    assert ids(a_csv(tmp_path / "all.csv", fourth, third, second, first)) == january + february


@pytest.mark.parametrize(
    "other",
    [
        "bert,2024-01-01,purchase,10,1",
        "anna,2024-01-02,purchase,10,1",
        "anna,2024-01-01,coupon_redeemed,10,1",
        "anna,2024-01-01,purchase,11,1",
        "anna,2024-01-01,purchase,10,2",
    ],
)
def test_a_row_that_says_anything_else_is_another_touchpoint(other: str, tmp_path: Path) -> None:
    assert len({*ids(a_csv(tmp_path / "shop.csv", "anna,2024-01-01,purchase,10,1", other))}) == 2


def test_of_rows_that_say_the_same_each_is_known_by_which_of_them_it_is(tmp_path: Path) -> None:
    row = "anna,2024-01-01,purchase,10,1"
    once = ids(a_csv(tmp_path / "once.csv", row, "anna,2024-01-02,purchase,10,1"))
    thrice = ids(a_csv(tmp_path / "thrice.csv", row, "bert,2024-01-01,purchase,10,1", row, row))
    assert thrice[0] == once[0]
    assert len({*thrice}) == 4
    assert ids(a_csv(tmp_path / "again.csv", row, row, row)) == [thrice[0], *thrice[2:]]


def test_a_campaign_that_a_log_does_not_name_is_the_same_touchpoint_in_a_file_of_another_name(tmp_path: Path) -> None:
    row = "anna,2024-01-01,campaign_received,,"
    assert ids(a_csv(tmp_path / "one.csv", row)) == ids(a_csv(tmp_path / "two.csv", row))


def a_line(id: str = "o-1", time_ms: int = 1_735_689_600_000) -> bytes:
    return event("purchase", id=id, source="/shop", subject="anna", time_ms=time_ms, data={"amount": 10.5}) + b"\n"


@pytest.mark.parametrize("name", ["log.jsonl", "log.json", "log.csv", "log"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "with a byte order mark"])
def test_json_lines_are_known_by_their_first_character_whatever_the_file_is_called(
    name: str, mark: bytes, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(mark + a_line())
    assert log_events(str(tmp_path / name)) == [TimedEvent(1_735_689_600_000, b"anna", a_line().strip())]


def test_a_json_array_is_refused_with_the_way_to_make_lines_of_it(tmp_path: Path) -> None:
    (tmp_path / "log.json").write_bytes(b"[" + a_line() + b"]")
    with pytest.raises(LogInvalid, match=r"log\.json is one JSON array.*jq -c '\.\[\]' log\.json > log\.jsonl"):
        log_events(str(tmp_path / "log.json"))


@pytest.mark.parametrize("line", [b"{nonsense\n", a_line().replace(b"10.5", b"-1"), a_line().replace(b"o-1", b"")])
def test_a_refusal_of_a_json_line_ends_with_what_helps_there(line: bytes, tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_bytes(a_line() + line)
    with pytest.raises(LogInvalid, match=r"line 2: .*remedy: .*one CloudEvent a line.*publish --check") as refused:
        log_events(str(tmp_path / "log.jsonl"))
    assert "CSV" not in str(refused.value)


def test_a_json_line_in_another_encoding_is_named_with_how_it_would_read(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_bytes(a_line() + a_line().replace(b"anna", "jürgen".encode("latin-1")))
    with pytest.raises(LogInvalid, match=r"line 2: the byte 0xfc is not UTF-8.*jürgen.*iconv -f WINDOWS-1252 -t UTF-8"):
        log_events(str(tmp_path / "log.jsonl"))


def test_a_gap_is_named_with_the_rows_on_both_sides_and_may_be_allowed(tmp_path: Path) -> None:
    log = a_csv(
        tmp_path / "shop.csv",
        "anna,2024-01-01,purchase,1,1",
        "bert,2038-01-19,purchase,1,1",
        "carl,2024-02-01,purchase,1,1",
    )
    told = r"5,101 days .*between line 4 \(customer 'carl' at 2024-02-01.* and line 3 \(customer 'bert' at 2038-01-19"
    with pytest.raises(LogGap, match=told + ".*182 days are the most.*remedy.*--log-gap-days"):
        log_events(log)
    assert len(log_events(log, longest_gap_days=5_101)) == 3


def test_a_gap_at_the_beginning_and_in_json_lines_is_named_too(tmp_path: Path) -> None:
    year = 31_536_000_000
    (tmp_path / "log.jsonl").write_bytes(a_line("new") + a_line("old", 1_735_689_600_000 - 20 * year))
    with pytest.raises(LogGap, match=r"7,300 days .*between line 2 .* and line 1 .*; 1 of the log's events"):
        log_events(str(tmp_path / "log.jsonl"))


@pytest.mark.parametrize(
    ("time", "told"),
    [
        ("0001-01-01", "0001-01-01T00:00:00.00:00, before 1990"),
        ("1989-12-31T23:59:59", "before 1990"),
        ("2100-01-01", "after the year 2099"),
        ("9999-12-31", "after the year 2099"),
    ],
)
def test_a_time_outside_of_what_a_record_can_hold_is_named_with_its_line(time: str, told: str, tmp_path: Path) -> None:
    log = a_csv(tmp_path / "shop.csv", "anna,2024-01-01,purchase,1,1", f"bert,{time},purchase,1,1")
    with pytest.raises(LogInvalid, match=rf"shop\.csv, line 3, row of customer 'bert'.*its time is .*{told}"):
        log_events(log, longest_gap_days=1e9)


def test_the_first_and_the_last_moment_that_a_record_can_hold_are_taken(tmp_path: Path) -> None:
    log = a_csv(tmp_path / "shop.csv", "a,1990-01-01,purchase,1,1", "a,2099-12-31T23:59:59.999,purchase,1,1")
    assert len(log_events(log, longest_gap_days=1e9)) == 2


@pytest.mark.parametrize("compressed", [False, True])
def test_json_lines_of_cloudevents_are_taken_as_they_are_and_sorted(tmp_path: Path, compressed: bool) -> None:
    values = [
        event("visit", id=f"v-{n}", source="web", subject="anna", time_ms=time, data={})
        for n, time in enumerate((1_600_000_000_000, 1_500_000_000_000))
    ]
    path = tmp_path / ("log.jsonl.gz" if compressed else "log.jsonl")
    text = b"\n".join(values) + b"\n\n"
    path.write_bytes(gzip.compress(text) if compressed else text)
    assert log_events(str(path), longest_gap_days=2_000) == [
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
