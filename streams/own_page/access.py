"""Who is there: the holder of a link, who may switch off, or whoever is signed in, who may see and switch on.

Signed in is whom a reverse proxy names after its own login, or who has typed the code that was sent to the address that
is known of them. A form carries a seal, so that no other site's page can send one for who is signed in.
"""

from __future__ import annotations

import secrets
from typing import Final

from aiohttp import web

from streams.client.links import LinkKeys
from streams.web import LOOPBACK, asked_host, named_by

COOKIE: Final = "own-page"
ASKED: Final = "own-page-code"
BY_CODE: Final = "by code"
SESSION_MS: Final = 30 * 60_000
FORM_MS: Final = 24 * 3_600_000
CODE_DIGITS: Final = 8
CODE_MS: Final = 10 * 60_000
"""A code is right for so long."""
SKEW_MS: Final = 5 * 60_000
"""The clocks of two instances may differ by so much."""
LINK: Final = "link"
ME: Final = "me"
"""Of which page a form is: what a link shows to anybody opens nothing on the other."""


class Access:
    """keys: of the links. customer_header: by which a reverse proxy names the customer who has logged in; empty: none
    does. https: cookies are for that alone. host: of the page's address; where a header names who is signed in, it is
    served under no other, so that another site can't point its own name at it (DNS rebinding)."""

    def __init__(self, keys: LinkKeys, customer_header: str = "", https: bool = True, host: str = "") -> None:
        self._keys, self._header, self._https = keys, customer_header, https
        self._hosts = {*LOOPBACK, host.lower()} - {""}
        self._cookie, self._asked = (f"__Host-{one}" if https else one for one in (COOKIE, ASKED))

    def serves(self, request: web.Request) -> bool:
        """Whether the page may be asked for under this name."""
        return not self._header or asked_host(request) in self._hosts

    # -- signed in

    def signed_in(self, request: web.Request, now: int) -> tuple[str, str]:
        """The customer, and how they are known; empty: nobody is. now: ms."""
        if self._header and (named := named_by(request, self._header)):
            return _whole(named), "signed in"
        stated = request.cookies.get(self._cookie, "")
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
        self._set(response, self._cookie, value, SESSION_MS)
        self._drop(response, self._asked)

    def let_out(self, response: web.StreamResponse) -> None:
        """This browser forgets who it was; a copy of its cookie would be right until its end."""
        self._drop(response, self._cookie)

    def _drop(self, response: web.StreamResponse, name: str) -> None:
        response.del_cookie(name, secure=self._https, httponly=True, samesite="Strict")

    def _set(self, response: web.StreamResponse, name: str, value: str, lasts_ms: int) -> None:
        response.set_cookie(name, value, max_age=lasts_ms // 1000, httponly=True, samesite="Strict", secure=self._https)

    # -- codes

    def ask(self, customer: str, now: int) -> tuple[str, str]:
        """A code, and the mark of having asked for it, from which it is worked out; nothing is stored. now: ms."""
        mark = self._sealed_at("asked", customer, now)
        return self._code(customer, mark), mark

    def keep_mark(self, response: web.StreamResponse, mark: str) -> None:
        """In the browser that asked: another, and a form of another site's, can't bring the code."""
        self._set(response, self._asked, mark, CODE_MS + SKEW_MS)

    def mark_of(self, request: web.Request, customer: str, now: int) -> str:
        """Of a code that this browser has asked for; empty: it has not, or that is over. now: ms."""
        mark = request.cookies.get(self._asked, "")
        return mark if self._is_sealed_at(mark, "asked", customer, now, CODE_MS) else ""

    def is_code(self, given: str, customer: str, mark: str) -> bool:
        told = given.replace(" ", "").encode("utf-8", "replace")
        return bool(mark) and secrets.compare_digest(told, self._code(customer, mark).encode())

    def _code(self, customer: str, mark: str) -> str:
        drawn = int(self._keys.sealed("code", customer, mark), 16)
        return f"{drawn % 10**CODE_DIGITS:0{CODE_DIGITS}d}"

    # -- forms

    def form(self, where: str, customer: str, now: int) -> str:
        """What a form of theirs carries: it is drawn once, and sealed. where: `LINK` or `ME`. now: ms."""
        return self._sealed_at(f"form {where}", customer, now)

    def is_form(self, given: str, where: str, customer: str, now: int) -> bool:
        """Whether a form of that page was made for them, within a day. now: ms."""
        return self._is_sealed_at(given, f"form {where}", customer, now, FORM_MS)

    def _sealed_at(self, what: str, customer: str, now: int) -> str:
        drawn, at = secrets.token_hex(8), str(now)
        return f"{drawn}.{at}.{self._keys.sealed(what, customer, drawn, at)}"

    def _is_sealed_at(self, given: str, what: str, customer: str, now: int, lasts_ms: int) -> bool:
        drawn, _, rest = given[:200].partition(".")
        at, _, seal = rest.partition(".")
        fresh = at.isascii() and at.isdigit() and -SKEW_MS <= now - int(at[:16]) < lasts_ms
        return fresh and self._keys.is_sealed(seal, what, customer, drawn, at)


def _whole(text: str) -> str:
    """A header's text, which is UTF-8; what is not comes as surrogates, which no id has."""
    return "" if any("\ud800" <= one <= "\udfff" for one in text) else text


def _from_hex(text: str) -> str:
    try:
        return bytes.fromhex(text).decode()
    except ValueError:
        return ""
