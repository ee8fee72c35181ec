"""What the pages over HTTP share: who a proxy names, under which host they are asked for, and a form's fields."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web
from multidict import MultiDictProxy

LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


class NotToBeRead(Exception):
    """A body that is no form: of another character set than it says, broken off, or without its boundary."""


async def posted(request: web.Request) -> MultiDictProxy[Any]:
    """The fields of a form. Raises NotToBeRead, and what aiohttp answers itself, such as 413."""
    try:
        return await request.post()
    except web.HTTPException:
        raise
    except Exception as error:  # a body is foreign text: a dozen kinds, from LookupError to AssertionError
        raise NotToBeRead(f"the body is no form: {type(error).__name__}") from error


def named_by(request: web.Request, header: str) -> str:
    """Whom a proxy's header names. Empty: nobody, nor where it comes twice, since one may come from outside."""
    stated = request.headers.getall(header, [])
    return stated[0] if len(stated) == 1 else ""


def asked_host(request: web.Request) -> str:
    """The host's name under which a page is asked for, without its port; empty: none can be read from it."""
    stated = named_by(request, "Host")
    try:
        return "" if set(stated) & set("@/?#\\") else (urlsplit(f"//{stated}").hostname or "")
    except ValueError:
        return ""


def is_from_elsewhere(request: web.Request) -> bool:
    """Whether the browser says that another site's page sends this."""
    return request.headers.get("Sec-Fetch-Site", "") == "cross-site"
