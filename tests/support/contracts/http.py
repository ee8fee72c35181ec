"""OpenAPI 3.1 documents of what is served over HTTP, made of the tables of routes; whether an answer is as they say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from jsonschema import Draft202012Validator

from streams.console.access import COOKIE
from streams.console.app import ROUTES as CONSOLE_ROUTES
from streams.console.table import ANYBODY
from streams.monitoring.health import Progress
from streams.monitoring.http import WebServer
from streams.monitoring.metrics import Metrics
from streams.operations.doors import Questions
from streams.own_page.access import COOKIE as OWN_COOKIE
from streams.own_page.app import ROUTES as OWN_PAGE_ROUTES
from streams.own_page.forms import SIGNED_IN
from streams.routes import Answer, Fields, Form, Route
from streams.store.fake import FakeStore
from tests.support.contracts.bodies import TEXT, components
from tests.support.contracts.schemas import Schema

OWN_PAGE_HEALTH: Final[Schema] = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}},
    "required": ["ok"],
}
PARAMETERS: Final = {
    "token": "of the link (`retention link`): it names customer, channel and end, encrypted and signed",
    "file": "its name",
}
"""Of paths."""
ORIGIN: Final = "as a browser says it: of one of the console's own pages"


class Application(NamedTuple):
    """file: of its document. port: its usual one. schemes: who may ask, as OpenAPI has it. access: by the name that
    routes give it, which schemes (one of them is enough) with which roles; a name that is not there: none is needed.
    origin: whether what is posted must say its `Origin`."""

    file: str
    title: str
    about: str
    port: str
    routes: tuple[Route, ...]
    schemes: Mapping[str, Schema] = {}
    access: Mapping[str, tuple[Mapping[str, list[str]], ...]] = {}
    components: Mapping[str, Schema] = {}
    origin: bool = False


def applications() -> tuple[Application, ...]:
    """All that listen."""
    return worker(), CONSOLE, OWN_PAGE


def worker() -> Application:
    """Of a worker's HTTP side, whose routes are those of objects."""
    questions = Questions(FakeStore(), 1, None)  # type: ignore[arg-type]
    return Application(
        "openapi.json",
        "A worker of the retention engine",
        "Listens on `metrics_host:metrics_port`. Asks nobody who they are: keep it inside a network "
        "whose members may know, or put a proxy in front of it.",
        "9100",
        WebServer(Metrics(), Progress(60.0), questions.routes).table,
        components=components(),
    )


_WAYS: Final = ("token", "session", "proxy")
CONSOLE: Final = Application(
    "console.openapi.json",
    "The console of the retention engine",
    "`retention console`. Without a token, a roles file or a proxy's header it listens on loopback alone, and whoever "
    "asks there by a name of this machine has the role `customers`. What is posted must come from one of its own pages "
    "(`Origin`); what another site's page asks for, other than by a link, is refused (`Sec-Fetch-Site`).",
    "8765",
    CONSOLE_ROUTES,
    {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "of the token file or the roles file",
        },
        "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "set by `POST /login`"},
        "proxy": {
            "type": "apiKey",
            "in": "header",
            "name": "X-Forwarded-User",
            "description": "set by a reverse proxy; the name is that of `--user-header`",
        },
    },
    {role: tuple({way: [role]} for way in _WAYS) for role in ("look", "customers", "act")} | {ANYBODY: ()},
    origin=True,
)
OWN_PAGE: Final = Application(
    "own_page.openapi.json",
    "The customer's own page",
    "`retention own-page`. Whoever has a link may switch off; whoever is signed in may see and switch on. What another "
    "site's page sends is refused (`Sec-Fetch-Site`), but for one click, which has no cookie and needs none.",
    "8766",
    OWN_PAGE_ROUTES,
    {
        "proxy": {
            "type": "apiKey",
            "in": "header",
            "name": "X-Customer",
            "description": "set by a reverse proxy after its own login; the name is that of `--customer-header`",
        },
        "code": {
            "type": "apiKey",
            "in": "cookie",
            "name": f"__Host-{OWN_COOKIE}",
            "description": "set for half an hour by the right code; without the prefix where `own_page_url` is http",
        },
    },
    {SIGNED_IN: ({"proxy": []}, {"code": []})},
    {"OwnPageHealth": OWN_PAGE_HEALTH},
)


