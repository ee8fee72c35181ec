"""A log file as touchpoints with their times, in the order of time: canonical CSV, CloudEvents as JSON lines, CDNOW."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from models.touchpoints import RESERVED, InvalidTouchpoint, Rejected, event, read
from streams.datasets import DAMAGED, GZIP_MAGIC, LogInvalid, LogRow, cdnow, read_log
from streams.errors import EngineError

CDNOW = "cdnow"
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

LATEST = 253_402_300_799_999
"""The last millisecond that has a name, in the year 9999."""


class LogUnreadable(EngineError):
    """A log file can't be opened."""

    remedy = f"name a CSV file, a file of JSON lines ({', '.join(JSON_SUFFIXES)}), or `{CDNOW}`"


class TimedEvent(NamedTuple):
    """A touchpoint on its way to a topic: event time (ms), customer id as bytes, the CloudEvent."""

    time: int
    key: bytes
    value: bytes


def log_events(log: str, passed_over: Counter[str] | None = None) -> list[TimedEvent]:
    """All touchpoints of a log, as by `events_in_order`. Held in memory: about 500 bytes each."""
    return list(events_in_order(log, in_memory, passed_over))


def in_memory(items: Iterable[Item], kind: type[Item], key: Callable[[Item], int]) -> Iterable[Item]:
    """A `Sort` of what memory holds."""
    return sorted(items, key=key)


def events_in_order(log: str, by_time: Sort[Any], passed_over: Counter[str] | None = None) -> Iterator[TimedEvent]:
    """All touchpoints of a log, by time, those of one moment in the log's order.

    Ids are functions of the log's content and order alone, so that a log that is replayed twice is recognised.

    passed_over: takes the number of rows of a CSV log, by type, whose type no touchpoint corresponds to. Without it
    such a row is refused: whoever sends a log on must not lose any of it silently.

    Raises, while it is iterated over:
        LogInvalid: names the line or row that can't be a touchpoint, or says that there are rows and none can.
        LogUnreadable: there is no such file.
    """
    if log == CDNOW:
        yield from _from_rows(CDNOW, by_time(cdnow(), LogRow, _row_time), None)
        return
    path = Path(log)
    try:
        if path.name.endswith(JSON_SUFFIXES):
            yield from by_time(_from_json(path), TimedEvent, _event_time)
        else:
            name = path.name.partition(".")[0] or "log"
            yield from _from_rows(name, by_time(read_log(path), LogRow, _row_time), passed_over)
    except OSError as error:
        raise LogUnreadable(f"the log {log!r} can't be read: {error.strerror or error}") from error


def _row_time(row: LogRow) -> int:
    return row.ts


def _event_time(touch: TimedEvent) -> int:
    return touch.time


def _from_rows(name: str, ordered: Iterable[LogRow], passed_over: Counter[str] | None) -> Iterator[TimedEvent]:
    """Rows as touchpoints. An id is the row's place in the sorted log."""
    number = 0
    for number, row in enumerate(ordered, start=1):
        where = f"row of customer {row.customer_id!r} at {_iso(row.ts)}"
        if row.type not in ROW_TYPES:
            if passed_over is None:
                raise LogInvalid(f"{where}: type is {row.type!r}; a CSV log takes {', '.join(ROW_TYPES)}")
            passed_over[row.type] += 1
            continue
        try:
            value = event(
                row.type,
                id=f"{name}-{number}",
                source=f"log/{name}",
                subject=row.customer_id,
                time_ms=row.ts,
                data=_data(name, row),
            )
        except InvalidTouchpoint as error:
            raise LogInvalid(f"{where}: {error}") from error
        yield TimedEvent(row.ts, row.customer_id.encode(), value)
    if passed_over and passed_over.total() == number:
        raise LogInvalid(
            f"no row of {name} is of a type that a CSV log takes, which are {', '.join(ROW_TYPES)}; "
            f"it has {by_type(passed_over)}"
        )


def by_type(rows: Counter[str], shown: int = 10) -> str:
    """Numbers of rows by type, most first, as in `gift 12, note 3`."""
    told = [f"{kind} {count:,}" for kind, count in rows.most_common(shown)]
    return ", ".join(told) + (f", and {len(rows) - shown} types more" if len(rows) > shown else "")


def _data(name: str, row: LogRow) -> dict[str, Any]:
    """What a row says, in the fields of its type. A log has no names of campaigns and coupons: its own and the day."""
    match row.type:
        case "campaign_received":
            return {"campaign_id": f"{name}-{_iso(row.ts)[:10]}"}
        case "coupon_redeemed":
            return {"coupon_id": f"{name}-{_iso(row.ts)[:10]}", "amount": abs(row.amount)}
        case "return":
            return {"amount": abs(row.amount), "quantity": abs(row.qty)}
        case "purchase":
            return {"amount": row.amount, "quantity": row.qty}
        case "visit":
            return {}
        case _:
            return {"amount": abs(row.amount)}


def _from_json(path: Path) -> Iterator[TimedEvent]:
    with path.open("rb") as probe:
        compressed = probe.read(2) == GZIP_MAGIC
    number = 0
    with gzip.open(path, "rb") if compressed else path.open("rb") as lines:
        try:
            for number, line in enumerate(lines, start=1):
                if value := line.strip():
                    yield _from_line(f"{path}, line {number}", value)
        except DAMAGED as error:
            raise LogInvalid(f"{path}, after line {number}: {error}") from error


def _from_line(where: str, value: bytes) -> TimedEvent:
    touch = read(value, None, ANY_TIME)
    if isinstance(touch, Rejected):
        raise LogInvalid(f"{where}: {touch.code}: {touch.reason}")
    if touch.kind in RESERVED:
        raise LogInvalid(f"{where}: a reserved type, which only the engine writes; leave it out")
    if touch.time > LATEST:
        raise LogInvalid(f"{where}: its time is after the year 9999 in UTC; give the time at which it happened")
    return TimedEvent(touch.time, touch.customer.encode(), value)


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()
