"""What a change of a route over HTTP means for whoever calls it: the breaks between a former document and this one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]


def http_breaks(former: Schema, present: Schema) -> list[str]:
    """Each break in words that name the route. Bodies of JSON are for `breaks`."""
    return list(_breaks(former["paths"], present["paths"]))


def _breaks(before: Schema, now: Schema) -> Iterator[str]:
    for path, methods in before.items():
        for method, operation in methods.items():
            route = f"{method.upper()} {path}"
            if method not in now.get(path, {}):
                yield f"{route} is gone: somebody calls it"
                continue
            other = now[path][method]
            asked, needed = _asked(operation), _asked(other)
            yield from (f"{route} takes no {name} any more" for name in asked if name not in needed)
            yield from (
                f"{route} needs {name} now: who calls it does not send it"
                for name, must in needed.items()
                if must and not asked.get(name)
            )
            yield from (
                f"{route} answers no {status} any more: somebody waits for it"
                for status in operation["responses"]
                if status.startswith("2") and status not in other["responses"]
            )
            if not operation.get("security") and other.get("security"):
                yield f"{route} is not for anybody any more"


def _asked(operation: Schema) -> dict[str, bool]:
    """What may be sent, and whether it must be; of several forms each."""
    found = {one["name"]: one["required"] for one in operation.get("parameters", ())}
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = content["schema"]
        for form in schema.get("oneOf", [schema]):
            sort = form.get("properties", {}).get("what", {}).get("const", "")
            for name in form.get("properties", {}):
                found[f"{sort}: {name}" if sort else name] = name in form.get("required", ())
    return found