def openapi(app: Application) -> Schema:
    """The document of one."""
    paths: dict[str, Schema] = {}
    for route in app.routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(app, route)
    parts: Schema = {"schemas": dict(app.components)} if app.components else {}
    parts |= {"securitySchemes": dict(app.schemes)} if app.schemes else {}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": app.title,
            "version": "1",
            "description": app.about,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [
            {
                "url": "http://{host}:{port}",
                "variables": {"host": {"default": "127.0.0.1"}, "port": {"default": app.port}},
            }
        ],
        "paths": paths,
        **({"components": parts} if parts else {}),
    }


def unlike(method: str, path: str, status: int, body: Any) -> list[str]:
    """In which ways an answer of a worker is not as the document says."""
    app = worker()
    route = next((one for one in app.routes if (one.method.lower(), one.path) == (method, path)), None)
    if route is None or status not in route.answers:
        return [f"{method} {path} with {status} is not in the document"]
    name = route.answers[status].component
    root = {"components": {"schemas": app.components}, "$ref": f"#/components/schemas/{name}"}
    known = app.components[name]["properties"]
    found = [f"{path} {one.json_path}: {one.message}" for one in Draft202012Validator(root).iter_errors(body)]
    return found + [f"{path}: {name} is not in the document" for name in body.keys() - known.keys()]


def _operation(app: Application, route: Route) -> Schema:
    words = re.sub("[^a-z]+", "_", route.path).strip("_")
    posted = any(one.method != route.method and one.path == route.path for one in app.routes)
    found: Schema = {
        "operationId": f"{words or 'home'}_{route.method.lower()}" if posted else words or "home",
        "summary": route.about,
    }
    found["parameters"] = [
        *(_parameter(name, "path", True, PARAMETERS[name]) for name in re.findall(r"{(\w+)}", route.path)),
        *(_parameter(name, "query", field.needed, field.about, field.choices) for name, field in route.query.items()),
        *([_parameter("Origin", "header", True, ORIGIN)] if app.origin and route.method == "POST" else []),
    ]
    if not found["parameters"]:
        del found["parameters"]
    if route.access in app.access:
        found["security"] = [dict(one) for one in app.access[route.access]]
    if route.forms:
        content = {"application/x-www-form-urlencoded": {"schema": _posted(route.forms)}}
        found["requestBody"] = {"required": True, "content": content}
    elif route.takes:
        found["requestBody"] = {"required": True, "content": _json(route.takes)}
    found["responses"] = {str(status): _response(one) for status, one in sorted(route.answers.items())}
    return found


def _response(answer: Answer) -> Schema:
    found: Schema = {"description": answer.about}
    if answer.component:
        found["content"] = _json(answer.component)
    elif answer.media:
        found["content"] = {answer.media: {"schema": TEXT}}
    else:
        found["headers"] = {"Location": {"schema": TEXT}} if answer.about.startswith("to ") else {}
    return {name: value for name, value in found.items() if value}


def _parameter(name: str, where: str, needed: bool, about: str, choices: tuple[str, ...] = ()) -> Schema:
    schema = {**TEXT, "enum": list(choices)} if choices else TEXT
    return {"name": name, "in": where, "required": needed, "description": about, "schema": schema}


def _posted(forms: Iterable[Form]) -> Schema:
    """One of these forms; what tells them apart is the field `what`."""
    found = []
    for form in forms:
        schema = _fields_posted(form.fields)
        if form.sort:
            schema["title"] = form.about
            schema["properties"] = {"what": {"const": form.sort}, **schema["properties"]}
            schema["required"] = ["what", *schema["required"]]
        found.append(schema)
    return found[0] if len(found) == 1 else {"oneOf": found}


def _fields_posted(fields: Fields) -> Schema:
    properties = {}
    for name, field in fields.items():
        schema = {**TEXT, "enum": list(field.choices)} if field.choices else TEXT
        schema = {"type": "array", "items": schema} if field.many else schema
        properties[name] = {**schema, "description": field.about}
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name, field in fields.items() if field.needed],
    }


def _json(component: str) -> Schema:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{component}"}}}
