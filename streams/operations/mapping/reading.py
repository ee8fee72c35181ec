"""Reads a mapping file: TOML with a table `[[touchpoint]]` for each sort of row."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, Literal, get_type_hints

import msgspec
from msgspec import Struct, structs

from models.touchpoints import EVENTS, RESERVED, Kind
from streams.errors import EngineError, ExitCode
from streams.operations.mapping.expressions import Expression, JMESPathError

TYPES: Final = tuple(name for name in EVENTS if Kind[name.upper()] not in RESERVED)
TimeIn = Literal["rfc3339", "utc", "s", "ms", "us"]


class MappingRefused(EngineError):
    """A mapping file that can't be used."""

    code = ExitCode.USAGE
    remedy = "correct what the message names; docs/clients.md, 'From what you have', has the keys"


class Rule(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file. All but `type`, `source` and `time_in` are expressions.

    each: a list in the row; the rule makes a touchpoint of each of its elements, which expressions call `each`. when:
    the rows that it is for; without it, all. time_in: how the time is written: `rfc3339` (with its offset),
    `utc` (the same or with a blank, without an offset), or a number of `s`, `ms` or `us` since 1970. source: in place
    of the file's. data: by field of the touchpoint's data; what an expression does not find is left out.
    """

    type: str
    id: str
    subject: str
    time: str
    each: str = ""
    when: str = ""
    time_in: TimeIn = "rfc3339"
    source: str = ""
    data: dict[str, str] = {}


class File(Struct, frozen=True, forbid_unknown_fields=True):
    """The file. source: what tells of the events, as in CloudEvents; with their ids it makes them unique."""

    touchpoint: tuple[Rule, ...]
    source: str = ""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A rule whose expressions are read. `when` is None where it is for every row, `each` where it makes one touchpoint
    of a row."""

    rule: Rule
    source: str
    each: Expression | None
    when: Expression | None
    id: Expression
    subject: Expression
    time: Expression
    data: dict[str, Expression]

    def expression(self, field: str) -> Expression | None:
        """What a field of the event comes from; `data.amount`, `time`, ..."""
        head, _, rest = field.partition(".")
        if head == "data":
            return self.data.get(rest.partition(".")[0].partition("[")[0])
        found: dict[str, Expression] = {"id": self.id, "subject": self.subject, "time": self.time}
        return found.get(head)


@dataclass(frozen=True, slots=True)
class Mapping:
    """The rules of a file in their order."""

    name: str
    rules: tuple[Compiled, ...]


def read_mapping(text: str, name: str) -> Mapping:
    """The mapping in a file of this name. Raises MappingRefused."""
    try:
        file = msgspec.convert(tomllib.loads(text), File)
    except tomllib.TOMLDecodeError as error:
        raise MappingRefused(f"{name} is not TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise MappingRefused(f"{name}: {error}") from error
    if not file.touchpoint:
        raise MappingRefused(f"{name} has no [[touchpoint]]")
    return Mapping(name, tuple(_compiled(rule, file, f"{name}, {_place(n, rule)}") for n, rule in _numbered(file)))


def _numbered(file: File) -> Iterable[tuple[int, Rule]]:
    return enumerate(file.touchpoint, start=1)


def _place(number: int, rule: Rule) -> str:
    return f"touchpoint {number} ({rule.type})"


def _compiled(rule: Rule, file: File, place: str) -> Compiled:
    _known(rule.type, TYPES, f"{place}: type")
    source = rule.source or file.source
    if not source:
        raise MappingRefused(f"{place}: source is missing; give one for the file, such as https://shop.example/segment")
    fields = {field.encode_name: field for field in structs.fields(_data_of(rule.type))}
    for name in rule.data:
        _known(name, fields, f"{place}: data")
    if missing := [name for name, field in fields.items() if field.required and name not in rule.data]:
        raise MappingRefused(f"{place}: data.{missing[0]} is missing; a {rule.type} needs it")
    return Compiled(
        rule,
        source,
        _expression(rule.each, f"{place}: each") if rule.each else None,
        _expression(rule.when, f"{place}: when") if rule.when else None,
        _expression(rule.id, f"{place}: id"),
        _expression(rule.subject, f"{place}: subject"),
        _expression(rule.time, f"{place}: time"),
        {name: _expression(text, f"{place}: data.{name}") for name, text in rule.data.items()},
    )


def _data_of(name: str) -> type[Struct]:
    found: type[Struct] = get_type_hints(EVENTS[name])["data"]
    return found


def _known(name: str, names: Iterable[str], place: str) -> None:
    known = list(names)
    if name not in known:
        near = get_close_matches(name, known, n=1)
        remedy = f"did you mean {near[0]!r}?" if near else f"give one of {', '.join(known)}"
        raise MappingRefused(f"{place} is {name!r}; {remedy}")


def _expression(text: str, place: str) -> Expression:
    try:
        return Expression(text)
    except JMESPathError as error:
        told = " ".join(str(error).split())
        told += "; a text is in single quotes"
        raise MappingRefused(f"{place} is {text!r}, no JMESPath expression: {told}") from error
