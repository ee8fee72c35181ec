"""The page of whoever is signed in: what is known, every switch, and what may be asked for."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from streams.operations.access.places import ENGLISH, GERMAN
from streams.own_page.access import BY_CODE, ME
from streams.own_page.asked import (
    PARTS,
    asked_language,
    form_of,
    limits_of,
    page,
    say_to,
    signed_in,
    take,
    told,
    what_of,
)
from streams.own_page.facts import Times
from streams.own_page.forms import CHANGES, LANG, SIGNED_IN, answers
from streams.own_page.page import confirmed, whole_page
from streams.own_page.wishes import NotPossible, Wish
from streams.routes import Answer, Route, leads_to


async def _back(request: web.Request) -> web.StreamResponse:
    raise web.HTTPSeeOther(f"/me{asked_language(request)}")


async def _me(request: web.Request) -> web.StreamResponse:
    customer, _ = signed_in(request)
    take(limits_of(request).reads, f"me {customer}")
    return await _whole_page(request, customer)


async def _change(request: web.Request) -> web.StreamResponse:
    customer, via = signed_in(request)
    form, once = await form_of(request, ME, customer)
    try:
        wish = await request.app[PARTS].service.change(customer, what_of(form), form, once, via)
    except NotPossible as error:
        return await _whole_page(request, customer, fault=error.message, status=422)
    return await _whole_page(request, customer, wish)


async def _leave(request: web.Request) -> web.StreamResponse:
    """Signs out whoever came by a code; whom a proxy names, it names."""
    response = told(request, "signed_out", 200)
    request.app[PARTS].access.let_out(response)
    return response


async def _whole_page(
    request: web.Request, customer: str, wish: Wish | None = None, *, fault: str = "", status: int = 200
) -> web.StreamResponse:
    parts = request.app[PARTS]
    known = await parts.service.known(customer)
    say = say_to(request, known.tail.language)
    waits = await parts.service.waiting(customer)
    places = await parts.service.source.places(known, GERMAN if say.language == "de" else ENGLISH)
    times = Times(say, known.zone)
    values = {
        **whole_page(known, waits, places, say),
        "form": parts.access.form(ME, customer, parts.service.clock()),
        "can_leave": parts.access.signed_in(request, parts.service.clock())[1] == BY_CODE,
        "done": "" if wish is None else confirmed(wish, say, times),
        "fault": say(f"fault_{fault}") if fault else "",
    }
    return page(request, "me.html", values, status, say)


_BACK: Final = "The address of the form, asked for as a page: by a choice of language, or a reload."

ROUTES: Final = (
    Route(
        "GET",
        "/me",
        _me,
        "What is known, and every switch as it is.",
        answers(200, 401, 421, 429, 503),
        SIGNED_IN,
        LANG,
    ),
    Route(
        "POST",
        "/me",
        _change,
        "Change something, or ask for it: each is a touchpoint.",
        answers(200, 400, 401, 403, 413, 421, 422, 429, 503),
        SIGNED_IN,
        LANG,
        CHANGES,
    ),
    Route(
        "POST",
        "/leave",
        _leave,
        "Sign out of this browser; whom a proxy names, it names on.",
        {**answers(403, 421), 200: Answer("a page that says so")},
        query=LANG,
    ),
    Route("GET", "/leave", _back, _BACK, {**answers(421), 303: leads_to("`/me`")}, query=LANG),
)
