"""The forms of both pages and the answers to them, as the tables of routes have them."""

from __future__ import annotations

from typing import Final

from models.touchpoints.limits import MAX_PER_WEEK, MAX_REASON
from streams.own_page.wishes import OFTEN, PURPOSES, SILENT_DAYS
from streams.routes import Answer, Field, Fields, Form

WITH_LINK: Final = "link"
SIGNED_IN: Final = "signed in"
LANG: Final[Fields] = {"lang": Field("of the page, in place of the customer's and the browser's", needed=False)}
ANSWERS: Final = {
    200: Answer("the page, with what was done"),
    400: Answer("what was sent can't be read as a form"),
    401: Answer("nobody is signed in"),
    403: Answer("the form is none of this page, of this customer or of the last day, or another site's page sends it"),
    404: Answer("no link of ours, or nothing that the page offers"),
    410: Answer("the link's time is over"),
    413: Answer("more than 16 KiB were sent"),
    421: Answer("asked for under another host than that of `own_page_url`"),
    422: Answer("it can't be had like this: the page says why"),
    429: Answer("too often; `Retry-After` says in how many seconds once more"),
    503: Answer("nothing can be read or published at present, and nothing was done"),
}


def answers(*statuses: int) -> dict[int, Answer]:
    return {one: ANSWERS[one] for one in statuses}


def sealed(about: str, what: str = "", **fields: Field) -> Form:
    """A form of one of the two pages, which carries a seal."""
    seal = Field("as the page has it, which made it for its customer within a day")
    return Form(about, {"form": seal, **fields}, what)


def _numbers(*known: int) -> tuple[str, ...]:
    return tuple(map(str, known))


def _hours(about: str, example: str) -> Field:
    return Field(f"{about}, HH:MM", example=example)


_CHANNEL: Final = Field("of the policy in force", example="email")
_TOPIC: Final = Field("of the policy's", needed=False, many=True, example="offers")
_PURPOSE: Final = Field("which one", choices=PURPOSES)

OFF: Final = (
    sealed("no advertising at all", "all"),
    sealed("a channel off", "channel", channel=_CHANNEL),
    sealed("estimates or conversations off", "purpose", purpose=_PURPOSE),
    sealed("topics off", "topics", topic=_TOPIC._replace(about="that go", needed=True)),
    sealed("so many a week at most", "often", most=Field("how many", choices=_numbers(*OFTEN))),
    sealed("silence for a while", "silence", days=Field("for so many days", choices=_numbers(*SILENT_DAYS))),
    sealed("quiet hours that hold those of before", "quiet", start=_hours("from", "20:00"), end=_hours("to", "09:00")),
)
"""With a link alone."""
CHANGES: Final = (
    *(one for one in OFF if one.sort in ("all", "channel", "purpose")),
    sealed("a channel on", "channel_on", channel=_CHANNEL),
    sealed("estimates or conversations on", "purpose_on", purpose=_PURPOSE),
    sealed("the best channel", "first", channel=_CHANNEL),
    sealed("topics, these and no others", "topics", topic=_TOPIC),
    sealed(
        "so many a week at most; the highest number: no limit",
        "often",
        most=Field("how many", choices=_numbers(*OFTEN, MAX_PER_WEEK)),
    ),
    sealed("silence for a while, or no more", "silence", days=Field("so many days", choices=_numbers(0, *SILENT_DAYS))),
    sealed("quiet hours; equal ends: none", "quiet", start=_hours("from", "21:00"), end=_hours("to", "08:00")),
    sealed(
        "rewards that are liked best",
        "rewards",
        reward=Field("of the policy's", needed=False, many=True, example="free-delivery"),
    ),
    sealed("all data, please", "access"),
    sealed(
        "have a person look at a decision",
        "contest",
        trigger=Field("of which message; empty: in general", needed=False),
        reason=Field(f"in words, at most {MAX_REASON} characters", needed=False, example="why me?"),
    ),
    sealed("do not use my data", "restrict"),
    sealed("use it again", "unrestrict"),
    sealed("forget me, in a day", "forget"),
    sealed("do not forget me, as long as that waits", "keep"),
)
"""Signed in."""
