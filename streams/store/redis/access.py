"""Named errors for a refused Redis connection or command (TLS, login, ACLs). None is waited for."""

from __future__ import annotations

import re

from redis.exceptions import AuthenticationError, AuthorizationError, NoPermissionError

from streams.errors import ExitCode
from streams.security.tls import fault
from streams.store.rules import StoreRefused


class RedisTlsFailed(StoreRefused):
    """No encrypted connection: one side does not accept the other's certificate, or does not speak TLS."""

    code = ExitCode.ACCESS_REFUSED
    remedy = (
        "renew an expired certificate; name the authority that signed Redis' in RETENTION_REDIS_CA_FILE, our own in "
        "RETENTION_REDIS_CERTIFICATE_FILE and its key, and Redis by a name in its certificate"
    )


class RedisLoginFailed(StoreRefused):
    """Redis does not believe that we are who we say, or wants to be told (NOAUTH, WRONGPASS)."""

    code = ExitCode.ACCESS_REFUSED
    remedy = (
        "correct the credentials: RETENTION_REDIS_USER and RETENTION_REDIS_PASSWORD (or its _FILE), or those in "
        "RETENTION_REDIS_URL"
    )


class RedisRightMissing(StoreRefused):
    """The user may not do what the engine has to do (NOPERM)."""

    code = ExitCode.ACCESS_REFUSED
    remedy = "widen the permissions of the user with ACL SETUSER; deploy/redis/users.acl has all the rules of a worker"


_COMMAND = re.compile(r"(?:User (\S+)|[Tt]his user) has no permissions to run the '([^']+)' command")
_SCRIPT = re.compile(r"[Tt]his user may not run ([A-Z]+)")
"""As commit.lua says it, before it has written anything."""
_UNNAMED = "The user executing the script can't run this command"
_KEY = re.compile(r"(?:User (\S+)|[Tt]his user) has no permissions to access (?:one of the keys|the '([^']+)' key)")


def access_refused(error: Exception, text: str, doing: str) -> StoreRefused | None:
    """The named error if `error` is about access; None otherwise. text: what Redis said, its code first."""
    if told := fault(error):
        return RedisTlsFailed(f"{doing}: {told}")
    # Redis 6.2 wraps the errors of a script in text, so the code is searched for.
    if (
        isinstance(error, NoPermissionError)
        or re.search(r"\bNOPERM\b|has no permissions to ", text)
        or _UNNAMED in text
    ):
        return RedisRightMissing(f"{doing}: {_lacks(text)}")
    if isinstance(error, (AuthenticationError, AuthorizationError)) or re.search(r"\b(NOAUTH|WRONGPASS)\b", text):
        return RedisLoginFailed(f"{doing}: {text}")
    return None


def _lacks(text: str) -> str:
    if found := _COMMAND.search(text):
        return f"{_user(found[1])} lacks the command {found[2].upper()} (+{found[2]}) (Redis: {text})"
    if found := _SCRIPT.search(text):
        return f"the user lacks the command {found[1]} (+{found[1].lower()})"
    if _UNNAMED in text:
        return f"the user lacks a command that a script runs; ACL LOG names it (Redis: {text})"
    if found := _KEY.search(text):
        key = f"the key {found[2]!r}" if found[2] else "one of the keys"
        return f"{_user(found[1])} lacks a key pattern for {key} (~...) (Redis: {text})"
    return text


def _user(name: str | None) -> str:
    return f"user {name}" if name else "the user"
