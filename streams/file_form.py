"""Detects a file's format by its first bytes: a log is UTF-8 text, plain or gzip; others are named in the refusal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

HEAD = 4_096
"""Bytes that are looked at; less than what a buffered reader shows without moving on."""

BOM = b"\xef\xbb\xbf"
"""The byte order mark in UTF-8, which Excel writes. It belongs to no line."""

_UTF16 = "text in UTF-16; in UTF-8 it can be read: iconv -f UTF-16 -t UTF-8"
_UTF32 = "text in UTF-32; in UTF-8 it can be read: iconv -f UTF-32 -t UTF-8"
_ZIP = b"PK\x03\x04"

# In this order: the mark of UTF-32 begins like that of UTF-16.
_FORMS = (
    (b"\xff\xfe\x00\x00", _UTF32),
    (b"\x00\x00\xfe\xff", _UTF32),
    (b"\xff\xfe", _UTF16),
    (b"\xfe\xff", _UTF16),
    (b"PAR1", "a Parquet file; a log is text: write it as CSV (pandas: read_parquet(...).to_csv(..., index=False))"),
    (b"ARROW1", "an Arrow (Feather) file; a log is text: write it as CSV"),
    (b"ORC", "an ORC file; a log is text: write it as CSV"),
    (b"Obj\x01", "an Avro file; a log is text: write it as JSON lines (avro-tools tojson)"),
    (b"SQLite format 3\x00", "an SQLite database; export the table: sqlite3 -header -csv"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook (.xls); save the sheet as 'CSV UTF-8'"),
    (b"%PDF-", "a PDF; export the data as CSV instead"),
    (b"BZh", "packed with bzip2; unpack it (bunzip2), or pack it with gzip"),
    (b"\xfd7zXZ\x00", "packed with xz; unpack it (unxz), or pack it with gzip"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd; unpack it (unzstd), or pack it with gzip"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive; unpack it and name the file inside"),
)


class Foreign(NamedTuple):
    """A line that is not UTF-8: its number, the first such byte, and how it reads in Windows-1252 (cut short)."""

    number: int
    byte: int
    text: str


def foreign(head: bytes) -> str | None:
    """What a file with this beginning is, and how a log comes of it; None for text in UTF-8, as far as can be seen."""
    if head.startswith(_ZIP):
        return _zip(head)
    for magic, told in _FORMS:
        if head.startswith(magic):
            return told
    if b"\x00" in head:
        # UTF-16 without its mark has a zero byte beside each ASCII letter.
        if max(head[0::2].count(0), head[1::2].count(0)) > len(head) // 4:
            return _UTF16
        return "no text, since it holds bytes of zero; export it as CSV in UTF-8"
    return None


def _zip(head: bytes) -> str:
    if b"[Content_Types].xml" in head or b"xl/" in head:
        return "an Excel workbook (.xlsx); save the sheet as 'CSV UTF-8'"
    if b"opendocument.spreadsheet" in head:
        return "a LibreOffice spreadsheet (.ods); save the sheet as CSV, character set UTF-8"
    return "a zip archive; unpack it (unzip) and name the file inside; gzip is read as it is"


def not_utf8(lines: Iterable[bytes]) -> Foreign | None:
    """The first line that is not UTF-8."""
    for number, line in enumerate(lines, start=1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as error:
            shown = line[max(error.start - 20, 0) : error.start + 20].decode("cp1252", "replace").strip()
            return Foreign(number, line[error.start], shown)
    return None
