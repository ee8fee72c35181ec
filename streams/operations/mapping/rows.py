"""Makes touchpoints of rows by a mapping; what can't be made is refused with row, field, value and remedy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from streams.client import Refusal
from streams.client.validation import checked
from streams.operations.mapping.expressions import JMESPathError
from streams.operations.mapping.reading import Compiled, Mapping

MAPPED: Final = "mapping"
"""The code of a refusal by the mapping itself."""
MAX_SHOWN: Final = 80
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
PER_SECOND: Final = {"s": 1, "ms": 1_000, "us": 1_000_000}


class Mapped:
    """Applies a mapping to rows, and counts those that no rule was for."""

    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping
        self.name = mapping.name
        self.unfit = 0

    def __call__(self, number: int, row: bytes, now: int) -> Iterator[bytes | Refusal]:
        """The touchpoints of a row, valid as of `now` (ms), or why there is none."""
        try:
            document = msgspec.json.decode(row)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            yield _refusal(number, "row", str(error), "give one JSON object a line")
            return
        ids: set[tuple[str, str]] = set()
        fitting = False
        for rule in self._mapping.rules:
            try:
                rows = [row for row in _rows(document, rule) if rule.when is None or _true(rule.when(row))]
            except JMESPathError as error:
                yield _unfit(number, "when", rule, error)
                fitting = True
                continue
            fitting = fitting or bool(rows)
            for row in rows:
                made = _event(number, row, rule)
                if isinstance(made, Refusal):
                    yield made
                elif (key := (rule.source, _shown(made["id"]))) in ids:
                    yield _twice(number, made["id"], rule)
                else:
                    ids.add(key)
                    yield _checked(number, made, rule, now)
        self.unfit += not fitting


def _rows(document: Any, rule: Compiled) -> list[Any]:
    """What a rule makes touchpoints of: the row; or it with each element of a list. Raises JMESPathError."""
    if rule.each is None:
        return [document]
    elements = rule.each(document)
    if not isinstance(elements, list) or not isinstance(document, dict):
        return []
    return [{**document, "each": element} for element in elements]


def _event(number: int, row: Any, rule: Compiled) -> dict[str, Any] | Refusal:
    found: dict[str, Any] = {"specversion": "1.0", "type": rule.rule.type, "source": rule.source}
    for name in ("id", "subject", "time"):
        expression = rule.expression(name)
        assert expression is not None
        try:
            value = expression(row)
        except JMESPathError as error:
            return _unfit(number, name, rule, error)
        if value is None:
            remedy = f"name where it is, or leave such rows out by `when`; {expression.text} finds nothing"
            return _refusal(number, name, "missing", remedy)
        found[name] = value if name == "time" else _name(value)
    time = _time(found["time"], rule.rule.time_in)
    if time is None:
        remedy = f"say by time_in how {rule.time.text} is written: rfc3339, utc, s, ms or us"
        return _refusal(number, "time", _shown(found["time"]), remedy)
    found["time"] = time
    data = {}
    for name, expression in rule.data.items():
        try:
            value = expression(row)
        except JMESPathError as error:
            return _unfit(number, f"data.{name}", rule, error)
        if value is not None:
            data[name] = value
    return {**found, "data": data}


def _checked(number: int, event: dict[str, Any], rule: Compiled, now: int) -> bytes | Refusal:
    try:
        value = msgspec.json.encode(event)
    except (TypeError, RecursionError) as error:
        return _refusal(
            number, "data", str(error), f"correct the expressions of the {rule.rule.type}: one finds no JSON"
        )
    found = checked(value, now, number)
    if not isinstance(found, Refusal):
        return value
    expression = rule.expression(found.field)
    if expression is None:
        return found
    more = f" (from {expression.text})"
    if found.field.startswith("data.") and _is_number(found.value):
        more = f": to_number({expression.text}) where it is a text"
    return msgspec.structs.replace(found, remedy=found.remedy + more, reason=found.reason + more)


def _is_number(shown: str) -> bool:
    """Whether a value in JSON is a text that holds a number."""
    try:
        text = json.loads(shown)
        return isinstance(text, str) and float(text) is not None
    except ValueError:
        return False


def _true(value: Any) -> bool:
    """As JMESPath has it: of nothing, empty and false is none true; a zero is."""
    return not (value is None or value is False or value == "" or value == [] or value == {})


def _name(value: Any) -> Any:
    """Ids are often numbers; what else is none is for the validation to refuse."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _time(value: Any, time_in: str) -> str | None:
    """The time by RFC 3339, or None where it can't be what `time_in` says."""
    if time_in in PER_SECOND:
        try:
            number = float(value) if isinstance(value, str) else value
            if isinstance(number, bool) or not isinstance(number, int | float):
                return None
            at = EPOCH + timedelta(microseconds=round(number * 1_000_000 / PER_SECOND[time_in]))
        except (ValueError, OverflowError):
            return None
        return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
    if not isinstance(value, str):
        return None
    return value.replace(" ", "T", 1).removesuffix("Z") + "Z" if time_in == "utc" else value


def _unfit(number: int, field: str, rule: Compiled, error: JMESPathError) -> Refusal:
    remedy = f"correct the expression of the {rule.rule.type}, or leave such rows out by `when`"
    return _refusal(number, field, " ".join(str(error).split()), remedy)


def _twice(number: int, id: Any, rule: Compiled) -> Refusal:
    remedy = f"give the {rule.rule.type} an id of its own, as in join('-', [{rule.id.text}, '{rule.rule.type}'])"
    return _refusal(number, "id", f"{_shown(id)}, as of another touchpoint of this row: they would count once", remedy)


def _refusal(number: int, field: str, value: str, remedy: str) -> Refusal:
    return Refusal(number, MAPPED, field, value, remedy, f"{field} is {value}; {remedy}")


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"
