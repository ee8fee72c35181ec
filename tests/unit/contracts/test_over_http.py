"""What is served over HTTP is what the documents say: each route, who may ask, and what each form sends."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from models.settings import DAY
from streams.console.access import Access
from streams.console.app import ROUTES as CONSOLE_ROUTES
from streams.console.app import console_app
from streams.console.roles import roles_of
from streams.console.table import ANYBODY, FORM_TOKEN
from streams.own_page.app import ROUTES as OWN_PAGE_ROUTES
from streams.own_page.app import own_page_app
from streams.own_page.forms import CHANGES, OFF, SIGNED_IN, WITH_LINK
from streams.routes import Form, Route, serve
from tests.support.console_pages import Did, Pages
from tests.support.contracts.http import OWN_PAGE, applications, openapi, worker
from tests.support.contracts.http_changes import http_breaks
from tests.support.own_pages import NOW, OTHERS, OwnPage, form_in

ROLES = 'others = "look"\n[[user]]\nname = "ada"\nrole = "act"\n[[user]]\nname = "bert"\nrole = "customers"\n'
CUSTOMER = {"X-Customer": "c"}


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


def console() -> TestClient[Any, Any]:
    access = Access(user_header="X-User", roles=roles_of(ROLES, "roles.toml", True))
    return TestClient(TestServer(console_app(Pages(), access, Did())))


def own(client: TestClient[Any, Any], **headers: str) -> dict[str, str]:
    return {"Origin": str(client.make_url("/")).rstrip("/"), **headers}


def served(app: web.Application) -> set[tuple[str, str]]:
    found = {(one.method, one.resource.canonical) for one in app.router.routes() if one.resource is not None}
    return {(method, f"{path}/{{file}}" if path == "/static" else path) for method, path in found if method != "HEAD"}


@pytest.mark.asyncio
async def test_every_route_that_is_served_is_in_its_document_and_no_other() -> None:
    of_worker = web.Application()
    serve(of_worker, worker().routes)
    apps = of_worker, console_app(Pages(), Access(), Did()), own_page_app(OwnPage().parts())
    for app, told in zip(apps, applications(), strict=True):
        paths = openapi(told)["paths"]
        assert served(app) == {(method.upper(), path) for path, methods in paths.items() for method in methods}
        ids = [one["operationId"] for methods in paths.values() for one in methods.values()]
        assert len(ids) == len(set(ids))


@pytest.mark.asyncio
@pytest.mark.parametrize("route", [one for one in CONSOLE_ROUTES if one.access not in ("", ANYBODY)], ids=named)
async def test_a_role_that_the_console_s_document_asks_for_is_needed(route: Route) -> None:
    async with console() as client:

        async def status(**headers: str) -> int:
            told = own(client, **headers)
            answer = await client.request(route.method, route.path, headers=told, allow_redirects=False)
            return answer.status

        assert await status() == 401
        lower = {"look": [], "customers": ["someone"], "act": ["someone", "bert"]}[route.access]
        assert [await status(**{"X-User": name}) for name in lower] == [403] * len(lower)
        if route.path != "/live":
            assert await status(**{"X-User": "ada"}) != 401


@pytest.mark.asyncio
@pytest.mark.parametrize("route", [one for one in CONSOLE_ROUTES if one.method == "POST"], ids=named)
async def test_what_is_posted_to_the_console_comes_from_a_page_of_its_own_and_whose_it_is(route: Route) -> None:
    ada = {"X-User": "ada"}
    async with console() as client:
        for headers in (ada, {**ada, "Origin": "https://evil.example"}):
            answer = await client.post(route.path, headers=headers, allow_redirects=False)
            assert answer.status == 403
        if route.access == "act":
            assert (await client.post(route.path, headers=own(client, **ada))).status == 403
            assert FORM_TOKEN in route.forms[0].fields


@pytest.mark.asyncio
@pytest.mark.parametrize("route", [one for one in OWN_PAGE_ROUTES if one.access], ids=named)
async def test_a_link_or_signing_in_is_needed_where_the_document_says_so(route: Route) -> None:
    page = OwnPage()
    async with page.client() as client:
        strange = OTHERS.token("c", NOW + 60 * DAY, "email")
        data = {"List-Unsubscribe": "One-Click"}
        answer = await client.request(route.method, route.path.replace("{token}", strange), data=data)
        assert answer.status == {WITH_LINK: 404, SIGNED_IN: 401}[route.access]
        if any("form" in form.fields for form in route.forms):
            path = route.path.replace("/o/{token}", page.link())
            assert (await client.post(path, data={"what": "all"}, headers=CUSTOMER)).status == 403
    assert page.published == []


def examples(form: Form) -> dict[str, str]:
    return {name: one.example or next(iter(one.choices), "") for name, one in form.fields.items() if name != "form"}


@pytest.mark.asyncio
@pytest.mark.parametrize("form", OFF, ids=lambda form: form.sort)
async def test_each_form_of_a_link_is_taken_as_it_stands_in_the_document(form: Form) -> None:
    page = OwnPage()
    async with page.client() as client:
        seal = form_in(await (await client.get(page.link())).text())
        answer = await client.post(page.link(), data={"form": seal, "what": form.sort, **examples(form)})
        assert (answer.status, len(page.published)) == (200, 1), await answer.text()


@pytest.mark.asyncio
@pytest.mark.parametrize("form", CHANGES, ids=lambda form: form.sort)
async def test_each_form_of_whoever_is_signed_in_is_taken_as_it_stands_in_the_document(form: Form) -> None:
    page = OwnPage()
    async with page.client() as client:
        seal = form_in(await (await client.get("/me", headers=CUSTOMER)).text())
        if form.sort == "keep":
            await client.post("/me", data={"form": seal, "what": "forget"}, headers=CUSTOMER)
        told = len(page.published)
        answer = await client.post("/me", data={"form": seal, "what": form.sort, **examples(form)}, headers=CUSTOMER)
        assert (answer.status, len(page.published)) == (200, told + 1), await answer.text()


class Forms(HTMLParser):
    """The forms of a page: method, path, `what`, and the names of what they send."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append((told["method"].upper(), told["action"].partition("?")[0], {}))
        elif tag in ("input", "select", "textarea") and "name" in told:
            self.found[-1][2][told["name"]] = told.get("value", "")


