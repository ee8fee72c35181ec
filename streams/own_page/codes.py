"""Has a code sent to the address that is known of a customer: by a webhook of the team that sends messages."""

from __future__ import annotations

import json
import time
from typing import Final, Protocol

import aiohttp

from streams.client.links import LinkKeys
from streams.errors import EngineError
from streams.own_page.access import CODE_MS

ANSWER_S: Final = 5.0
SIGNATURE: Final = "Retention-Signature"
TIME: Final = "Retention-Time"


class CodeNotSent(EngineError):
    """The webhook did not take a code."""

    remedy = "look whether the webhook of --code-webhook answers with 2xx within five seconds"


class Sender(Protocol):
    """Who sends codes.

    Implemented by Webhook."""

    async def send_code(self, customer: str, code: str, language: str) -> None:
        """Raises CodeNotSent."""


class Webhook:
    """url: is sent `customer`, `code`, `language` and `valid_s` as JSON by POST; `Retention-Time` are seconds since the
    epoch, and `Retention-Signature` is `LinkKeys.sealed("webhook", time, body)`."""

    def __init__(self, url: str, keys: LinkKeys) -> None:
        self._url, self._keys = url, keys

    async def send_code(self, customer: str, code: str, language: str) -> None:
        told = {"customer": customer, "code": code, "language": language, "valid_s": CODE_MS // 1000}
        body, at = json.dumps(told, ensure_ascii=False), str(int(time.time()))
        seal = self._keys.sealed("webhook", at, body)
        headers = {"Content-Type": "application/json", TIME: at, SIGNATURE: seal}
        try:
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_S)) as session:
                sending = session.post(self._url, data=body.encode(), headers=headers, allow_redirects=False)
                async with sending as answer:
                    if not 200 <= answer.status < 300:
                        raise CodeNotSent(f"the webhook answered {answer.status}")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise CodeNotSent(f"the webhook did not answer: {type(error).__name__}") from error
