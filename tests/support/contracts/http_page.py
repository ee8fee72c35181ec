"""What docs/contracts.md says of each route over HTTP, from the same tables as the documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from streams.routes import Answer, Field, Fields, Form, Route
from tests.support.contracts.http import Application, applications

Table = Callable[[dict[str, Any], dict[str, Any]], Iterator[str]]
SEVERAL = 2
"""What more routes than this have in common is told once."""


def over_http(table: Table) -> Iterator[str]:
    """The chapter. table: of a schema of a document."""
    yield "\n## Over HTTP\n\nHEAD is answered wherever GET is; another method with 405, another path with 404."
    for app in applications():
        yield from _of(app)
        for name, schema in app.components.items():
            yield f"\n#### {name}\n\n{schema.get('description', '')}\n"
            yield from table(schema, dict(app.components))


def _of(app: Application) -> Iterator[str]:
    answers, fields = _usual(app)
    yield f"\n### {app.title}\n\n{app.about}\n"
    if answers or fields:
        yield "| | where nothing else is said |\n|---|---|"
        yield from (f"| {status} | {answer.about} |" for status, answer in sorted(answers.items()))
        yield from (f"| `{name}` | {field.about} |" for name, field in fields.items())
        yield ""
    yield "| | who | takes | answers |\n|---|---|---|---|"
    for route in app.routes:
        takes = "; ".join(_takes(route, fields)) or "–"
        said = "; ".join(_answer(status, one, answers) for status, one in sorted(route.answers.items()))
        cells = (f"`{route.method} {route.path}`<br>{route.about}", route.access or "anybody", takes, said)
        yield f"| {' | '.join(one.replace('|', chr(92) + '|') for one in cells)} |"


def _usual(app: Application) -> tuple[dict[int, Answer], dict[str, Field]]:
    """What a status and a field mean in most routes, where several have it."""
    answers: dict[int, Counter[Answer]] = {}
    fields: Counter[tuple[str, Field]] = Counter()
    for route in app.routes:
        for status, answer in route.answers.items():
            answers.setdefault(status, Counter())[answer] += 1
        fields.update({one for form in route.forms for one in form.fields.items()} | set(route.query.items()))
    most = {status: many.most_common(1)[0] for status, many in answers.items() if not 300 <= status < 400}
    return (
        {status: answer for status, (answer, times) in most.items() if times > SEVERAL},
        {name: field for (name, field), times in fields.items() if times > SEVERAL},
    )


def _answer(status: int, answer: Answer, usual: dict[int, Answer]) -> str:
    if usual.get(status) == answer:
        return str(status)
    return f"{status} {answer.about}{f' ({answer.component})' if answer.component else ''}"


def _takes(route: Route, usual: dict[str, Field]) -> Iterator[str]:
    yield from _fields(route.query, usual, "?")
    if route.takes:
        yield f"{route.takes}, as JSON"
    if len(route.forms) == 1:
        yield from _fields(route.forms[0].fields, usual)
    elif route.forms:
        shared = [name for name in route.forms[0].fields if all(name in form.fields for form in route.forms)]
        names = ", ".join(f"`{name}`" for name in shared)
        yield f"{names} and `what`, one of {''.join(_sort(form, shared) for form in route.forms)}"


def _sort(form: Form, shared: list[str]) -> str:
    own = ", ".join(_fields({name: one for name, one in form.fields.items() if name not in shared}, {}))
    return f"<br>`{form.sort}`, {form.about}{f': {own}' if own else ''}"


def _fields(fields: Fields, usual: dict[str, Field], mark: str = "") -> Iterator[str]:
    for name, field in fields.items():
        if usual.get(name) == field:
            yield f"`{mark}{name}`"
            continue
        some = " (may be left out)" if not field.needed else ""
        about = " or ".join(filter(None, field.choices)) if field.choices else field.about
        yield f"`{mark}{name}`{some}{', each' if field.many else ':'} {about}"
