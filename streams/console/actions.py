"""What is done for those who may act: each by a form of one of our own pages, with the session's token; and logged."""

from __future__ import annotations

import logging
from typing import Final

from aiohttp import web

from models.decisions.policy.parts import KINDS
from models.timeline.stop_types import Stop
from streams.console.rendering import DOING, WHO, page, refused
from streams.console.stop_page import PURPOSES, confirm_page
from streams.console.table import Sent, does
from streams.routes import Field
from streams.text import moment, printable
from streams.web import number_of

EVERYTHING: Final = "everything"
CHOSEN: Final = "chosen"
CONFIRMED: Final = "confirmed"
SELECTORS: Final = ("purpose", "action", "country", "kind")
"""As a stop has them, in order."""

logger = logging.getLogger(__name__)


def told(request: web.Request, what: str) -> None:
    """Into the log of the console."""
    logger.warning("%s: %s", printable(request[WHO].name), printable(what))


async def stop(request: web.Request, form: Sent) -> web.StreamResponse:
    """As `retention stop`, once what it would stop has been read and confirmed."""
    purposes, actions, countries, kinds = (_chosen(form, name) for name in SELECTORS)
    what, some = form.getall("what", []), bool(purposes or actions or countries or kinds)
    if what not in ([EVERYTHING], [CHOSEN]):
        return refused(request, "It was not said what to stop.", "Choose everything, or only some of it.", 400)
    if what == [EVERYTHING] and some:
        return refused(
            request,
            "Everything was chosen, and a purpose, an action, a kind or a country as well.",
            "Choose everything and nothing else, or only what is chosen.",
            400,
        )
    if what == [CHOSEN] and not some:
        return refused(request, "Nothing was chosen.", "Choose a purpose at least, or everything.", 400)
    wanted = Stop(0, purposes, actions, countries, kinds, by=request[WHO].name, why=text_of(form, "why"))
    if not wanted.why:
        return refused(request, "No reason is given.", "Say why; everybody sees it.", 400)
    if form.get(CONFIRMED) != wanted.words:
        return page(request, "stop_confirm.html", confirm_page(wanted))
    told(request, f"stops {wanted.words}: {wanted.why}")
    came = await request.app[DOING].stop(wanted)
    said = f"stopped before, written once more as stop {came.stop.number}" if came.again else f"stop {came.stop.number}"
    return done_page(
        request,
        f"Stopped: {came.stop.words}",
        f"It is {said}. Publishers obey it within two seconds, and senders are ordered to drop what they hold.",
        not_read(came.not_read),
    )


async def resume(request: web.Request, form: Sent) -> web.StreamResponse:
    """As `retention resume NUMBER ...`."""
    stated = [number_of(one) for one in form.getall("number", [])]
    numbers = [one for one in stated if one is not None]
    if not numbers or len(numbers) < len(stated):
        return refused(request, "No stop was named by its number.", "Choose one of those that stand.", 400)
    told(request, f"ends stops {', '.join(map(str, numbers))}: {text_of(form, 'why')}")
    came = await request.app[DOING].resume(numbers, request[WHO].name, text_of(form, "why"))
    if not came.ended:
        return done_page(request, "Nothing was stopped by that number", "It had been ended before.", "")
    words = "; ".join(one.words for one in came.ended)
    return done_page(request, f"It goes on: {words}", "What waits goes on within its life.", not_read(came.not_read))


async def choose_model(request: web.Request, form: Sent) -> web.StreamResponse:
    """As `retention models promote NAME`, and `unpin` where none is named."""
    model = text_of(form, "model") or None
    told(request, f"makes {model} the champion and pins it" if model else "lets evidence decide again")
    came = await request.app[DOING].choose_model(model, request[WHO].name)
    where = f"{moment(came.time)} of log time (partition {came.partition}, offset {came.offset})"
    headline = f"{model} decides from the next model version on, and is pinned" if model else "Evidence decides again"
    return done_page(request, headline, f"It counts from the first model version after {where}.", "")


def done_page(request: web.Request, headline: str, lead: str, warning: str) -> web.Response:
    return page(request, "done.html", {"title": "Done", "headline": headline, "lead": lead, "warning": warning})


def not_read(shards: list[int]) -> str:
    if not shards:
        return ""
    which = f"Shard {shards[0]}" if len(shards) == 1 else f"Shards {', '.join(map(str, shards))}"
    verb = "does" if len(shards) == 1 else "do"
    return (
        f"{which} {verb} not decide by it yet: lagging, parked, or of an older release. The page of the system tells."
    )


def _chosen(form: Sent, name: str) -> tuple[str, ...]:
    return tuple(sorted({one.strip() for one in form.getall(name, []) if one.strip()}))


def text_of(form: Sent, name: str) -> str:
    return form.get(name, "").strip()


ROUTES: Final = (
    does(
        "/stop",
        stop,
        "Stop what goes out, as `retention stop`: asked for once, then confirmed in its own words.",
        {
            "what": Field("whether what follows is all that is stopped", choices=(EVERYTHING, CHOSEN)),
            "purpose": Field("only of these", needed=False, many=True, choices=PURPOSES),
            "action": Field("only these, by the policy's names; empty: any", needed=False, many=True, example="offer"),
            "country": Field("only there, two capital letters; empty: anywhere", needed=False, many=True, example="DE"),
            "kind": Field("only of these; empty: any", needed=False, many=True, choices=("", *KINDS)),
            "why": Field("everybody sees it", example="wrong prices"),
            CONFIRMED: Field("what the page that asks says; without it, it asks", needed=False),
        },
    ),
    does(
        "/resume",
        resume,
        "End stops, as `retention resume`.",
        {"number": Field("of a stop", many=True, example="1"), "why": Field("kept with it", needed=False)},
    ),
    does(
        "/model",
        choose_model,
        "Choose the model that decides, as `retention models promote`.",
        {"model": Field("its name; without one, evidence decides again", needed=False, example="river")},
    ),
)
