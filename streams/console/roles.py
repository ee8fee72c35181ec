"""Who may do what: a file that gives names roles, and where no reverse proxy names who looks, tokens."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import sha256
from typing import Annotated, Final, Literal, NamedTuple

import msgspec

from streams.config import ConfigError

LONGEST_NAME: Final = 100


class Role(IntEnum):
    """Each may do what those before it may. LOOK: all pages but those of single customers. CUSTOMERS: these too. ACT:
    stop and resume, choose the model, propose, approve and apply policies."""

    LOOK = 1
    CUSTOMERS = 2
    ACT = 3


class Who(NamedTuple):
    name: str
    role: Role


_Role = Literal["look", "customers", "act"]


class _User(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NAME)]
    role: _Role
    token_sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")] | None = None


class _File(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    user: tuple[_User, ...] = ()
    others: _Role | None = None


@dataclass(frozen=True, slots=True)
class Roles:
    """others: of whom a proxy names and the file does not; None: they may not look. tokens: names by sha256."""

    roles: Mapping[str, Role] = field(default_factory=dict)
    others: Role | None = None
    tokens: Mapping[str, str] = field(default_factory=dict)

    def of(self, name: str) -> Who | None:
        """Somebody whom a proxy or a session names."""
        role = self.roles.get(name, self.others)
        return None if role is None else Who(name, role)

    def holder(self, token: str) -> Who | None:
        """Whose token it is."""
        digest = sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
        for known, name in self.tokens.items():
            if hmac.compare_digest(known, digest):
                return self.of(name)
        return None


def roles_of(text: str, where: str, by_proxy: bool) -> Roles:
    """What a file says. by_proxy: a reverse proxy names who looks, so nobody has a token; else everybody has one.

    Raises ConfigError, naming what is wrong.
    """
    try:
        said = msgspec.toml.decode(text, type=_File)
    except msgspec.DecodeError as error:  # ValidationError is one
        raise ConfigError(
            f"{where}: {error}; give [[user]] tables with name, role (look, customers or act) and, without "
            "--user-header, token_sha256; and others = a role, with --user-header"
        ) from error
    names = [one.name for one in said.user]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ConfigError(f"{where}: user {sorted(twice)[0]!r} is there twice; give each one role")
    for one in said.user:
        if by_proxy and one.token_sha256:
            raise ConfigError(
                f"{where}: user {one.name!r} has a token_sha256, and with --user-header the proxy asks them"
            )
        if not by_proxy and not one.token_sha256:
            raise ConfigError(
                f"{where}: user {one.name!r} has no token_sha256; give that of a token of theirs, such as "
                "`openssl rand -hex 24` makes: `printf %s TOKEN | sha256sum`"
            )
    if said.others and not by_proxy:
        raise ConfigError(f"{where}: others is of whom a proxy names: give --user-header, or leave it out")
    if not said.user and not said.others:
        raise ConfigError(f"{where}: nobody may look; give at least one [[user]]")
    return Roles(
        {one.name: Role[one.role.upper()] for one in said.user},
        None if said.others is None else Role[said.others.upper()],
        {one.token_sha256: one.name for one in said.user if one.token_sha256},
    )
