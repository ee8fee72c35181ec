"""Who may look, and who may act: anybody on this machine looks, whoever has a token, or whom a reverse proxy names."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from streams.console.roles import Role, Roles, Who
from streams.console.sessions import Sessions
from streams.web import LOOPBACK, asked_host, named_by, origin_of

COOKIE: Final = "retention"
ANONYMOUS: Final = "somebody on this machine"
HOLDER: Final = "the token's holder"
USUAL: Final = Role.CUSTOMERS
"""Of everybody who may look, where no file gives roles: nobody acts."""


@dataclass(frozen=True, slots=True)
class Access:
    """token: what is asked for; empty: nothing is, which only loopback may be. user_header: a reverse proxy's header
    that names who looks; whoever comes without it is turned away. roles: who may do what; None: all look, and nobody
    acts. origin: how browsers call the console, behind a proxy; empty: by a name of this machine. hosts: names under
    which, as by that of the origin, the page may be asked for where the browser itself has no secret, so that another
    site's page cannot (DNS rebinding): its name stays that site's."""

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

    @property
    def origin_host(self) -> str:
        return urlsplit(self.origin).hostname or LOOPBACK[0]

    def who(self, request: web.Request) -> Who | None:
        """Who looks; None: they may not."""
        if not self.asks and asked_host(request) not in (self.hosts | {self.origin_host}):
            return None
        if self.user_header:
            name = named_by(request, self.user_header)
            return self._named(name) if name else None
        if not self.asks:
            return Who(ANONYMOUS, USUAL)
        given = named_by(request, "Authorization").removeprefix("Bearer ")
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

    def in_session(self, request: web.Request) -> bool:
        """Whether the browser has a session, which it can end."""
        return self.asks and self.sessions.name(request.cookies.get(COOKIE, "")) is not None

    def is_own(self, request: web.Request) -> bool:
        """Whether a form was sent from one of our own pages, by what the browser says of its origin."""
        if self.origin:
            return named_by(request, "Origin") == self.origin
        stated = origin_of(request)
        return bool(stated) and stated == named_by(request, "Host").lower()

    def secure(self, request: web.Request) -> bool:
        """Whether the browser speaks TLS, as far as we know."""
        return request.secure or self.origin.startswith("https:")
