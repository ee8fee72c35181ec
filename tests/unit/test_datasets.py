"""Logs are read exactly, and a bad line is named so that it can be found and corrected."""

from __future__ import annotations

import bz2
import gzip
import io
import itertools
import lzma
import re
import zipfile
from pathlib import Path

import pytest

from streams import datasets
from streams.datasets import DatasetUnavailable, LogInvalid, LogRow, cdnow, default_cache_dir, read_log
from tests.logs import damaged

HEADER = "customer_id,ts,type,amount,qty\n"


def log(directory: Path, text: str) -> Path:
    path = directory / "log.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_come_in_the_order_of_the_file_with_times_in_milliseconds(tmp_path: Path) -> None:
    path = log(tmp_path, HEADER + "4,1997-01-01,purchase,29.33,2\n\n21,1970-01-01T00:00:01.234,return,-6,-1\n")
    assert list(read_log(path)) == [
        LogRow("4", 852_076_800_000, "purchase", 29.33, 2.0),
        LogRow("21", 1_234, "return", -6.0, -1.0),
    ]


def test_gzip_is_recognised_by_its_content_not_its_name(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(gzip.compress((HEADER + "4,1997-01-01,purchase,1,1\n").encode()))
    assert [row.customer_id for row in read_log(path)] == ["4"]


def test_columns_may_stand_in_any_order_among_others(tmp_path: Path) -> None:
    path = log(tmp_path, 'type,note,qty,amount,ts,customer_id\npurchase,"a, b",1,2,1997-01-01,7\n')
    assert list(read_log(path)) == [LogRow("7", 852_076_800_000, "purchase", 2.0, 1.0)]


def test_a_time_with_an_offset_is_taken_at_its_word(tmp_path: Path) -> None:
    path = log(tmp_path, HEADER + "4,1970-01-01T01:00:00+01:00,purchase,1,1\n5,1970-01-01T00:00:00Z,purchase,1,1\n")
    assert [row.ts for row in read_log(path)] == [0, 0]


@pytest.mark.parametrize("compressed", [False, True])
def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path, compressed: bool) -> None:
    path = log(tmp_path, "\ufeff" + HEADER + "4,1997-01-01,purchase,1,1\n")
    if compressed:
        path.write_bytes(gzip.compress(path.read_bytes()))
    assert [row.customer_id for row in read_log(path)] == ["4"]


def test_amount_and_quantity_may_be_empty_where_nothing_is_bought_or_brought_back(tmp_path: Path) -> None:
    kinds = ["campaign_received", "coupon_redeemed", "visit", "subscription_renewed", "a type of another shop"]
    path = log(tmp_path, HEADER + "".join(f"4,1997-01-01,{kind},, \n" for kind in kinds))
    assert [(row.type, row.amount, row.qty) for row in read_log(path)] == [(kind, 0.0, 0.0) for kind in kinds]


@pytest.mark.parametrize("kind", ["purchase", "return"])
@pytest.mark.parametrize(("numbers", "column"), [(",1", "amount"), ("1,", "qty")])
def test_a_purchase_or_return_says_how_much(kind: str, numbers: str, column: str, tmp_path: Path) -> None:
    with pytest.raises(LogInvalid, match=f"line 2, column {column}: '' is not a finite number"):
        list(read_log(log(tmp_path, HEADER + f"4,1997-01-01,{kind},{numbers}\n")))


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-14:00"])
def test_a_moment_that_has_no_name_in_utc_is_refused(moment: str, tmp_path: Path) -> None:
    with pytest.raises(LogInvalid, match=re.escape(f"line 2, column ts: '{moment}' is not an ISO 8601 date")):
        list(read_log(log(tmp_path, HEADER + f"4,{moment},purchase,1,1\n")))


def test_a_long_log_is_read_as_its_rows_are_asked_for(tmp_path: Path) -> None:
    path = log(tmp_path, HEADER + "4,1997-01-01,purchase,1,1\n" * 10 + "4,never,purchase,1,1\n")
    assert len(list(itertools.islice(read_log(path), 10))) == 10


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("4,31.01.1997,purchase,1,1", r"line 3, column ts: '31.01.1997' is not an ISO 8601 date"),
        ("4,1997-01-01,purchase,12 $,1", r"line 3, column amount: '12 \$' is not a finite number"),
        ("4,1997-01-01,purchase,nan,1", r"line 3, column amount: 'nan' is not a finite number"),
        ("4,1997-01-01,purchase,1,", r"line 3, column qty: '' is not a finite number"),
        (" ,1997-01-01,purchase,1,1", r"line 3, column customer_id: ' ' is not an identifier"),
        ("4,1997-01-01,,1,1", r"line 3, column type: '' is not a touchpoint type"),
        ("4,1997-01-01,purchase,1", r"line 3: 4 fields where the header names 5"),
        ("4,1997-01-01,purchase,1,1,1", r"line 3: 6 fields where the header names 5"),
        ('4,1997-01-01,"purchase"s,1,1', r"line 3: .*expected after"),
    ],
)
def test_a_bad_line_is_named_with_column_value_and_remedy(line: str, complaint: str, tmp_path: Path) -> None:
    path = log(tmp_path, HEADER + "4,1997-01-01,purchase,1,1\n" + line + "\n")
    rows = read_log(path)
    assert next(rows).customer_id == "4"
    with pytest.raises(LogInvalid, match=rf"log\.csv, {complaint}.*remedy: correct the line"):
        next(rows)


