"""Pages that only show."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Final

from aiohttp import web

from streams.console.dead_page import dead_page
from streams.console.decisions_page import decisions_page
from streams.console.made import told_of_records
from streams.console.model_page import model_page
from streams.console.now_page import levels, now_page, system_page, tiers
from streams.console.policy_page import policy_page
from streams.console.proof_page import proof_page
from streams.console.rendering import ACCESS, HEADERS, LIVE, SOURCES, WHO, page, role_of
from streams.console.roles import Role
from streams.console.stop_page import stop_page
from streams.console.story_page import story_page
from streams.console.table import event_stream, shows
from streams.console.value_page import value_page
from streams.routes import Answer, Field, leads_to
from streams.text import printable

LONGEST_ID: Final = 512

logger = logging.getLogger(__name__)


def sees_customers(request: web.Request) -> bool:
    return request[WHO].role >= Role.CUSTOMERS


async def home(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("/now")


async def now(request: web.Request) -> web.StreamResponse:
    sources = request.app[SOURCES]
    view, counted, read = await asyncio.gather(sources.now(), sources.tiers(), sources.levels())
    beside = {"tiers": tiers(counted), "levels": levels(read), "levels_as_of": told_of_records(read)}
    return page(request, "now.html", {**now_page(view, sees_customers(request)), **beside})


async def decisions(request: web.Request) -> web.StreamResponse:
    sources = request.app[SOURCES]
    view, made = await asyncio.gather(sources.now(), sources.decisions())
    return page(request, "decisions.html", decisions_page(view, made))


async def system(request: web.Request) -> web.StreamResponse:
    return page(request, "system.html", system_page(await request.app[SOURCES].now()))


async def dead(request: web.Request) -> web.StreamResponse:
    found, sees = await request.app[SOURCES].dead_letters(), sees_customers(request)
    if sees:
        whose = sorted({one.customer for one in found.found if one.customer})
        told = f"of customers {', '.join(whose)}" if whose else "that name no customer"
        logger.info("%s looked at %d dead letters %s", printable(request[WHO].name), len(found.found), printable(told))
    return page(request, "dead.html", dead_page(found, sees))


async def policy(request: web.Request) -> web.StreamResponse:
    return page(request, "policy.html", policy_page(await request.app[SOURCES].policy()))


async def value(request: web.Request) -> web.StreamResponse:
    return page(request, "value.html", value_page(await request.app[SOURCES].value()))


async def model(request: web.Request) -> web.StreamResponse:
    return page(request, "model.html", model_page(await request.app[SOURCES].model()))


async def proof(request: web.Request) -> web.StreamResponse:
    return page(request, "proof.html", proof_page(await request.app[SOURCES].proof()))


async def stop(request: web.Request) -> web.StreamResponse:
    return page(request, "stop.html", stop_page(await request.app[SOURCES].stops()))


async def customer(request: web.Request) -> web.StreamResponse:
    wanted = request.query.get("customer", "").strip()[:LONGEST_ID]
    if not wanted:
        return page(request, "find.html", {"title": "Customers", "missing": ""})
    story = await request.app[SOURCES].story(wanted)
    logger.info("%s looked at customer %s", printable(request[WHO].name), printable(wanted))
    if story is None:
        return page(request, "find.html", {"title": "Customers", "missing": printable(wanted)}, 404)
    return page(request, "customer.html", story_page(story))


async def live(request: web.Request) -> web.StreamResponse:
    """Server-sent events: the header's words, and for `?page=now` the live part of that page. They end with the right
    to look: the browser asks again, and is turned away."""
    response = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream"})
    await response.prepare(request)
    wanted = None if request.query.get("page") != "now" else role_of(request)
    with contextlib.suppress(ConnectionResetError):
        async for event in request.app[LIVE].events(wanted):
            if request.app[ACCESS].who(request) != request[WHO]:
                break
            await response.write(event)
    return response


ROUTES: Final = (
    shows("/", home, "The first page.", reads=False, answers={302: leads_to("`/now`")}),
    shows("/now", now, "*Now*: lag, bands, triggers with their reasons, alarms."),
    shows("/decisions", decisions, "*Decisions*: what became of moments, which gate held how many, budgets."),
    shows("/system", system, "*System*: workers, shards, lag, outboxes."),
    shows("/system/dead", dead, "The newest dead letters; of the role `look` their codes only."),
    shows(
        "/customers",
        customer,
        "*Customers*: one customer's story; without an id, the form that asks for one.",
        role=Role.CUSTOMERS,
        query={"customer": Field("the id", needed=False, example="anna")},
        answers={404: Answer("nothing is known of the customer")},
    ),
    shows("/value", value, "*Value*: the pyramid, margin at risk, what was spent, mentions."),
    shows("/proof", proof, "*Proof*: what was saved, with its intervals."),
    shows("/model", model, "*Model*: log-loss, calibration, drift, champion and challengers."),
    shows("/policy", policy, "*Policy*: in force, proposed and former, with the thresholds' operating curve."),
    shows("/stop", stop, "What is stopped, and the form of a stop; also where nothing can be read.", reads=False),
    shows(
        "/live",
        live,
        "What is live: an event at once, then every two seconds, until the right to look ends.",
        query={"page": Field("`now`: with the live part of that page", needed=False, choices=("now",))},
        reads=False,
        answers={
            200: event_stream(
                "each event's data is a JSON object: `state` (`live`, `stale` or `away`), `words` for the page's head, "
                "`html` of the live part, or empty"
            )
        },
    ),
)
