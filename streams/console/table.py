"""The sorts of rows in the console's table of routes: pages that only show, and forms that do something."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiohttp import web
from multidict import MultiDict

from streams.console.rendering import ACCESS, WHO, refused
from streams.console.roles import Role
from streams.routes import NO_FIELDS, PLAIN, Answer, Field, Fields, Form, Handler, Route
from streams.web import posted

FORM_TOKEN: Final = "form_token"
ANYBODY: Final = "anybody"
SIGNED_IN: Final = "look"
"""The lowest role: whoever may look."""
ASK: Final = "Ask whoever keeps the console's roles file."
MISSING: Final = {
    Role.CUSTOMERS: "Single customers are not for your role.",
    Role.ACT: "Your role may look, and not act.",
}
TOKEN: Final = Field("made by the page that has the form, for whoever sends it, in the last twelve hours")
ELSEWHERE: Final = Answer("another site's page asks for it")
UNKNOWN: Final = Answer("who asks is not known, or may not look: a page that asks for the token")
AWAY: Final = Answer("Redis, Kafka or a worker does not answer: what, and the remedy")
TOO_LONG: Final = Answer("more than 256 KiB were sent", PLAIN)
SHOWN: Final = Answer("the page")

Sent = MultiDict[str]
Action = Callable[[web.Request, Sent], Awaitable[web.StreamResponse]]
Answers = Mapping[int, Answer]
NO_ANSWERS: Final[Answers] = {}


def shows(
    path: str,
    handler: Handler,
    about: str,
    *,
    role: Role = Role.LOOK,
    query: Fields = NO_FIELDS,
    reads: bool = True,
    answers: Answers = NO_ANSWERS,
) -> Route:
    """A page. reads: what it shows is read for it, from services that may be away."""
    denied = ELSEWHERE if role == Role.LOOK else Answer("the role is not enough, or another site's page asks for it")
    found = {**_done(SHOWN, answers), 401: UNKNOWN, 403: denied, **({503: AWAY} if reads else {}), **answers}
    return Route("GET", path, _of_role(role, handler), about, found, role.name.lower(), query)


def does(path: str, action: Action, about: str, fields: Fields, answers: Answers = NO_ANSWERS) -> Route:
    """A form for those who may act, which was made for them."""
    found = {
        **_done(Answer("a page that says what was done, or that asks before"), answers),
        400: Answer("what was sent can't be read, or asks for nothing that can be done: why"),
        401: UNKNOWN,
        403: Answer("the role is not enough, or the form is none of the console's own pages, or not of this session"),
        413: TOO_LONG,
        503: AWAY,
        **answers,
    }
    form = Form(about, {FORM_TOKEN: TOKEN, **fields})
    return Route("POST", path, _of_role(Role.ACT, _own(action)), about, found, Role.ACT.name.lower(), forms=(form,))


def _done(answer: Answer, others: Answers) -> Answers:
    """What comes of it, where it leads nowhere else."""
    return {} if any(300 <= status < 400 for status in others) else {200: answer}


def event_stream(about: str) -> Answer:
    """Server-sent events."""
    return Answer(about, "text/event-stream")


def _of_role(role: Role, handler: Handler) -> Handler:
    """The handler, for those whose role is enough."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        if request[WHO].role < role:
            return refused(request, MISSING[role], ASK)
        return await handler(request)

    return handler if role == Role.LOOK else guarded


def _own(action: Action) -> Handler:
    """The action, with a form that was made for whoever sends it."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        form = await posted(request)
        if not request.app[ACCESS].sessions.is_form_token(request[WHO].name, form.get(FORM_TOKEN, "")):
            return refused(
                request,
                "This form was not made for you, or too long ago.",
                "Load the page again, and then once more.",
            )
        return await action(request, form)

    return guarded
