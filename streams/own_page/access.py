"""Who is there: the holder of a link, who may switch off, or whoever is signed in, who may see and switch on.

Signed in is whom a reverse proxy names after its own login, or who has typed the code that was sent to the address that
is known of them. A form carries a seal, so that no other site's page can send one for who is signed in.
"""

from __future__ import annotations

import secrets
from typing import Final

from aiohttp import web

from streams.client.links import LinkKeys
from streams.web import named_by

COOKIE: Final = "own-page"
BY_CODE: Final = "by code"
SESSION_MS: Final = 30 * 60_000
FORM_MS: Final = 24 * 3_600_000
CODE_DIGITS: Final = 8
CODE_MS: Final = 10 * 60_000
"""A code is right in the ten minutes in which it was made, and in the next ten."""


class Access:
    """keys: of the links. customer_header: by which a reverse proxy names the customer who has logged in; empty: none
    does. https: cookies are for that alone."""

    def __init__(self, keys: LinkKeys, customer_header: str = "", https: bool = True) -> None:
        self._keys, self._header, self._https = keys, customer_header, https

    # -- signed in

    def signed_in(self, request: web.Request, now: int) -> tuple[str, str]:
        """The customer, and how they are known; empty: nobody is. now: ms."""
        if self._header and (named := named_by(request, self._header)):
            return _whole(named), "signed in"
        stated = request.cookies.get(COOKIE, "")
        until, _, rest = stated.partition(".")
        seal, _, customer = rest.partition(".")
        name = _from_hex(customer)
        right = name and until.isascii() and until.isdigit() and now < int(until[:16])
        if right and self._keys.is_sealed(seal, "session", name, until):
            return name, BY_CODE
        return "", ""

    def let_in(self, response: web.StreamResponse, customer: str, now: int) -> None:
        """The customer has shown who they are. now: ms."""
        until = str(now + SESSION_MS)
        value = f"{until}.{self._keys.sealed('session', customer, until)}.{customer.encode().hex()}"
        options = {"max_age": SESSION_MS // 1000, "httponly": True, "samesite": "Strict", "secure": self._https}
        response.set_cookie(COOKIE, value, **options)  # type: ignore[arg-type]

    # -- codes

    def code(self, customer: str, now: int) -> str:
        """That of these ten minutes; nothing is stored of it. now: ms."""
        return self._code(customer, now // CODE_MS)

    def is_code(self, given: str, customer: str, now: int) -> bool:
        """now: ms."""
        told = given.replace(" ", "").encode("utf-8", "replace")
        step = now // CODE_MS
        found = [secrets.compare_digest(told, self._code(customer, one).encode()) for one in (step, step - 1)]
        return any(found)

    def _code(self, customer: str, step: int) -> str:
        drawn = int(self._keys.sealed("code", customer, str(step)), 16)
        return f"{drawn % 10**CODE_DIGITS:0{CODE_DIGITS}d}"

    # -- forms

    def form(self, customer: str, now: int) -> str:
        """What a form of theirs carries: it is drawn once, and sealed. now: ms."""
        drawn, at = secrets.token_hex(8), str(now)
        return f"{drawn}.{at}.{self._keys.sealed('form', customer, drawn, at)}"

    def is_form(self, given: str, customer: str, now: int) -> bool:
        """Whether a form was made for them, within a day. now: ms."""
        drawn, _, rest = given[:200].partition(".")
        at, _, seal = rest.partition(".")
        fresh = at.isascii() and at.isdigit() and 0 <= now - int(at[:16]) < FORM_MS
        return fresh and self._keys.is_sealed(seal, "form", customer, drawn, at)


def _whole(text: str) -> str:
    """A header's text, which is UTF-8; what is not comes as surrogates, which no id has."""
    return "" if any("\ud800" <= one <= "\udfff" for one in text) else text


def _from_hex(text: str) -> str:
    try:
        return bytes.fromhex(text).decode()
    except ValueError:
        return ""
