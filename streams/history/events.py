"""Reads a log file as events in time order: canonical CSV, CloudEvents as JSON lines, CDNOW."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
from xxhash import xxh3_128_hexdigest

from models.touchpoints import RESERVED, InvalidTouchpoint, Rejected, event, read
from streams.errors import EngineError
from streams.file_form import BOM, HEAD
from streams.history.datasets import DAMAGED, LogInvalid, LogRow, cdnow, foreign_line, opened, read_log
from streams.history.log_times import LONGEST_GAP_DAYS, Gaps, iso, why_impossible

CDNOW = "cdnow"
SOURCE = "log"
"""Of the touchpoints of a CSV log. Not the file's name: a row is the same touchpoint in whatever file it stands."""

JSON_SUFFIXES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
ROW_TYPES = (
    "purchase",
    "return",
    "campaign_received",
    "coupon_redeemed",
    "visit",
    "subscription_started",
    "subscription_renewed",
    "subscription_cancelled",
)

Item = TypeVar("Item")
Sort = Callable[[Iterable[Item], type[Item], Callable[[Item], int]], Iterable[Item]]
"""(items, their class, key) -> the items by key, those of one key in their own order."""

ANY_TIME = 2**53
"""Later than any event's time: a file has no record timestamps to compare with."""


class LogUnreadable(EngineError):
    """A log file can't be opened."""

    remedy = f"name a CSV file, a file of JSON lines ({', '.join(JSON_SUFFIXES)}), or `{CDNOW}`"


class JsonLineInvalid(LogInvalid):
    """A line of a JSON log can't be a touchpoint."""

    remedy = (
        "correct the line; a log of JSON lines holds one CloudEvent a line, and `retention publish --check FILE` names "
        "every bad one"
    )


class TimedEvent(NamedTuple):
    """A touchpoint on its way to a topic: event time (ms), customer id as bytes, the CloudEvent."""

    time: int
    key: bytes
    value: bytes


class _JsonLine(NamedTuple):
    time: int
    number: int
    key: bytes
    value: bytes


def log_events(
    log: str, passed_over: Counter[str] | None = None, longest_gap_days: float = LONGEST_GAP_DAYS
) -> list[TimedEvent]:
    """All touchpoints of a log, as by `events_in_order`. Held in memory: about 500 bytes each."""
    return list(events_in_order(log, in_memory, passed_over, longest_gap_days))


def in_memory(items: Iterable[Item], kind: type[Item], key: Callable[[Item], int]) -> Iterable[Item]:
    """A `Sort` of what memory holds."""
    return sorted(items, key=key)


def events_in_order(
    log: str,
    by_time: Sort[Any],
    passed_over: Counter[str] | None = None,
    longest_gap_days: float = LONGEST_GAP_DAYS,
) -> Iterator[TimedEvent]:
    """All touchpoints of a log, by time, those of one moment in the log's order.

    Ids are functions of what the rows say alone, so that a row that is replayed twice, from this file or another one,
    is recognised, and another row never is taken for it.

    passed_over: takes the number of rows of a CSV log, by type, whose type no touchpoint corresponds to. Without it
    such a row is refused: whoever sends a log on must not lose any of it silently. longest_gap_days: without any event.

    Raises, while it is iterated over:
        LogGap: names the two rows between which nothing happens for longer than that.
        LogInvalid: names the line or row that can't be a touchpoint, or says that there are rows and none can.
        LogUnreadable: there is no such file.
    """
    if log == CDNOW:
        yield from (touch for _, touch in _from_rows(CDNOW, CDNOW, by_time(cdnow(), LogRow, _row_time), None))
        return
    path, gaps = Path(log), Gaps(longest_gap_days)
    try:
        if _holds_json(path):
            for line in by_time(_from_json(path), _JsonLine, _line_time):
                gaps.passes(line.time, line.number, line.key)
                yield TimedEvent(line.time, line.key, line.value)
        else:
            name = path.name.partition(".")[0] or "log"
            for number, touch in _from_rows(log, name, by_time(read_log(path), LogRow, _row_time), passed_over):
                gaps.passes(touch.time, number, touch.key)
                yield touch
    except OSError as error:
        raise LogUnreadable(f"the log {log!r} can't be read: {error.strerror or error}") from error


def _holds_json(path: Path) -> bool:
    """By its first character, whatever it is called; where there is none, by its name."""
    with opened(path) as file:
        head = file.peek(HEAD).removeprefix(BOM).lstrip()[:1]
    if head == b"[":
        raise JsonLineInvalid(
            f"{path} is one JSON array; a log holds an event a line: jq -c '.[]' {path.name} > {path.stem}.jsonl"
        )
    return head == b"{" or path.name.endswith(JSON_SUFFIXES)


