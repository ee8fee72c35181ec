"""Refusals from a list: read, published as touchpoints, and looked for in the store.

A list says of customers that they want none of something, or must be left alone. Each becomes a touchpoint, as upstream
would publish it, of the time of the list: so the same list once more changes nothing, and a consent that came after it
stands.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from xxhash import xxh3_128_hexdigest

from models.customer.consent import EVERY, unpack_register
from models.customer.consent import refused as refused_in_general
from models.customer.layout import ERASED
from models.customer.record import Record, unpack
from models.customer.restrictions import unpack_restrictions
from models.customer.tail import UnknownRecord
from models.timeline.partitioning import partition_of
from models.touchpoints import InvalidTouchpoint, event
from models.touchpoints.times import milliseconds
from streams.errors import EngineError, ExitCode
from streams.file_form import BOM
from streams.store import Store

COLUMNS: Final = ("customer", "customer_id", "subject", "id")
"""Names under which a list has its customers: the first that there is."""
TIME: Final = "time"
SOURCE: Final = "/retention/suppress"
SHOWN: Final = 20
AT_ONCE: Final = 500
"""Records that are asked of the store at a time."""
REFUSED, NOT_YET, OPEN_AGAIN, UNREADABLE = "refused", "not_yet", "open_again", "unreadable"


class ListUnfit(EngineError):
    """A list of refusals that cannot be read as a whole; nothing of it was sent."""

    code = ExitCode.USAGE
    remedy = (
        "give one customer id a line; or CSV with a column customer (or customer_id, subject, id) and, if you like, "
        'time; or JSON lines such as {"customer": "anna", "time": "2026-11-03T12:00:00Z"}; in UTF-8'
    )


class Listed(NamedTuple):
    """A customer of a list. time: ms, of what they said; None: it does not say. line: from 1."""

    customer: str
    time: int | None
    line: int


class Refusing(NamedTuple):
    """What a list says of its customers.

    channels: none: in general. restriction: a reason to leave them alone, in place of a refusal; empty: none. at: of
    which time it is where it does not say, ms. by, why: who says so, and what for.
    """

    purpose: str
    channels: tuple[str, ...]
    restriction: str
    at: int
    by: str
    why: str

    @property
    def words(self) -> str:
        """What it comes to, without a full stop."""
        if self.restriction:
            return f"restricted: {self.restriction}"
        return f"{self.purpose} refused {'on ' + ', '.join(self.channels) if self.channels else 'in general'}"


def read_list(path: Path) -> Iterator[Listed]:
    """The customers of a file, each as often as it names them. Raises ListUnfit."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            yield from _read(file, str(path))
    except UnicodeDecodeError as error:
        raise ListUnfit(f"{path} is not in UTF-8 ({error.reason} at byte {error.start})") from error
    except OSError as error:
        raise ListUnfit(f"{path}: {error.strerror or error}") from error


def digest_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(lines: Iterable[str], name: str) -> Iterator[Listed]:
    header: list[str] | None = None
    first = True
    for number, line in enumerate(lines, start=1):
        text = (line.removeprefix(BOM.decode()) if number == 1 else line).strip()
        if not text:
            continue
        if first and not text.startswith("{"):
            cells = [cell.strip().lower() for cell in next(csv.reader([text]))]
            header = cells if any(one in cells for one in COLUMNS) else None
            if header is not None:
                first = False
                continue
        first = False
        yield _listed(text, header, number, f"{name}, line {number}")


def _listed(text: str, header: list[str] | None, number: int, where: str) -> Listed:
    if text.startswith("{"):
        try:
            row = json.loads(text)
        except ValueError as error:
            raise ListUnfit(f"{where} is no JSON: {error}") from error
    elif header is None:
        return Listed(text, None, number)
    else:
        cells = next(csv.reader([text]))
        if len(cells) > len(header):
            raise ListUnfit(f"{where} has {len(cells)} cells, and the first line {len(header)}")
        row = dict(zip(header, cells, strict=False))
    customer = next((row[one] for one in COLUMNS if one in row), None)
    if not isinstance(customer, str) or not customer.strip():
        raise ListUnfit(f"{where}: customer is {customer!r}; give an id, as text")
    return Listed(customer.strip(), _time(row.get(TIME), where), number)


def _time(stated: Any, where: str) -> int | None:
    if stated is None or stated == "":
        return None
    try:
        at = datetime.fromisoformat(str(stated))
    except ValueError as error:
        raise ListUnfit(f"{where}: time is {stated!r}; give one such as 2026-11-03T12:00:00Z") from error
    if at.tzinfo is None:
        raise ListUnfit(f"{where}: time is {stated!r}; give it with its offset, such as 2026-11-03T12:00:00Z")
    return milliseconds(at)


