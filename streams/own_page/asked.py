"""What all requests have in common: who asks, how often, in which language, and the page that answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple

import jinja2
from aiohttp import web

from streams.client.links import Linked, LinkKeys
from streams.own_page.access import ME, Access
from streams.own_page.catalogue import Catalogue, accepted, chosen
from streams.own_page.codes import Sender
from streams.own_page.limits import Limit
from streams.own_page.service import Service
from streams.own_page.wishes import Form
from streams.web import posted

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
}
OFTEN: Final = (40, 600.0)
"""Forms of one customer by a link, by one click, and signed in: at once, and seconds until all may come again."""
STRANGE: Final = (30, 600.0)
"""Links that are none of ours, and wrong codes, of one address."""
CODES: Final = (5, 86_400.0)
"""Codes that are sent for one customer: ten in a day at most."""
TRIES: Final = (5, 1_800.0)
"""To type one code."""
READS: Final = (120, 600.0)
"""Pages of one customer that are only looked at, by a link and signed in."""


class Parts(NamedTuple):
    """What the page is made of.

    languages: catalogues by language; speaks: the one where no other fits. sender: of codes; None: there are none.
    theme: one sheet more; None: none. address_header: by which a proxy names who calls; empty: who connects.
    """

    service: Service
    access: Access
    keys: LinkKeys
    languages: dict[str, Catalogue]
    speaks: str = "en"
    sender: Sender | None = None
    theme: Path | None = None
    address_header: str = ""
    signs_in: bool = False


class Limits(NamedTuple):
    link: Limit
    me: Limit
    one_click: Limit
    strange: Limit
    codes: Limit
    tries: Limit
    reads: Limit


PARTS: Final = web.AppKey("parts", Parts)
LIMITS: Final = web.AppKey("limits", Limits)
TEMPLATES: Final = web.AppKey("templates", jinja2.Environment)


class Refused(Exception):
    """A page that says why nothing was done. heading: of the catalogue; its text is the same key with `_words`. wait_s:
    until it may be tried again; 0: that is not the reason."""

    def __init__(self, heading: str, status: int, wait_s: int = 0) -> None:
        super().__init__(heading)
        self.heading, self.status, self.wait_s = heading, status, wait_s


def linked_of(request: web.Request) -> Linked:
    """Raises LinkRefused."""
    parts = request.app[PARTS]
    return parts.keys.read(request.match_info["token"], parts.service.clock())


def signed_in(request: web.Request) -> tuple[str, str]:
    parts = request.app[PARTS]
    customer, via = parts.access.signed_in(request, parts.service.clock())
    if not customer:
        raise Refused("not_signed_in", 401)
    return customer, via


async def form_of(request: web.Request, where: str, customer: str) -> tuple[Form, str]:
    """What was sent, and what its form carries. where: `LINK` or `ME`, the page that it is of. Only a form that is ours
    takes of its customer's, so that whoever sends others keeps nobody out. Raises Refused."""
    sent: dict[str, list[str]] = {}
    for name, value in (await posted(request)).items():
        if isinstance(value, str):
            sent.setdefault(name, []).append(value)
    [once] = sent.pop("form", [""])[:1]
    parts = request.app[PARTS]
    limits = limits_of(request)
    if not parts.access.is_form(once, where, customer, parts.service.clock()):
        take(limits.strange, address_of(request))
        raise Refused("form_over", 403)
    take(limits.me if where == ME else limits.link, customer)
    return sent, once


def take(limit: Limit, who: str) -> None:
    """Raises Refused."""
    if not limit.takes(who):
        raise Refused("too_often", 429, limit.every_s)


def what_of(form: Form) -> str:
    return next(iter(form.get("what", ())), "")


def limits_of(request: web.Request) -> Limits:
    return request.app[LIMITS]


def address_of(request: web.Request) -> str:
    """Who calls: the last one that the proxy has added, else who connects."""
    header = request.app[PARTS].address_header
    named = ",".join(request.headers.getall(header, [])).rpartition(",")[2].strip() if header else ""
    return named or request.remote or ""


def say_to(request: web.Request, stored: str = "") -> Catalogue:
    """In the language that was asked for, else that of the customer (`stored`), else of the browser."""
    parts = request.app[PARTS]
    browser = accepted(request.headers.get("Accept-Language", ""))
    return chosen([request.query.get("lang", ""), stored, *browser], parts.languages, parts.speaks)


def asked_language(request: web.Request) -> str:
    asked = request.query.get("lang", "")
    return f"?lang={asked}" if asked in request.app[PARTS].languages else ""


def told(request: web.Request, heading: str, status: int) -> web.Response:
    say = say_to(request)
    return page(request, "told.html", {"heading": say(heading), "words": say(f"{heading}_words")}, status)


def page(
    request: web.Request, name: str, values: dict[str, Any], status: int = 200, say: Catalogue | None = None
) -> web.Response:
    parts = request.app[PARTS]
    told = {
        "say": say or say_to(request),
        "languages": [(one, parts.languages[one]("language_name")) for one in parts.languages],
        "asked": asked_language(request),
        "themed": parts.theme is not None,
    }
    body = request.app[TEMPLATES].get_template(name).render(**told, **values)
    return web.Response(text=body, content_type="text/html", status=status)
