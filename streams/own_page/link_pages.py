"""What a link opens: switching off, one click, and the code that lets a customer sign in."""

from __future__ import annotations

import logging
from typing import Any, Final
from urllib.parse import quote

from aiohttp import web

from streams.client.links import ONE_CLICK, Linked
from streams.own_page.access import LINK
from streams.own_page.asked import (
    PARTS,
    Refused,
    address_of,
    asked_language,
    form_of,
    limits_of,
    linked_of,
    page,
    say_to,
    take,
    what_of,
)
from streams.own_page.codes import CodeNotSent
from streams.own_page.facts import Times
from streams.own_page.forms import LANG, OFF, WITH_LINK, answers, sealed
from streams.own_page.page import confirmed, off_page
from streams.own_page.wishes import NotPossible, Wish
from streams.routes import Answer, Field, Form, Route, leads_to
from streams.web import posted

logger = logging.getLogger(__name__)


async def _back(request: web.Request) -> web.StreamResponse:
    """The address of a form that was sent, asked for as a page: by a choice of language, or a reload."""
    raise web.HTTPSeeOther(f"{_link(request)}{asked_language(request)}")


def _link(request: web.Request) -> str:
    return f"/o/{quote(request.match_info['token'])}"


async def _off(request: web.Request) -> web.StreamResponse:
    linked = linked_of(request)
    take(limits_of(request).reads, f"link {linked.customer}")
    return await _off_page(request, linked)


async def _switch_off(request: web.Request) -> web.StreamResponse:
    linked, service = linked_of(request), request.app[PARTS].service
    form, once = await form_of(request, LINK, linked.customer)
    try:
        wish = await service.switch_off(linked.customer, what_of(form), form, once, "by link", linked.channel)
    except NotPossible as error:
        return await _off_page(request, linked, fault=error.message, status=422)
    return await _off_page(request, linked, wish)


async def _one_click(request: web.Request) -> web.StreamResponse:
    """RFC 8058: a mail program's POST, without cookies and of no form of ours."""
    linked, say = linked_of(request), say_to(request)
    if (await posted(request)).get("List-Unsubscribe") != "One-Click":
        raise Refused("form_over", 400)
    take(limits_of(request).one_click, linked.customer)
    try:
        wish = await request.app[PARTS].service.one_click(linked.customer, linked.channel)
    except NotPossible:  # a link of an id or channel that no touchpoint takes
        raise Refused("link_over", 404) from None
    return page(request, "told.html", {"heading": confirmed(wish, say, Times(say, "")), "words": say("in_force")})


async def _off_page(
    request: web.Request, linked: Linked, wish: Wish | None = None, *, fault: str = "", status: int = 200, **more: Any
) -> web.StreamResponse:
    parts, say = request.app[PARTS], say_to(request)
    options = await parts.service.options(linked.customer)
    done = "" if wish is None else confirmed(wish, say, Times(say, ""))
    here, _ = parts.access.signed_in(request, parts.service.clock())
    values = {
        **off_page(options, linked.channel, say),
        "link": _link(request),
        "form": parts.access.form(LINK, linked.customer, parts.service.clock()),
        "done": done,
        "fault": say(f"fault_{fault}") if fault else "",
        "by_code": parts.sender is not None,
        "by_login": parts.signs_in,
        "code_sent": request.query.get("code") == "sent",
        "somebody_else": bool(here) and here != linked.customer,
        **more,
    }
    return page(request, "off.html", values, status)


async def _send_code(request: web.Request) -> web.StreamResponse:
    linked, parts = linked_of(request), request.app[PARTS]
    await form_of(request, LINK, linked.customer)
    if parts.sender is None:
        raise Refused("no_page", 404)
    take(limits_of(request).codes, linked.customer)
    code, mark = parts.access.ask(linked.customer, parts.service.clock())
    who = parts.service.pseudonym(linked.customer)
    try:
        await parts.sender.send_code(linked.customer, code, say_to(request).language)
    except CodeNotSent as error:
        logger.warning("no code for customer %s: %s", who, error)
        return await _off_page(request, linked, fault="code_not_sent", status=503)
    logger.info("customer %s: a code was sent", who)
    asked = asked_language(request)
    response = web.HTTPSeeOther(f"{_link(request)}{f'{asked}&' if asked else '?'}code=sent#more")
    parts.access.keep_mark(response, mark)
    raise response