@pytest.mark.parametrize("header", ["", "customer_id,ts,type,qty\n", "4,1997-01-01,purchase,29.33,2\n"])
def test_a_header_without_the_columns_is_refused(header: str, tmp_path: Path) -> None:
    with pytest.raises(LogInvalid, match=r"line 1: no column .*amount"):
        next(read_log(log(tmp_path, header)))


def test_a_gzip_file_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.csv.gz"
    path.write_bytes(gzip.compress((HEADER + "4,1997-01-01,purchase,1,1\n" * 1_000).encode())[:-12])
    with pytest.raises(LogInvalid, match=r"log\.csv\.gz, after line"):
        list(read_log(path))


def test_a_gzip_file_that_is_damaged_inside_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.csv.gz"
    path.write_bytes(damaged((HEADER + "4,1997-01-01,purchase,1,1\n" * 1_000).encode()))
    with pytest.raises(LogInvalid, match=r"log\.csv\.gz, after line .*decompressing"):
        list(read_log(path))


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(HEADER.encode() + "Jürgen,1997-01-01,purchase,1,1\n".encode("latin-1"))
    with pytest.raises(LogInvalid, match=r"line 2: the byte 0xfc is not UTF-8.*reads 'Jürgen,.*iconv -f WINDOWS-1252"):
        list(read_log(path))


def test_blanks_around_an_id_a_type_and_a_column_are_dropped(tmp_path: Path) -> None:
    path = log(
        tmp_path, "customer_id, ts ,type,amount,qty\nc1,2024-01-01,purchase,1,1\n c1 ,2024-01-02, purchase ,1,1\n"
    )
    assert [(row.customer_id, row.type) for row in read_log(path)] == [("c1", "purchase")] * 2


def test_a_column_that_is_named_twice_is_refused_by_name_where_the_log_needs_it(tmp_path: Path) -> None:
    row = "a,2024-01-01,purchase,1,1,999\n"
    with pytest.raises(LogInvalid, match=r"log\.csv, line 1: amount is named 2 times; which one counts"):
        list(read_log(log(tmp_path, "customer_id,ts,type,amount,qty,amount\n" + row)))
    ignored = "customer_id,ts,type,amount,qty,note,note\na,2024-01-01,purchase,1,1,x,y\n"
    assert [row.amount for row in read_log(log(tmp_path, ignored))] == [1.0]


def test_a_long_field_that_is_ignored_does_no_harm(tmp_path: Path) -> None:
    path = log(tmp_path, "customer_id,ts,type,amount,qty,note\na,2024-01-01,purchase,1,1," + "x" * 200_000 + "\n")
    assert [row.customer_id for row in read_log(path)] == ["a"]


def a_zip(*names: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name in names:
            archive.writestr(name, "application/vnd.oasis.opendocument.spreadsheet" if name == "mimetype" else HEADER)
    return held.getvalue()


TEXT = HEADER + "4,1997-01-01,purchase,1,1\n"


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "in gzip"])
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (TEXT.encode("utf-16"), "text in UTF-16.*iconv -f UTF-16"),
        (TEXT.encode("utf-16-le"), "text in UTF-16"),
        (TEXT.encode("utf-32"), "text in UTF-32"),
        (
            a_zip("[Content_Types].xml", "xl/workbook.xml"),
            r"an Excel workbook \(\.xlsx\); save the sheet as 'CSV UTF-8'",
        ),
        (a_zip("mimetype", "content.xml"), r"a LibreOffice spreadsheet"),
        (a_zip("orders.csv"), "a zip archive; unpack it"),
        (b"PAR1" + bytes(99), "a Parquet file; .*to_csv"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), r"an old Excel workbook \(\.xls\)"),
        (bz2.compress(TEXT.encode()), "packed with bzip2; unpack it"),
        (lzma.compress(TEXT.encode()), "packed with xz"),
        (b"SQLite format 3\x00" + bytes(99), "an SQLite database; export"),
        (TEXT.encode() + bytes(1), "no text, since it holds bytes of zero"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_text_in_utf8_is_recognised_by_its_first_bytes(
    content: bytes, told: str, compressed: bool, tmp_path: Path
) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(gzip.compress(content) if compressed else content)
    with pytest.raises(LogInvalid, match=rf"log\.csv is {told}.*remedy: a log is CSV or JSON lines, text in UTF-8"):
        list(read_log(path))


def test_the_cache_follows_the_users_xdg_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("RETENTION_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache_dir() == tmp_path / "retention-engine"


def test_the_cache_is_where_retention_cache_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RETENTION_CACHE", str(tmp_path))
    assert default_cache_dir() == tmp_path


def test_a_package_that_is_not_what_was_pinned_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # Both in the cache and where pip looks; and pip is kept from the network.
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    (tmp_path / datasets.WHEEL).write_bytes(b"another file")
    with pytest.raises(DatasetUnavailable, match=r"(?s)downloading lifetimes 0\.11\.3 .* failed.*remedy"):
        cdnow(tmp_path)


@pytest.mark.network
def test_cdnow_has_the_published_counts_sorted_by_time_then_customer(tmp_path: Path) -> None:
    rows = list(cdnow(tmp_path))
    assert len(rows) == 69_659
    assert len({row.customer_id for row in rows}) == 23_570
    assert rows[0].ts == 852_076_800_000
    assert {row.type for row in rows} == {"purchase"}
    assert rows == sorted(rows, key=lambda row: (row.ts, row.customer_id))
    assert [path.name for path in tmp_path.iterdir()] == [datasets.WHEEL]
