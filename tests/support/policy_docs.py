"""The reference of the policy file in docs/policy.md, made from the types: ``python -m tests.support.policy_docs``."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, get_args, get_origin

import msgspec
from msgspec import Struct, structs

from models.customer.restrictions import ACTION_PURPOSES
from models.decisions.gate_table import CODES, TABLE
from models.decisions.policy.conditions import PERSON_FIELDS, sort_of
from models.decisions.policy.types import Policy
from models.decisions.policy.wording import bare, takes
from models.decisions.words import SENTENCES

DOCS: Final = Path(__file__).resolve().parents[2] / "docs" / "policy.md"
BEGIN: Final = "<!-- from here on made by `python -m tests.support.policy_docs` -->\n"
SORTS: Final = {"text": "text", "number": "a number", "truth": "true or false", "list": "a list of texts"}


def current() -> str:
    """The file as it should be: what is written by hand, and the reference."""
    return DOCS.read_text(encoding="utf-8").partition(BEGIN)[0] + BEGIN + "\n" + reference()


def reference() -> str:
    """Every table of the file, in the order in which the types name them."""
    parts = ["## Reference\n"]
    for key, kind in tables():
        about, keys = told(kind)
        parts.append(f"### {key}\n\n{about}\n")
        rows = [
            f"| `{field.encode_name}` | {_takes(field, kind)} | {_default(field)} | {keys.get(field.encode_name, '')} |"
            for field in structs.fields(kind)
        ]
        parts.append("\n".join(["| key | takes | without it | |", "|---|---|---|---|", *rows]) + "\n")
    fields = [f"| `{name}` | {_field(wanted)} |" for name, wanted in PERSON_FIELDS.items()]
    parts.append("### What a condition may ask of a customer\n")
    parts.append("\n".join(["| field | |", "|---|---|", *fields]) + "\n")
    parts.append("### Gates\n\nIn the order in which `why` and the decisions topic tell them.\n")
    gates = [f"| `{code}` | {_stops(code)} | {' | '.join(SENTENCES[code])} |" for code in CODES]
    parts.append("\n".join(["| gate | stops | to the team | to the customer |", "|---|---|---|---|", *gates]) + "\n")
    return "\n".join(parts)


def _stops(code: str) -> str:
    stopped = {purpose for row in TABLE if row.code == code for purpose in row.stops}
    return ", ".join(purpose for purpose in ACTION_PURPOSES if purpose in stopped)


def tables() -> list[tuple[str, type[Struct]]]:
    """The key under which each table stands, and its type; a table that stands in several places comes once."""
    found: dict[type[Struct], str] = {}
    _walk(Policy, "the file", found)
    return [(key, kind) for kind, key in found.items()]


def _walk(kind: type[Struct], key: str, found: dict[type[Struct], str]) -> None:
    if kind in found:
        return
    found[kind] = key
    for field in structs.fields(kind):
        below = field.encode_name if kind is Policy else f"{key}.{field.encode_name}"
        for inner, form in _tables_in(field.type):
            _walk(inner, f"`{(below.replace('`', '') + form)}`", found)


def _tables_in(wanted: Any) -> Iterator[tuple[type[Struct], str]]:
    inner, _ = bare(wanted)
    if isinstance(inner, type) and issubclass(inner, Struct):
        yield inner, ""
    elif get_origin(inner) is tuple:
        for found, form in _tables_in(get_args(inner)[0]):
            yield found, f"[]{form}"
    elif get_origin(inner) is dict:
        for found, form in _tables_in(get_args(inner)[1]):
            yield found, f".NAME{form}"


def told(kind: type[Struct]) -> tuple[str, dict[str, str]]:
    """What a type's docstring says of the table as a whole, and of each key (``key: what it is.``)."""
    return told_of(kind.__doc__ or "", [field.encode_name for field in structs.fields(kind)])


def told_of(docstring: str, fields: Iterable[str]) -> tuple[str, dict[str, str]]:
    """The same of a docstring and the names of the fields."""
    text = " ".join(inspect.cleandoc(docstring).split())
    text = re.sub(r"``(.+?)``", r"`\1`", text)
    names = "|".join(sorted(fields, key=len, reverse=True))
    pattern = rf"(?:(?<=^)|(?<=[.;] ))((?:{names})(?:, (?:{names}))*): "
    about, *rest = re.split(pattern, text)
    keys = {
        name: what.strip().rstrip(".;")
        for named, what in zip(rest[::2], rest[1::2], strict=True)
        for name in named.split(", ")
    }
    return about.strip(), keys


def _takes(field: structs.FieldInfo, kind: type[Struct]) -> str:
    inner, _ = bare(field.type)
    if get_origin(inner) is dict and list(_tables_in(inner)):
        return "tables, each by its name"
    if any(found is kind for found, _ in _tables_in(inner)):
        return "a list of such tables" if get_origin(inner) is tuple else "such a table"
    if list(_tables_in(inner)):
        return "a list of tables, as below" if get_origin(inner) is tuple else "a table, as below"
    return takes(field.type).replace("|", "\\|")


def _default(field: structs.FieldInfo) -> str:
    if field.required:
        return "needed"
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    if value is None or value in ((), {}) or isinstance(value, Struct):
        return "–"
    return f"`{msgspec.json.encode(value).decode()}`"


def _field(wanted: Any) -> str:
    inner, _ = bare(wanted)
    return (
        takes(inner)
        if get_origin(inner) is not tuple and inner not in (int, float, str)
        else SORTS[sort_of(wanted) or ""]
    )


if __name__ == "__main__":
    DOCS.write_text(current(), encoding="utf-8")
