"""A change of the policy by forms: its text is looked at, proposed, approved and applied, as the commands do."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from streams.console.actions import done_page, not_read, text_of, told
from streams.console.policy_page import change_page, proposal_page
from streams.console.rendering import DOING, WHO, page, refused
from streams.console.roles import Role
from streams.console.table import Sent, does, shows
from streams.operations.policy import TooManyTouched
from streams.operations.policy.bringing import Asked
from streams.routes import Answer, Field, leads_to
from streams.text import printable
from streams.web import number_of


async def change(request: web.Request) -> web.StreamResponse:
    """The text in force, or a former one (`?number=`), to be changed."""
    stated, number = request.query.get("number"), None
    if stated is not None and not (number := number_of(stated)):
        return refused(request, "There is no such policy.", "Choose one of the policy's history.", 404)
    text = await request.app[DOING].policy_text(number)
    return page(request, "policy_change.html", change_page(text, None, number or 0))


async def proposal(request: web.Request) -> web.StreamResponse:
    found = await request.app[DOING].policy_proposed(request.query.get("number", "")[:100])
    return page(request, "policy_proposal.html", proposal_page(found))


async def look(request: web.Request, form: Sent) -> web.StreamResponse:
    """What a text would change; nothing is kept."""
    text = _policy_of(form)
    found = await request.app[DOING].policy_look(text)
    return page(request, "policy_change.html", change_page(text, found, _number(form, "rolls_back")))


async def propose(request: web.Request, form: Sent) -> web.StreamResponse:
    reason, base = text_of(form, "reason"), text_of(form, "base") or "none"
    if not reason:
        return refused(request, "No reason is given.", "Say why; it is kept with the proposal.", 400)
    who = request[WHO].name
    name = await request.app[DOING].policy_propose(_policy_of(form), who, reason, base, _number(form, "rolls_back"))
    told(request, f"proposes policy {name}: {reason}")
    raise web.HTTPSeeOther(f"/policy/proposal?number={name}")


async def approve(request: web.Request, form: Sent) -> web.StreamResponse:
    which = text_of(form, "proposal")
    told(request, f"approves proposal {which}")
    await request.app[DOING].policy_approve(which, request[WHO].name)
    raise web.HTTPSeeOther(f"/policy/proposal?{urlencode({'number': which})}")


async def apply(request: web.Request, form: Sent) -> web.StreamResponse:
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


def _policy_of(form: Sent) -> str:
    """As the file would have it: a browser sends other line ends."""
    return form.get("text", "").replace("\r\n", "\n")


def _number(form: Sent, name: str) -> int:
    return number_of(text_of(form, name)) or 0


_TEXT: Final = Field("the policy, as its file has it")
_ROLLS_BACK: Final = Field("the number of the policy whose text it is; empty: of none", needed=False)
_PROPOSAL: Final = Field("its name")
_REASON: Final = Field("kept with it", example="fewer mails")
_REFUSED: Final = {400: Answer("there is no such policy or proposal")}
_PROPOSED: Final = {303: leads_to("the proposal")}

ROUTES: Final = (
    shows(
        "/policy/change",
        change,
        "The text of a policy, to be changed: the one in force or a former one.",
        role=Role.ACT,
        query={"number": Field("of a former policy", needed=False, example="3")},
        answers={**_REFUSED, 404: Answer("the number is none")},
    ),
    shows(
        "/policy/proposal",
        proposal,
        "A proposal: what it changes, whom it would touch, what it lacks.",
        query={"number": Field("its name", example="4-5f0c")},
        answers=_REFUSED,
    ),
    does(
        "/policy/change",
        look,
        "Look at what a text would change; nothing is kept.",
        {"text": _TEXT, "rolls_back": _ROLLS_BACK},
    ),
    does(
        "/policy/propose",
        propose,
        "Propose a text, as `retention policy propose`.",
        {
            "text": _TEXT,
            "reason": _REASON,
            "base": Field("the name of the policy that it was made from", needed=False),
            "rolls_back": _ROLLS_BACK,
        },
        _PROPOSED,
    ),
    does("/policy/approve", approve, "Approve a proposal.", {"proposal": _PROPOSAL}, _PROPOSED),
    does(
        "/policy/apply",
        apply,
        "Bring a proposal into force, as `retention policy apply`.",
        {
            "proposal": _PROPOSAL,
            "reason": _REASON,
            "yes": Field("how many customers it may touch in its first day, where that needs a word", needed=False),
        },
    ),
)
