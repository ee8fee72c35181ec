"""Holds what an application answers in a test against its table of routes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType

import pytest
from aiohttp import web

from streams.routes import Route


@contextmanager
def held_to_routes(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every answer meanwhile is one that the table of routes has. module: with `shelter` and `ROUTES`, as that of the
    console."""
    shelter, told = module.shelter, list[str]()

    def sheltered(served: web.Application, headers: Mapping[str, str]) -> None:
        shelter(served, headers)
        watch(served, module.ROUTES, told.append)

    monkeypatch.setattr(module, "shelter", sheltered)
    yield
    assert told == [], told


def watch(app: web.Application, routes: tuple[Route, ...], told: Callable[[str], None]) -> None:
    """Tell each answer whose status, media type or redirection the table does not have."""
    known: Mapping[tuple[str, str], Route] = {(one.method, one.path): one for one in routes}

    async def look(request: web.Request, response: web.StreamResponse) -> None:
        resource = request.match_info.route.resource
        path = "/static/{file}" if resource is not None and resource.canonical == "/static" else ""
        route = known.get((request.method.replace("HEAD", "GET"), path or getattr(resource, "canonical", "")))
        if route is None or response.status == 500:
            return  # another method or path, or a fault that the test is about
        answer = route.answers.get(response.status)
        if answer is None:
            told(f"{route.method} {route.path} answers {response.status}, which its table does not have")
        elif answer.media not in ("", "*/*") and response.content_type != answer.media:
            told(f"{route.method} {route.path} answers {response.status} with {response.content_type}")
        elif 300 <= response.status < 304 and "Location" not in response.headers:
            told(f"{route.method} {route.path} leads nowhere")

    app.on_response_prepare.append(look)
