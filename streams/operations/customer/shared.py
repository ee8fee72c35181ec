"""What a customer is offered together with another one, for people: proposed, reserved or out; never with whom."""

from __future__ import annotations

from typing import Any, Final

from models.decisions.policy.in_force import PolicyInForce
from models.decisions.sharing import Sharing, Where
from streams.operations.customer.person import iso

NAMES: Final = {Where.PROPOSED: "proposed", Where.RESERVED: "reserved", Where.SENT: "out"}


def shared_view(policy: PolicyInForce, one: Sharing) -> dict[str, Any]:
    """A shared moment that is open, JSON types only. until: how long the other one's word is awaited; None: it is not.
    trigger: None before there is one."""
    where = Where(one.where)
    return {
        "where": NAMES[where],
        "moment": policy.named.get(one.moment, "of another policy"),
        "action": policy.named.get(one.action, "an action of another policy"),
        "talked_on": one.channel,
        "until": iso(one.until),
        "not_before": iso(one.starts),
        "trigger": f"{one.trigger:032x}" if where == Where.SENT else None,
        "group": f"{one.group:032x}",
    }


def shared_text(one: dict[str, Any]) -> str:
    """The same as a sentence's end: what it is, how far, and what it waits for."""
    of = f"both of a conversation on {one['talked_on']}"
    if one["where"] == "out":
        return f"{one['action']} is out, for {of}, from {one['not_before']} on: if one is taken back, so is the other"
    asked = "the other one's answer" if one["where"] == "proposed" else "word of the other one"
    goes = f"goes out from {one['not_before']} on" if one["not_before"] != one["until"] else "goes out then"
    return f"{one['action']} is {one['where']}, to be offered to {of}: waits for {asked} until {one['until']}, {goes}"