def touchpoint_of(listed: Listed, said: Refusing) -> bytes:
    """The touchpoint that says it. Of one customer, time and statement there is one. Raises ListUnfit."""
    at = said.at if listed.time is None else listed.time
    what = said.restriction or "\0".join((said.purpose, *said.channels))
    name = f"suppress-{xxh3_128_hexdigest(chr(0).join((listed.customer, str(at), what)).encode())}"
    kind, data = "restricted", dict[str, Any](reason=said.restriction, by=said.by)
    if not said.restriction:
        kind, data = "consent_changed", {"marketing": False, "purpose": said.purpose}
        data |= {"source": said.by, "evidence": said.why}
        data |= {"channels": list(said.channels)} if said.channels else {}
    try:
        return event(kind, id=name, source=SOURCE, subject=listed.customer, time_ms=at, data=data)
    except InvalidTouchpoint as error:
        raise ListUnfit(f"line {listed.line}: {error.rejected.reason}") from error


def lines_of(path: Path, said: Refusing) -> Iterator[bytes]:
    """The touchpoints of a list, one a line, on the lines on which it has their customers; blank where it has none."""
    line = 1
    for listed in read_list(path):
        for _ in range(line, listed.line):
            yield b"\n"
        line = listed.line + 1
        yield touchpoint_of(listed, said) + b"\n"


@dataclass(slots=True)
class Found:
    """How a list stands in the store. customers: by how they stand, the first `SHOWN` of each; of those that are open
    again with the channels and times of the consent that came later."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys((REFUSED, NOT_YET, OPEN_AGAIN, UNREADABLE), 0))
    customers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        """Whether the whole list has reached the store, but for what was granted again later."""
        return not self.counts[NOT_YET] and not self.counts[UNREADABLE]

    def take(self, customer: str, how: str, granted: Mapping[str, int]) -> None:
        self.counts[how] += 1
        kept = self.customers.setdefault(how, [])
        if how != REFUSED and len(kept) < SHOWN:
            kept.append({"customer": customer, **({"granted": dict(granted)} if granted else {})})


async def reconcile(store: Store, partitions: int, path: Path, said: Refusing) -> Found:
    """Look for all that a list says in the records. Raises ListUnfit, and what the store raises."""
    found, waiting = Found(), dict[int, list[Listed]]()
    for listed in read_list(path):
        shard = partition_of(listed.customer, partitions)
        waiting.setdefault(shard, []).append(listed)
        if len(waiting[shard]) >= AT_ONCE:
            await _look(store, partitions, shard, waiting.pop(shard), said, found)
    for shard, left in sorted(waiting.items()):
        await _look(store, partitions, shard, left, said, found)
    return found


async def _look(
    store: Store, partitions: int, shard: int, listed: Sequence[Listed], said: Refusing, found: Found
) -> None:
    stored = await store.load(str(shard), [b"c:" + one.customer.encode() for one in listed])
    for one, value in zip(listed, stored, strict=True):
        try:
            record = None if value is None else unpack(one.customer.encode(), value)
            if record is not None and record.tail.merged:
                record = await _of_whose_id(store, partitions, record)
        except UnknownRecord:
            found.take(one.customer, UNREADABLE, {})
            continue
        found.take(one.customer, *standing_of(record, said, said.at if one.time is None else one.time))


async def _of_whose_id(store: Store, partitions: int, record: Record) -> Record | None:
    """The record of the customer whose another's id is by now; None: it is on its way. Raises UnknownRecord."""
    passed = set[str]()
    while record.tail.merged not in passed:  # a circle comes to its end in the log
        passed.add(record.tail.merged)
        name = record.tail.merged.encode()
        [stored] = await store.load(str(partition_of(name, partitions)), [b"c:" + name])
        if stored is None:
            return None
        record = unpack(name, stored)
        if not record.tail.merged:
            return record
    return None


def standing_of(record: Record | None, said: Refusing, at: int) -> tuple[str, dict[str, int]]:
    """How a statement of a time (ms) stands in a record, and of one that is open again when what was granted later, by
    channel (ms). None: there is no record."""
    if record is None:
        return NOT_YET, {}
    if record.flags & ERASED and not record.tail.consents:
        return REFUSED, {}  # nothing is sent, and nothing else is known
    if said.restriction:
        restriction = unpack_restrictions(record.tail.restrictions).get(said.restriction)
        if restriction is None or restriction.time < at:
            return NOT_YET, {}
        lifted = restriction.until and restriction.time > at
        return (OPEN_AGAIN, {said.restriction: restriction.time}) if lifted else (REFUSED, {})
    register = unpack_register(record.tail.consents)
    if said.channels:
        open_ones = [one for one in said.channels if not _refuses(register, said.purpose, one)]
    else:
        general = register.get((said.purpose, EVERY))
        if refused_in_general(register, said.purpose):
            return REFUSED, {}
        open_ones = [channel for purpose, channel in register if purpose == said.purpose]
        if general is not None and not general.granted:
            open_ones.remove(EVERY)
    granted = {
        channel: stands.time
        for channel in open_ones
        if (stands := register.get((said.purpose, channel))) is not None and stands.granted and stands.time > at
    }
    if granted:
        return OPEN_AGAIN, granted
    return (NOT_YET, {}) if open_ones or not register else (REFUSED, {})


def _refuses(register: Mapping[tuple[str, str], Any], purpose: str, channel: str) -> bool:
    stands = register.get((purpose, channel)) or register.get((purpose, EVERY))
    return stands is not None and not stands.granted
