"""Asks a worker whether a trigger that was held for a while may still be sent."""

from __future__ import annotations

import time
from http.client import HTTPException
from typing import Final
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import msgspec

from models.outputs import Trigger
from models.timeline.stop_types import MARKETING, purpose_of

ASK_AFTER_S: Final = 600.0
"""What is sent so soon after it was decided need not be asked about."""
ANSWER_S: Final = 2.0
UNKNOWN, ERASED, LEGAL = "unknown", "erased", "legal"


class Answer(msgspec.Struct, frozen=True):
    """Of a worker. reason: why not; empty: it may. stop: number of the stop that holds it; 0: none. as_of: the log time
    of which it is true, ms."""

    valid: bool
    reason: str = ""
    stop: int = 0
    as_of: int = 0


_decode = msgspec.json.Decoder(Answer).decode


def ask_valid(url: str, customer: str, trigger: str, timeout_s: float = ANSWER_S) -> Answer | None:
    """Ask a worker. None: no answer in time.

    Args:
        url: of any worker's HTTP endpoint, such as ``http://worker:8080``.
        customer, trigger: ids.
        timeout_s: to wait.
    """
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"url {url!r}: give the address of a worker's endpoint, such as http://worker:8080")
    query = urlencode({"customer": customer, "trigger": trigger})
    try:
        with urlopen(f"{url.rstrip('/')}/valid?{query}", timeout=timeout_s) as reply:
            return _decode(reply.read())
    except (HTTPError, HTTPException, OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def may_send(url: str, trigger: Trigger, timeout_s: float = ANSWER_S, now_s: float | None = None) -> bool:
    """Whether to send a trigger now: at once within ten minutes of its decision, else as a worker says. Without an
    answer, or where nobody knows the trigger any more, marketing is not sent, all else is; a legal notice to who was
    erased is. now_s: of a clock; None: this machine's."""
    now = time.time() if now_s is None else now_s
    if trigger.expires_at <= now * 1000:
        return False
    if now - trigger.time / 1000 <= ASK_AFTER_S:
        return True
    answer = ask_valid(url, trigger.customer, trigger.id, timeout_s)
    purpose = purpose_of(trigger.purpose, trigger.action)
    if answer is None or answer.reason == UNKNOWN:
        return purpose != MARKETING
    return answer.valid or (answer.reason == ERASED and purpose == LEGAL)
