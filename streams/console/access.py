"""Who may look, and who may act: anybody on this machine looks, whoever has a token, or whom a reverse proxy names."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from streams.console.roles import Role, Roles, Who
from streams.console.sessions import Sessions

COOKIE: Final = "retention"
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
ANONYMOUS: Final = "somebody on this machine"
HOLDER: Final = "the token's holder"
USUAL: Final = Role.CUSTOMERS
"""Of everybody who may look, where no file gives roles: nobody acts."""


@dataclass(frozen=True, slots=True)
class Access:
    """token: what is asked for; empty: nothing is, which only loopback may be. user_header: a reverse proxy's header
    that names who looks; whoever comes without it is turned away. roles: who may do what; None: all look, and nobody
    acts. origin: how browsers call the console, behind a proxy that changes the host; empty: as they ask for it. hosts:
    names under which the page may be asked for without a token, so that another site's page cannot (DNS rebinding)."""

    token: str = ""
    user_header: str = ""
    roles: Roles | None = None
    origin: str = ""
    hosts: frozenset[str] = frozenset(LOOPBACK)
    sessions: Sessions = field(default_factory=Sessions)

    @property
    def asks(self) -> bool:
        """Whether a token lets somebody in."""
        return not self.user_header and bool(self.token or self.roles)

    def who(self, request: web.Request) -> Who | None:
        """Who looks; None: they may not."""
        if self.user_header:
            name = request.headers.get(self.user_header, "")
            return self._named(name) if name else None
        if not self.asks:
            host = (request.url.host or "").strip("[]")
            return Who(ANONYMOUS, USUAL) if host in self.hosts else None
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if given and (holder := self.holder(given)) is not None:
            return holder
        name = self.sessions.name(request.cookies.get(COOKIE, "")) or ""
        return self._named(name) if name else None

    def holder(self, given: str) -> Who | None:
        """Whose token it is, without telling by the time that it takes how much of it is right; None: nobody's."""
        if self.roles is not None:
            return self.roles.holder(given)
        known = bool(self.token) and hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self.token.encode())
        return Who(HOLDER, USUAL) if known else None

    def _named(self, name: str) -> Who | None:
        return Who(name, USUAL) if self.roles is None else self.roles.of(name)

    def session(self, request: web.Request, who: Who) -> tuple[str, bool]:
        """The session of who acts, and whether it is new: the browser has none, or another's."""
        cookie = request.cookies.get(COOKIE, "")
        if self.sessions.name(cookie) == who.name:
            return cookie, False
        return self.sessions.issue(who.name), True

    def is_own(self, request: web.Request) -> bool:
        """Whether a form was sent from one of our own pages, by what the browser says of its origin."""
        stated = request.headers.get("Origin", "")
        if self.origin:
            return stated == self.origin
        return bool(stated) and urlsplit(stated).netloc == request.host and stated != "null"

    def secure(self, request: web.Request) -> bool:
        """Whether the browser speaks TLS, as far as we know."""
        return request.secure or self.origin.startswith("https:")
