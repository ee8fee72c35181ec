"""The ways out: e-mail by SMTP, everything else by a webhook."""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Mapping
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from html import escape
from pathlib import Path
from string import Template
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import msgspec

from models.outputs import encode
from streams.client import OwnPageLink, Trigger

CONTENT = Path(__file__).parent / "content"
TIMEOUT_S = 10.0
LONG_LINES = SMTP.clone(max_line_length=998)
"""Shorter ones would have the long address in `List-Unsubscribe` encoded, which mail programs do not read."""


class Failed(Exception):
    """The message did not leave. failure: as `offer_failed` has it; of what passes, it is tried again."""

    def __init__(self, failure: str, why: object, passes: bool = False) -> None:
        super().__init__(f"{failure}: {why}")
        self.failure, self.passes = failure, passes


class Text(NamedTuple):
    """A message in words. headers: of a mail, by which a mail program unsubscribes with one click (RFC 8058)."""

    subject: str
    body: str
    headers: Mapping[str, str] = {}


def text_of(trigger: Trigger, words: Mapping[str, str], own_page: OwnPageLink | None) -> Text:
    """What the message says: content/NAME.LANGUAGE.txt, else content/NAME.txt, else default.txt; first the subject.

    own_page: of the customer, to be put below it; advertising can be ended by one click as well.
    """
    name = Path(trigger.content or trigger.action).name
    language = trigger.language.partition("-")[0]
    files = [f"{name}.{language}.txt", f"{name}.txt", "default.txt"]
    file = next(path for path in map(CONTENT.joinpath, files) if path.is_file())
    known = {**{key: str(value) for key, value in trigger.parameters.items()}, **words, "customer": trigger.customer}
    subject, _, body = Template(file.read_text(encoding="utf-8")).safe_substitute(known).partition("\n")
    notices = "".join(f"\n{notice}" for notice in trigger.notices)
    if own_page is None:
        return Text(subject, body.strip() + "\n" + notices)
    headers = own_page.headers if trigger.purpose == "marketing" else {}
    return Text(subject, f"{body.strip()}\n{notices}\n{own_page.page}\n", headers)


def by_email(server: str, sender: str, address: Callable[[str], str | None]) -> Callable[[Trigger, Text, str], None]:
    """Sends through an SMTP server, `host:port`. address: a customer's, if there is one."""
    host, _, port = server.partition(":")

    def send(trigger: Trigger, text: Text, pixel: str) -> None:
        found = address(trigger.customer)
        if found is None:
            raise Failed("no_address", trigger.customer)
        message = EmailMessage(policy=LONG_LINES)
        try:
            to = Address(addr_spec=found)  # one address: a customer's id or a cell of a file could hold a list of them
            message["To"] = to
        except (ValueError, AttributeError, IndexError, MessageError) as error:
            raise Failed("no_address", f"{found!r} is no address") from error
        message["From"], message["Subject"] = sender, text.subject
        # The same trigger is the same message, for every server on its way.
        message["Message-ID"] = f"<{trigger.id}@{sender.partition('@')[2]}>"
        for name, value in text.headers.items():
            message[name] = value
        message.set_content(text.body)
        html = escape(text.body).replace("\n", "<br>")
        message.add_alternative(f'<p>{html}</p><img src="{escape(pixel)}" width="1" height="1" alt="">', subtype="html")
        try:
            with smtplib.SMTP(host, int(port or 25), timeout=TIMEOUT_S) as connection:
                connection.send_message(message, to_addrs=[to.addr_spec])
        except smtplib.SMTPNotSupportedError as error:  # such as letters beyond ASCII: it will not learn them
            raise Failed("hard", error) from error
        except smtplib.SMTPRecipientsRefused as error:
            code, why = next(iter(error.recipients.values()))
            raise Failed("hard" if code >= 500 else "soft", why, passes=code < 500) from error
        except smtplib.SMTPResponseException as error:
            passes = error.smtp_code < 500
            raise Failed("soft" if passes else "blocked", error.smtp_error, passes) from error
        except (smtplib.SMTPException, OSError) as error:
            raise Failed("soft", error, passes=True) from error

    return send


def by_webhook(url: str) -> Callable[[Trigger, Text, str], None]:
    """Posts the trigger and its text. The receiver drops what it knows by `Idempotency-Key`."""

    def send(trigger: Trigger, text: Text, pixel: str) -> None:
        body = msgspec.json.encode({"trigger": msgspec.Raw(encode(trigger)), **text._asdict()})
        headers = {"Content-Type": "application/json", "Idempotency-Key": trigger.id}
        try:
            with urlopen(Request(url, data=body, headers=headers), timeout=TIMEOUT_S):
                pass
        except HTTPError as error:
            passes = error.code >= 500 or error.code == 429
            raise Failed("soft" if passes else "blocked", error, passes) from error
        except OSError as error:
            raise Failed("soft", error, passes=True) from error

    return send
