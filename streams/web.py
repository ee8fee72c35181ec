"""What the pages over HTTP share: who a proxy names, which host is meant, a form's fields, headers of each answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web
from multidict import MultiDict

LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
LONGEST_NUMBER: Final = 18
"""Digits: what has more is no number of ours, and `int` refuses thousands."""


class NotToBeRead(Exception):
    """A body that is no form: of another character set than it says, broken off, or without its boundary."""


async def posted(request: web.Request) -> MultiDict[str]:
    """The fields of a form; a file is none. Raises NotToBeRead, and what aiohttp answers itself, such as 413."""
    try:
        form = await request.post()
    except web.HTTPException:
        raise
    except Exception as error:  # a body is foreign text: a dozen kinds, from LookupError to AssertionError
        raise NotToBeRead(f"the body is no form: {type(error).__name__}") from error
    fields = MultiDict((name, value) for name, value in form.items() if isinstance(value, str))
    if not all(_is_text(name) and _is_text(value) for name, value in fields.items()):
        raise NotToBeRead("the body is no form: it has half of a character")
    return fields


def named_by(request: web.Request, header: str) -> str:
    """Whom a proxy's header names. Empty: nobody, nor where it comes twice, since one may come from outside, or is not
    UTF-8 (which comes as surrogates, and no page or log can show)."""
    stated = request.headers.getall(header, [])
    return stated[0] if len(stated) == 1 and _is_text(stated[0]) else ""


def asked_host(request: web.Request) -> str:
    """The host's name under which a page is asked for, without its port; empty: none can be read from it."""
    stated = named_by(request, "Host")
    try:
        return "" if set(stated) & set("@/?#\\") else (urlsplit(f"//{stated}").hostname or "")
    except ValueError:
        return ""


def origin_of(request: web.Request) -> str:
    """Of which page a browser says that it sends this, as the header `Host` would have it; empty: it does not."""
    try:
        return urlsplit(named_by(request, "Origin")).netloc.lower()
    except ValueError:
        return ""


def is_from_elsewhere(request: web.Request) -> bool:
    """Whether the browser says that another site's page asks for this, or sends it, other than by opening it as a page.

    A page can't set `Sec-Fetch-*`; who sends none is no browser of today.
    """
    if named_by(request, "Sec-Fetch-Site") not in ("cross-site", "same-site"):
        return False
    opened = named_by(request, "Sec-Fetch-Mode") == "navigate" and named_by(request, "Sec-Fetch-Dest") == "document"
    return request.method != "GET" or not opened


def number_of(text: str) -> int | None:
    """A whole number, not negative; None: it is none, or longer than any of ours."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER else None


def shelter(app: web.Application, headers: Mapping[str, str]) -> None:
    """Each answer has these headers, also one that no handler made, of a method that is not taken or of a fault."""

    async def prepare(_: web.Request, response: web.StreamResponse) -> None:
        for name, value in headers.items():
            response.headers.setdefault(name, value)

    app.on_response_prepare.append(prepare)


def _is_text(text: str) -> bool:
    return not any("\ud800" <= one <= "\udfff" for one in text)
