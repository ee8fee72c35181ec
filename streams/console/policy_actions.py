"""A change of the policy by forms: its text is looked at, proposed, approved and applied, as the commands do."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from streams.console.actions import Form, acting, done_page, not_read, text_of, told
from streams.console.policy_page import change_page, proposal_page
from streams.console.rendering import DOING, WHO, page, refused, role_of
from streams.console.roles import Role
from streams.operations.policy import TooManyTouched
from streams.operations.policy.bringing import Asked
from streams.text import printable
from streams.web import number_of

ASK: Final = "Ask whoever keeps the console's roles file."


def routes() -> list[web.RouteDef]:
    return [
        web.get("/policy/change", change),
        web.get("/policy/proposal", proposal),
        web.post("/policy/change", acting(look)),
        web.post("/policy/propose", acting(propose)),
        web.post("/policy/approve", acting(approve)),
        web.post("/policy/apply", acting(apply)),
    ]


async def change(request: web.Request) -> web.StreamResponse:
    """The text in force, or a former one (`?number=`), to be changed."""
    if role_of(request) != Role.ACT:
        return refused(request, "Your role may look, and not act.", ASK)
    stated, number = request.query.get("number"), None
    if stated is not None and not (number := number_of(stated)):
        return refused(request, "There is no such policy.", "Choose one of the policy's history.", 404)
    text = await request.app[DOING].policy_text(number)
    return page(request, "policy_change.html", change_page(text, None, number or 0))


async def proposal(request: web.Request) -> web.StreamResponse:
    found = await request.app[DOING].policy_proposed(request.query.get("number", "")[:100])
    return page(request, "policy_proposal.html", proposal_page(found))


async def look(request: web.Request, form: Form) -> web.StreamResponse:
    """What a text would change; nothing is kept."""
    text = _policy_of(form)
    found = await request.app[DOING].policy_look(text)
    return page(request, "policy_change.html", change_page(text, found, _number(form, "rolls_back")))


async def propose(request: web.Request, form: Form) -> web.StreamResponse:
    reason, base = text_of(form, "reason"), text_of(form, "base") or "none"
    if not reason:
        return refused(request, "No reason is given.", "Say why; it is kept with the proposal.", 400)
    who = request[WHO].name
    name = await request.app[DOING].policy_propose(_policy_of(form), who, reason, base, _number(form, "rolls_back"))
    told(request, f"proposes policy {name}: {reason}")
    raise web.HTTPSeeOther(f"/policy/proposal?number={name}")


async def approve(request: web.Request, form: Form) -> web.StreamResponse:
    which = text_of(form, "proposal")
    told(request, f"approves proposal {which}")
    await request.app[DOING].policy_approve(which, request[WHO].name)
    raise web.HTTPSeeOther(f"/policy/proposal?{urlencode({'number': which})}")


async def apply(request: web.Request, form: Form) -> web.StreamResponse:
    which = text_of(form, "proposal")
    asked = Asked(request[WHO].name, text_of(form, "reason"), yes=_number(form, "yes"))
    told(request, f"applies proposal {which}: {asked.reason}")
    try:
        brought = await request.app[DOING].policy_apply(which, asked)
    except TooManyTouched as error:
        message, _, _ = str(error).partition(" | remedy: ")
        return refused(request, printable(message), "Look at whom it touches, and tick that this is meant.", 400)
    if brought.plan is None:
        return done_page(request, "Nothing to do", "Every shard has this policy.", "")
    warnings = [not_read(list(brought.read[1]))] if brought.read else []
    if brought.newer is not None:
        warnings.append(f"Policy {brought.newer.name} was applied since, and takes its place.")
    lead = f"Written into {len(brought.offsets)} partitions of the log: every decision behind it is made under it."
    headline = f"Policy {brought.plan.policy.name} is applied"
    return done_page(request, headline, lead, " ".join(filter(None, warnings)))


def _policy_of(form: Form) -> str:
    """As the file would have it: a browser sends other line ends."""
    return form.get("text", "").replace("\r\n", "\n")


def _number(form: Form, name: str) -> int:
    return number_of(text_of(form, name)) or 0
