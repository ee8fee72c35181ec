"""A row of an application's table of routes: what aiohttp serves, and what the OpenAPI document says of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from aiohttp import web

HTML: Final = "text/html"
JSON: Final = "application/json"
PLAIN: Final = "text/plain"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Field(NamedTuple):
    """Of a query or a form. needed: an answer without it is a refusal. many: it may come more than once. choices: what
    it takes; empty: any text. example: one that is taken."""

    about: str
    needed: bool = True
    many: bool = False
    choices: tuple[str, ...] = ()
    example: str = ""


Fields = Mapping[str, Field]
NO_FIELDS: Final[Fields] = {}


class Form(NamedTuple):
    """What a form sends. sort: the value of `what` that chooses it among the forms of one path; empty: there is one."""

    about: str
    fields: Fields
    sort: str = ""


class Answer(NamedTuple):
    """Of one status. component: of the document's schemas, of JSON; empty: its text is for people or programs that know
    the media type. media: empty: nothing comes with it."""

    about: str
    media: str = HTML
    component: str = ""


def data(about: str, component: str) -> Answer:
    """JSON."""
    return Answer(about, JSON, component)


def leads_to(where: str) -> Answer:
    """A redirection; its header `Location` says where."""
    return Answer(f"to {where}", "")


class Route(NamedTuple):
    """A method of a path.

    Attributes:
        method: in capital letters; HEAD goes with GET.
        path: with its parameters in braces.
        handler: answers; of a folder: nobody, aiohttp does.
        about: what it is for, a sentence.
        answers: by status, errors too.
        access: who may ask, by a name that the application has.
        query: of the address.
        forms: that are posted, one of them at a time.
        takes: the component that is posted as JSON; empty: none.
        folder: whose files are served below the path.
    """

    method: str
    path: str
    handler: Handler
    about: str
    answers: Mapping[int, Answer]
    access: str = ""
    query: Fields = NO_FIELDS
    forms: tuple[Form, ...] = ()
    takes: str = ""
    folder: Path | None = None


async def _of_folder(_: web.Request) -> web.StreamResponse:
    raise web.HTTPNotFound


def files(folder: Path, answers: Mapping[int, Answer]) -> Route:
    """The files of a folder, below `/static`."""
    found = {200: Answer("the file", "*/*"), 304: Answer("the browser has it", ""), **answers}
    return Route("GET", "/static/{file}", _of_folder, "A sheet, a script or an icon.", found, folder=folder)


def serve(app: web.Application, routes: Iterable[Route]) -> None:
    """Add a table to an application."""
    for one in routes:
        if one.folder is not None:
            app.router.add_static("/static", one.folder)
        elif one.method == "GET":
            app.router.add_get(one.path, one.handler)
        else:
            app.router.add_route(one.method, one.path, one.handler)