async def _enter(request: web.Request) -> web.StreamResponse:
    linked, parts = linked_of(request), request.app[PARTS]
    form, _ = await form_of(request, LINK, linked.customer)
    if parts.sender is None:
        raise Refused("no_page", 404)
    limits, address = limits_of(request), address_of(request)
    if not limits.strange.has(address):
        raise Refused("too_often", 429, limits.strange.every_s)
    now, who = parts.service.clock(), parts.service.pseudonym(linked.customer)
    given = "".join(form.get("code", ()))
    mark = parts.access.mark_of(request, linked.customer, now)
    if mark:  # of another browser's code no try is taken
        take(limits.tries, mark)
    if not parts.access.is_code(given, linked.customer, mark):
        take(limits.strange, address)
        logger.info("customer %s: a wrong code", who)
        return await _off_page(request, linked, fault="wrong_code", status=401)
    logger.info("customer %s: signed in by a code", who)
    response = web.HTTPSeeOther(f"/me{asked_language(request)}")
    parts.access.let_in(response, linked.customer, now)
    raise response


_BACK: Final = "The address of a form that was sent, asked for as a page: by a choice of language, or a reload."
_CLICK: Final = "A mail program's unsubscribe (RFC 8058): the link's channel off, or all. Needs no form of ours."
_CODE: Final = "Have a code sent to the address that is known of the customer."
_ENTER: Final = "Sign in by the code that was sent."
_OPEN: Final = "The page on which a customer switches off. It changes nothing, and shows nothing of what is stored."

ROUTES: Final = (
    Route("GET", "/o/{token}", _off, _OPEN, answers(200, 404, 410, 421, 429), WITH_LINK, LANG),
    Route(
        "POST",
        "/o/{token}",
        _switch_off,
        "Switch something off: never on, nor anything wider than it is.",
        answers(200, 400, 403, 404, 410, 413, 421, 422, 429, 503),
        WITH_LINK,
        LANG,
        OFF,
    ),
    Route("GET", f"/o/{{token}}/{ONE_CLICK}", _off, _OPEN, answers(200, 404, 410, 421, 429), WITH_LINK, LANG),
    Route(
        "POST",
        f"/o/{{token}}/{ONE_CLICK}",
        _one_click,
        _CLICK,
        answers(200, 400, 404, 410, 413, 421, 429, 503),
        WITH_LINK,
        LANG,
        (Form(_CLICK, {"List-Unsubscribe": Field("of the mail's header", choices=("One-Click",))}),),
    ),
    Route(
        "POST",
        "/o/{token}/code",
        _send_code,
        _CODE,
        {
            **answers(400, 403, 404, 410, 413, 421, 429, 503),
            303: leads_to("the link's page"),
        },
        WITH_LINK,
        LANG,
        (sealed(_CODE),),
    ),
    Route(
        "POST",
        "/o/{token}/enter",
        _enter,
        _ENTER,
        {
            **answers(400, 403, 404, 410, 413, 421, 429),
            303: leads_to("`/me`"),
            401: Answer("the code is not right, or of another browser"),
        },
        WITH_LINK,
        LANG,
        (sealed(_ENTER, code=Field("eight digits")),),
    ),
    Route("GET", "/o/{token}/code", _back, _BACK, {**answers(421), 303: leads_to("the link's page")}, query=LANG),
    Route("GET", "/o/{token}/enter", _back, _BACK, {**answers(421), 303: leads_to("the link's page")}, query=LANG),
)
