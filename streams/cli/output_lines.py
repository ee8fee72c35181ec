"""Formats output records as one line of text each."""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from models.outputs import (
    CHURNED,
    POLICY_IN_FORCE,
    POLICY_WAITING,
    RETURNED,
    Chosen,
    DeadLetter,
    Decision,
    Example,
    Outcome,
    Output,
    Pulse,
    StopOrder,
    Trigger,
    Unsent,
    Watermark,
    Withdrawal,
)
from models.timeline.stop_types import Stop
from streams.text import moment, printable

_decode = msgspec.json.Decoder(Output).decode

SHOWN = 60
LEAVE_ALONE = "leave_alone"
"""What a draw may fall on beside the actions."""


_OUTCOMES = {
    (CHURNED, True): "churned",
    (CHURNED, False): "stayed",
    (RETURNED, True): "was back within a tick",
    (RETURNED, False): "was not back within a tick",
}


def line(value: bytes) -> str:
    """A record as a line, fit to be shown; one that is not an output of this release is shown as it is."""
    try:
        output: Output = _decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError):  # the latter for text that is no UTF-8
        return f"not an output of this release: {value[:SHOWN]!r}"
    return printable(of(output))


def of(output: Output) -> str:
    """An output as a line."""
    match output:
        case Trigger(policy=policy) if policy:
            asked = f"{output.moment} {output.level}".strip()
            first = f"from {moment(output.not_before)} " if output.not_before else ""
            return (
                f"{moment(output.time)}  {output.customer}  {output.action} by {output.channel}  "
                f"{output.purpose}, asked by {asked}  {first}until {moment(output.expires_at)}"
            )
        case Withdrawal():
            return f"{moment(output.time)}  {output.customer}  withdraws {output.trigger}: {_why(output.reason)}"
        case Unsent():
            return f"{moment(output.time)}  {output.customer}  {output.trigger} was not sent: {_why(output.reason)}"
        case StopOrder():
            stop = Stop(output.number, output.purposes, output.actions, output.countries, output.kinds)
            who = f"by {output.by or 'an operator'}" + (f": {output.why}" if output.why else "")
            return f"{moment(output.time)}  stop {stop.number} of {stop.words}, {who}"
        case Trigger():
            reasons = "; ".join(reason.text for reason in output.drivers)
            return (
                f"{moment(output.time)}  {output.customer}  {output.action} by {output.channel}  "
                f"p={output.probability:.2f}  '{reasons}'  until {moment(output.expires_at)}"
            )
        case Decision():
            return f"{moment(output.time)}  {output.customer or f'shard {output.at.partition}'}  {_decided(output)}"
        case Example():
            foreseen = "" if output.predicted is None else f"predicted p={output.predicted:.2f} "
            return (
                f"{moment(output.label_time)}  {output.customer}  {_OUTCOMES[output.kind, output.truth]}  "
                f"{foreseen}at {moment(output.observed_at)}"
            )
        case Outcome():
            who = output.customer or "somebody who is not learned from"
            drawn = f"{output.arm or 'left alone'}" + (", of the control group" if output.control else "")
            return (
                f"{moment(output.time)}  {who}  outcome of {drawn}: {output.gain:,.2f} of {output.worth:,.2f} at stake"
            )
        case Watermark():
            return f"{moment(output.time)}  shard {output.shard}  watermark"
        case Chosen():
            choice = f"{output.champion} is champion" if output.champion else "evidence chooses the champion"
            return f"{moment(output.time)}  shard {output.at.partition}  from the next model version on {choice}"
        case Pulse():
            taken = ", ".join(f"{one.name} {one.reserved} of {one.most}" for one in output.budgets)
            valued = sum(count for counts in output.values.values() for _, count in counts)
            told = [f"has taken {taken}"] if taken or not output.shares else []
            told += [f"knows what {valued:,} customers are worth"] if output.shares else []
            told += [f"held by {', '.join(output.held)}"] if output.held else []
            return f"{moment(output.time)}  shard {output.shard}  {', '.join(told)}"
        case DeadLetter():
            value = base64.b64decode(output.value)[:SHOWN].decode("utf-8", "replace")
            return (
                f"{moment(output.timestamp)}  {output.customer or 'customer unknown'}  {output.code}  {output.reason}  "
                f"at {output.topic}[{output.partition}]@{output.offset}" + (f"  {value!r}" if value else "")
            )


def _why(code: str) -> str:
    """A code, with its sentence where it has one."""
    from models.decisions.words import told  # loads numba, as all of the decisions: not for a page of help

    sentence = told(code)
    return f"{code} ({sentence.rstrip('.')})" if sentence else code


def _looked_at(decision: Decision) -> str:
    """How likely what was drawn was, and how many actions were held."""
    from models.decisions.draw import ONE

    candidates = decision.candidates
    chance = next((one.chance for one in candidates if one.action == decision.action), 0)
    drawn = f"drawn at {100 * chance / ONE:.3g} %, " if chance else ""
    held = sum(bool(one.gates) for one in candidates)
    return f"{drawn}{held} of {sum(one.action != LEAVE_ALONE for one in candidates)} held"


def _decided(decision: Decision) -> str:
    from models.decisions.words import BECAME

    booked = decision.ledger or decision.loyalty or decision.membership
    parts: list[Any] = [decision.what if booked is None else f"{decision.what}  {booked.words}"]
    if decision.what in (POLICY_IN_FORCE, POLICY_WAITING):
        parts.append(decision.policy)
    if asked := f"{decision.moment} {decision.level}".strip():
        parts.append(f"asked by {asked}")
    if decision.action:
        parts.append(f"{decision.action} (control)" if decision.control else decision.action)
    if decision.channel:
        parts.append(f"by {decision.channel}")
    if decision.gate:
        parts.append(f"held by {_why(decision.gate)}")
    if decision.until:
        parts.append(f"until {moment(decision.until)}")
    if decision.candidates:
        parts.append(_looked_at(decision))
    if decision.ended is not None:
        parts.append(
            f"of {decision.ended.decision}  {decision.ended.gain:,.2f} of {decision.ended.worth:,.2f} at stake"
        )
    if decision.what in BECAME:
        parts.append(f"trigger {decision.trigger}")
    if decision.probability is not None:
        parts.append(f"p={decision.probability:.2f}")
    if decision.model_version is not None:
        trained = decision.model_version >= 0
        parts.append(f"model of {moment(decision.model_version)}" if trained else "untrained model")
    parts += [f"{name} {old} -> {new}" for name, (old, new) in decision.settings.items()]
    if decision.reason:
        parts.append(_why(decision.reason) if decision.what in BECAME else f"'{decision.reason}'")
    return "  ".join(map(str, parts))
