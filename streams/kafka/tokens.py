"""OAUTHBEARER token providers: the token is read from a file, or printed by a command, at every connection."""

from __future__ import annotations

import asyncio
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

from aiokafka.abc import AbstractTokenProvider as AsyncProvider
from kafka.net.sasl.oauth import AbstractTokenProvider as BlockingProvider

COMMAND_S = 10.0
"""A broker closes a connection that says nothing for half a minute."""


class NoToken(OSError):
    """No token for Kafka: an error of the connection, so that clients try again with the next one."""


@dataclass(frozen=True, slots=True)
class TokenSource:
    """One of the two. file: holds the token. command: prints it; its words are split as a shell does, without one."""

    file: str = ""
    command: str = ""

    def token(self) -> str:
        """The token as it is now; never shown. Raises NoToken."""
        token = self._from_file() if self.file else self._from_command()
        if not token or not token.isascii() or any(letter.isspace() for letter in token):
            what = "nothing" if not token else "more than one word, or letters that are not ASCII"
            raise NoToken(f"{self.where()} gives {what}; it must give one token")
        return token

    def where(self) -> str:
        """What is asked, for messages."""
        if self.file:
            return f"kafka_token_file {self.file}"
        # The arguments may hold a secret.
        return f"kafka_token_command {shlex.split(self.command)[0]}"

    def _from_file(self) -> str:
        try:
            return Path(self.file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise NoToken(f"{self.where()} can't be read: {error}") from error

    def _from_command(self) -> str:
        try:
            done = subprocess.run(
                shlex.split(self.command), capture_output=True, text=True, timeout=COMMAND_S, check=False
            )
        except (OSError, UnicodeDecodeError, subprocess.TimeoutExpired) as error:
            raise NoToken(f"{self.where()} did not run: {type(error).__name__}") from error
        if done.returncode != 0:
            raise NoToken(f"{self.where()} ended with exit code {done.returncode}")
        return done.stdout.strip()


class BlockingTokens(BlockingProvider):  # type: ignore[misc]  # kafka-python has no types
    """For kafka-python."""

    def __init__(self, source: TokenSource) -> None:
        super().__init__()
        self._source = source

    def token(self) -> str:
        return self._source.token()


class AsyncTokens(AsyncProvider):  # type: ignore[misc]  # aiokafka has no types
    """For aiokafka, and Faust, which hands it on."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source

    async def token(self) -> str:
        return await asyncio.to_thread(self._source.token)