def unlike(routes: tuple[Route, ...], forms: Forms) -> Iterator[str]:
    """What forms send that no table has, and what they leave out that is needed."""
    for method, action, sent in forms.found:
        path = re.sub(r"^/o/[^/]+", "/o/{token}", action)
        route = next(one for one in routes if (one.method, one.path) == (method, path))
        if method == "GET":
            yield from (f"{path}?{name}" for name in sent if name not in route.query)
            continue
        forms_of = [one for one in route.forms if one.sort in ("", sent.get("what"))]
        fields = forms_of[0].fields if forms_of else {}
        yield from (f"{path}: {name} is in no table" for name in sent if name not in {**fields, "what": ""})
        yield from (f"{path}: {name} is not sent" for name, one in fields.items() if one.needed and name not in sent)


@pytest.mark.asyncio
async def test_the_pages_forms_send_what_the_documents_have() -> None:
    looked = 0
    async with console() as client:
        for path in ("/now", "/stop", "/model", "/customers", "/policy/change", "/policy/proposal?number=5-fee"):
            forms = Forms(await (await client.get(path, headers={"X-User": "ada"})).text())
            assert list(unlike(CONSOLE_ROUTES, forms)) == []
            looked += len(forms.found)
    async with TestClient(TestServer(console_app(Pages(), Access(token="x" * 20), Did()))) as client:
        forms = Forms(await (await client.get("/now")).text())
        assert list(unlike(CONSOLE_ROUTES, forms)) == []
        assert [action for _, action, _ in forms.found] == ["/login"]
    page = OwnPage()
    async with page.client() as client:
        for path in (page.link(), "/me"):
            forms = Forms(await (await client.get(path, headers=CUSTOMER)).text())
            assert list(unlike(OWN_PAGE_ROUTES, forms)) == []
            looked += len(forms.found)
    assert looked > 30


def test_what_a_change_of_a_route_breaks_is_said() -> None:
    former, now = openapi(OWN_PAGE), json.loads(json.dumps(openapi(OWN_PAGE)))
    assert http_breaks(former, now) == []
    del now["paths"]["/o/{token}"]["get"]
    del now["paths"]["/me"]["post"]["responses"]["200"]
    now["paths"]["/health"]["get"]["security"] = [{"proxy": []}]
    now["paths"]["/me"]["get"]["parameters"][0] |= {"name": "language", "required": True}
    forms = now["paths"]["/o/{token}"]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    forms["oneOf"][0]["properties"]["why"] = {"type": "string"}
    forms["oneOf"][0]["required"].append("why")
    assert http_breaks(former, now) == [
        "GET /o/{token} is gone: somebody calls it",
        "POST /o/{token} needs all: why now: who calls it does not send it",
        "GET /me takes no lang any more",
        "GET /me needs language now: who calls it does not send it",
        "POST /me answers no 200 any more: somebody waits for it",
        "GET /health is not for anybody any more",
    ]
