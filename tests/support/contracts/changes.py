"""What a change of a schema means for other teams: the breaks between a former state of a contract and the present one.

Whoever reads must take all that whoever writes may write. Of touchpoints the engine reads, so that what was valid stays
valid; of outputs others read, so that what is published stays within what the former state said. A field that is gone
breaks in both directions: somebody goes by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

Schema = dict[str, Any]

LOWEST: Final = ("minimum", "minLength", "minItems")
HIGHEST: Final = ("maximum", "maxLength", "maxItems")


def breaks(former: Schema, present: Schema, published: bool) -> list[str]:
    """Each break in words that name the field. published: it is an output of the engine, else an input."""
    before, now = _records(former), _records(present)
    found = [f"{name} is gone: {'readers wait for it' if published else 'what upstream sends is refused'}" for name in
             before if name not in now]  # fmt: skip
    if published:
        found += [f"{name} is new in a topic whose readers stop at a record they don't know" for name in now if
                  name not in before]  # fmt: skip
    for name in before:
        if name in now:
            pair = (Side(before[name], former), Side(now[name], present))
            found += _gone(*pair, name)
            found += _outside(pair[1], pair[0], name, True) if published else _outside(pair[0], pair[1], name, False)
    return list(dict.fromkeys(found))


class Side:
    """A schema, and the document in which its references lead somewhere."""

    def __init__(self, schema: Schema, document: Schema) -> None:
        while "$ref" in schema:
            schema = document["$defs"][schema["$ref"].rpartition("/")[2]]
        self.schema, self.document = schema, document

    def at(self, schema: Schema) -> Side:
        return Side(schema, self.document)

    @property
    def choices(self) -> list[Side]:
        return [self.at(one) for one in self.schema["anyOf"]] if "anyOf" in self.schema else [self]

    @property
    def properties(self) -> dict[str, Schema]:
        found: dict[str, Schema] = self.schema.get("properties", {})
        return found


def _records(document: Schema) -> dict[str, Schema]:
    """The records of a document by the value of their `type`; of a document of one record, by its title."""
    found = {}
    root = Side(document, document)
    for one in root.choices:
        tag = one.properties.get("type", {}).get("enum", [])
        found[tag[0] if len(tag) == 1 else str(one.schema.get("title"))] = one.schema
    return found


def _gone(before: Side, now: Side, path: str) -> Iterator[str]:
    """Fields that are not there any more."""
    for one in before.choices:
        objects = [other for other in now.choices if other.properties]
        for name, field in one.properties.items():
            there = [other.properties[name] for other in objects if name in other.properties]
            if not objects or not there:
                yield f"{path}.{name} is gone: somebody goes by it"
            else:
                yield from _gone(one.at(field), now.at(there[0]), f"{path}.{name}")
        items = [other.schema["items"] for other in now.choices if isinstance(other.schema.get("items"), dict)]
        if isinstance(one.schema.get("items"), dict) and items:
            yield from _gone(one.at(one.schema["items"]), now.at(items[0]), f"{path}[]")


def _outside(written: Side, read: Side, path: str, published: bool) -> list[str]:
    """What may be written, and whoever reads does not take."""
    found: list[str] = []
    for one in written.choices:
        tries = [list(_beyond(one, other, path, published)) for other in read.choices]
        if all(tries):
            # Of several choices the nearest says most: that of the same type.
            found += min(tries, key=lambda faults: (any(" as " in fault for fault in faults), len(faults)))
    return found


def _beyond(written: Side, read: Side, path: str, published: bool) -> Iterator[str]:
    ours, theirs = written.schema, read.schema
    whose = "readers don't expect that" if published else "what upstream sends may be refused"
    if "enum" in theirs:
        if more := [value for value in ours.get("enum", ["any other"]) if value not in theirs["enum"]]:
            said = "may now be" if published else "is no longer"
            yield f"{path} {said} {', '.join(map(str, more))}: {whose}"
        return
    a, b = _type(ours), _type(theirs)
    if b is not None and a != b and (a, b) != ("integer", "number"):
        before, now = (b, a) if published else (a, b)
        yield f"{path} was given as {before} and is now {now}: {whose}"
        return
    for bounds, worse in ((LOWEST, lambda x, y: x < y), (HIGHEST, lambda x, y: x > y)):
        for bound in bounds:
            if bound in theirs and (bound not in ours or worse(ours[bound], theirs[bound])):
                before, now = (theirs, ours) if published else (ours, theirs)
                yield f"{path} had {bound} {before.get(bound, 'none')} and has {now.get(bound, 'none')} now: {whose}"
    for form in ("pattern", "format"):
        if form in theirs and ours.get(form) != theirs[form]:
            before, now = (theirs, ours) if published else (ours, theirs)
            yield f"{path} had {form} {before.get(form, 'none')} and has {now.get(form, 'none')} now: {whose}"
    for name in theirs.get("required", ()):
        if name not in ours.get("required", ()):
            said = "may be left out now" if published else "is needed now"
            yield f"{path}.{name} {said}: {whose}"
    for name in written.properties.keys() & read.properties.keys():
        yield from _outside(
            written.at(written.properties[name]), read.at(read.properties[name]), f"{path}.{name}", published
        )
    for inner in ("items", "additionalProperties"):
        if isinstance(ours.get(inner), dict) and isinstance(theirs.get(inner), dict):
            yield from _outside(written.at(ours[inner]), read.at(theirs[inner]), f"{path}[]", published)
    for one, other in zip(ours.get("prefixItems", ()), theirs.get("prefixItems", ()), strict=False):
        yield from _outside(written.at(one), read.at(other), f"{path}[]", published)


def _type(schema: Schema) -> str | None:
    if "enum" in schema:
        return {str: "string", bool: "boolean", int: "integer"}.get(type(schema["enum"][0]))
    found: str | None = schema.get("type")
    return found