def _row_time(row: LogRow) -> int:
    return row.ts


def _line_time(line: _JsonLine) -> int:
    return line.time


def _from_rows(
    log: str, name: str, ordered: Iterable[LogRow], passed_over: Counter[str] | None
) -> Iterator[tuple[int, TimedEvent]]:
    """Rows as touchpoints, each with its line in the file."""
    rows = 0
    identify = _Identities()
    for row in ordered:
        rows += 1
        where = f"{log}, line {row.line}, row of customer {row.customer_id!r} at {iso(row.ts)}"
        if row.type not in ROW_TYPES:
            if passed_over is None:
                raise LogInvalid(f"{where}: type is {row.type!r}; a CSV log takes {', '.join(ROW_TYPES)}")
            passed_over[row.type] += 1
            continue
        if (wrong := why_impossible(row.ts)) is not None:
            raise LogInvalid(f"{where}: {wrong}")
        try:
            value = event(
                row.type,
                id=identify(row),
                source=SOURCE,
                subject=row.customer_id,
                time_ms=row.ts,
                data=_data(name, row),
            )
        except InvalidTouchpoint as error:
            raise LogInvalid(f"{where}: {error}") from error
        yield row.line, TimedEvent(row.ts, row.customer_id.encode(), value)
    if passed_over and passed_over.total() == rows:
        raise LogInvalid(
            f"no row of {name} is of a type that a CSV log takes, which are {', '.join(ROW_TYPES)}; "
            f"it has {by_type(passed_over)}"
        )


class _Identities:
    """Ids of rows in the order of time: a hash of what a row says, and which of the rows that say the same it is."""

    def __init__(self) -> None:
        self._encode = msgspec.json.Encoder(order="deterministic").encode
        self._moment = -1
        self._alike: Counter[str] = Counter()

    def __call__(self, row: LogRow) -> str:
        if row.ts != self._moment:  # rows that say the same have one time, so only those of this moment are remembered
            self._moment = row.ts
            self._alike.clear()
        # Of no log's name, so that campaigns and coupons, which are called by it, are the same in another file.
        found = xxh3_128_hexdigest(self._encode([row.customer_id, row.ts, row.type, _data("", row)]))
        self._alike[found] += 1
        count = self._alike[found]
        return found if count == 1 else f"{found}-{count}"


def by_type(rows: Counter[str], shown: int = 10) -> str:
    """Numbers of rows by type, most first, as in `gift 12, note 3`."""
    parts = [f"{kind} {count:,}" for kind, count in rows.most_common(shown)]
    return ", ".join(parts) + (f", and {len(rows) - shown} types more" if len(rows) > shown else "")


def _data(name: str, row: LogRow) -> dict[str, Any]:
    """What a row says, in the fields of its type. A log has no names of campaigns and coupons: its own and the day."""
    match row.type:
        case "campaign_received":
            return {"campaign_id": f"{name}-{iso(row.ts)[:10]}"}
        case "coupon_redeemed":
            return {"coupon_id": f"{name}-{iso(row.ts)[:10]}", "amount": abs(row.amount)}
        case "return":
            return {"amount": abs(row.amount), "quantity": abs(row.qty)}
        case "purchase":
            return {"amount": row.amount, "quantity": row.qty}
        case "visit":
            return {}
        case _:
            return {"amount": abs(row.amount)}


def _from_json(path: Path) -> Iterator[_JsonLine]:
    number = 0
    with opened(path) as lines:
        try:
            for number, line in enumerate(lines, start=1):
                if value := (line.removeprefix(BOM) if number == 1 else line).strip():
                    yield _from_line(path, number, value)
        except DAMAGED as error:
            raise JsonLineInvalid(f"{path}, after line {number}: {error}") from error


def _from_line(path: Path, number: int, value: bytes) -> _JsonLine:
    where = f"{path}, line {number}"
    touch = read(value, None, ANY_TIME)
    if isinstance(touch, Rejected):
        if not _is_utf8(value):
            raise foreign_line(path)
        raise JsonLineInvalid(f"{where}: {touch.code}: {touch.reason}")
    if touch.kind in RESERVED:
        raise JsonLineInvalid(f"{where}: a reserved type, which only the engine writes; leave it out")
    if (wrong := why_impossible(touch.time)) is not None:
        raise JsonLineInvalid(f"{where}: {wrong}")
    return _JsonLine(touch.time, number, touch.customer.encode(), value)


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
