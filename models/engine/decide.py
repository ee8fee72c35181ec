"""Turns reported effects into decisions and output records.

Plain Python on the few rows that change something; everything that decides about people lives here, in
`models.decisions.episodes` and in `models.decisions`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from models.churn.drivers import drivers
from models.churn.registry import named
from models.customer.consent import reference_of
from models.customer.layout import REARMED
from models.customer.profile import Profile
from models.decisions import choose
from models.decisions.treated import AS_IT_IS, Weighed
from models.engine.output_buffer import Emitted, OutputPosition, Work, dead_record
from models.outputs import TASK, Chosen, Decision, Example, Reason, Trigger, output_id, trigger_id
from models.timeline.stop_types import Stop, purpose_of
from models.touchpoints import Code, Payload
from models.touchpoints.types.preferences import ConsentChangedData, RestrictedData
from models.touchpoints.types.requests import AccessRequestedData, DecisionContestedData, RestrictionRequestedData

DRIVERS = 3
_EXPORT = "`retention customer ID --export`"


class Row(Struct, frozen=True, gc=False):
    """One row of the line. probability: of its estimate, if there was one."""

    at: OutputPosition
    now: int
    customer: bytes
    probability: float | None = None


def emit_decision(
    work: Work, row: Row, what: str, reason: str, action: str = "", trigger: str = "", control_of: str = ""
) -> None:
    """Emit a decision record: what was decided, and why.

    Args:
        work: the output buffer.
        row: where in the line, about whom.
        what: the kind of decision, such as ``episode_closed``.
        reason: why, in words.
        action: what was chosen, if it was a choice.
        trigger: the id of the trigger that follows from it, in hex, if one does.
        control_of: the name of the policy of whose control group the customer has become.
    """
    at, customer = work.position(row.at), row.customer.decode()
    name = output_id(what, customer, row.now, at.offset, at.due)
    version = work.version
    decision = Decision(name, what, row.now, at, customer, row.probability, reason, action, trigger, version)
    if control_of:
        decision = replace(decision, control=True, policy=control_of)
    work.emit(row.at, Emitted("decisions", name, row.customer, decision, row.now))


RUNS = "a contract runs"
"""Why an episode is over, where the risk may be what it was."""


def emit_entry(work: Work, row: Row, data: Payload, late: bool) -> None:
    """Emit what the record keeps only a reference of, or nothing: the evidence of a consent, who restricts a customer,
    what the customer asks a person for.

    late: whether the touchpoint was; a late grant does not count.
    """
    if isinstance(data, RestrictedData):
        emit_decision(work, row, "restricted", f"{data.reason}, by {data.by}" if data.by else data.reason)
    elif isinstance(data, AccessRequestedData):
        emit_decision(work, row, "access_requested", f"answered by {_EXPORT}", TASK)
    elif isinstance(data, RestrictionRequestedData):
        emit_decision(work, row, "restriction_requested", "kept and not used, until it is lifted", TASK)
    elif isinstance(data, DecisionContestedData):
        contested = {"decision": data.decision_id, "trigger": data.trigger_id}
        which = " ".join(f"{name} {text}" for name, text in contested.items() if text is not None)
        emit_decision(work, row, "decision_contested", which or "all decisions", TASK)
    elif isinstance(data, ConsentChangedData) and not (late and data.marketing):
        texts = {"source": data.source, "wording": data.wording, "evidence": data.evidence}
        told = [f"{name} {text}" for name, text in texts.items() if text is not None]
        if told:
            where = f"on {', '.join(data.channels)}" if data.channels else "in general"
            answer = f"{data.purpose} {'granted' if data.marketing else 'refused'} {where}"
            named = f"kept as {reference_of(data.source, data.wording, data.evidence):016x}"
            emit_decision(work, row, "consent", "; ".join((answer, *told, named)))


def ask(work: Work, row: Row, what: str, record: Profile, opened: int, basis: NDArray[np.float32]) -> None:
    """Choose what would help a customer whose episode is open, and trigger it unless they are best left alone.

    Args:
        work: the output buffer.
        row: where in the line, about whom, with the estimate of risk.
        what: ``episode_opened`` or ``episode_continued``.
        record: the customer's; its tail counts the triggers of the episode.
        opened: when the episode did, log time in ms.
        basis: what the risk was estimated from, shape (BASIS,).
    """
    if row.now < work.quiet_until:
        emit_decision(work, row, what, "nobody is triggered by what is history", "leave_alone")
        return
    choice, tail = choose(record, row.now), record.tail
    stop = _stop_of(work, choice.action, tail.country)
    if stop is not None:
        record.flags |= REARMED  # it asks again at the next estimate
        emit_decision(work, row, what, f"{choice.reason}; stop {stop.number} of {stop.words}", "leave_alone")
        return
    if choice.action == "leave_alone":
        emit_decision(work, row, what, choice.reason, choice.action)
        return
    tail.step += 1
    name = trigger_id(row.customer, opened, tail.opener, tail.step)
    tail.trigger = bytes.fromhex(name)
    reasons = drivers(work.scorer, basis, work.settings.alive, DRIVERS)
    trigger = Trigger(
        id=name,
        customer=row.customer.decode(),
        action=choice.action,
        channel=choice.channel,
        probability=row.probability or 0.0,
        drivers=[Reason(driver.feature, driver.contribution, driver.text) for driver in reasons],
        episode=opened,
        step=tail.step,
        time=row.now,
        expires_at=row.now + work.settings.trigger_life,
        model_version=work.version,
        at=work.position(row.at),
    )
    emit_decision(work, row, what, choice.reason, choice.action, name)
    work.emit(row.at, Emitted("triggers", name, row.customer, trigger, row.now, trigger.expires_at))
    work.counts["triggers"] += 1


def _stop_of(work: Work, action: str, country: str) -> Stop | None:
    if action == "leave_alone" or not work.stops:
        return None
    fits = (one for one in work.stops if one.fits(purpose_of("", action), action, country, ""))
    return next(fits, None)


def label(
    work: Work,
    row: Row,
    kind: str,
    observed_at: int,
    basis: NDArray[np.uint16],
    truth: bool,
    predicted: float | None = None,
    money: bytes = b"",
    net: float | None = None,
    of: Weighed = AS_IT_IS,
) -> None:
    """A label is known: the example goes to the learner, unless the alarm held for much of its window.

    Args:
        work: the output buffer.
        row: where in the line, about whom.
        kind: `CHURNED` or `RETURNED`.
        observed_at: when the example was observed, log time in ms.
        basis: as it is stored, the bits of float16, shape (BASIS,).
        truth: what came: churn, or a return.
        predicted: the probability that was given then.
        money, net: as of `models.outputs.Example`.
        of: what was drawn and done within its window.
    """
    if work.shared is not None and not work.shared.is_learned(observed_at, row.now):
        return
    customer = row.customer.decode()
    example = Example(customer, kind, row.now, observed_at, basis.tobytes(), truth, predicted, money, net, *of)
    name = output_id("example", customer, kind, observed_at)
    work.emit(row.at, Emitted("examples", name, row.customer, example, row.now))


def choose_champion(work: Work, row: int, now: int) -> None:
    """An operator's choice goes to the learner, in the line's order. One of a model that does not learn here is a dead
    letter: the learner can't obey it, and whoever wrote it past the command line must find it again.

    row: of the batch. now: the shard's time as of it.
    """
    event: Any = work.batch.columns.contents[row]
    champion, names = event.data.model, named(work.settings)
    if champion is not None and champion not in names:
        reason = f"data.model is {champion!r}; give one of {', '.join(names)}, or null"
        dead_record(work, row, str(Code.UNKNOWN_MODEL), reason)
        return
    work.counts["choices"] += 1
    at: OutputPosition = (row, 1, 0.0, b"")
    position = work.position(at)
    name = output_id("chosen", work.partition, position.offset)
    work.emit(at, Emitted("examples", name, b"", Chosen(now, champion, position), now))


def take_choice(work: Work, row: int) -> None:
    """An operator's settings, policy or stop are counted. Those that are none, which somebody wrote past the command
    line, are a dead letter. row: of the batch; the first of its piece.
    """
    if work.change is not None and work.change.refused:
        dead_record(work, row, str(Code.UNFIT_SETTINGS), f"data: {work.change.refused}")
        return
    if work.policy_change is not None and work.policy_change.refused:
        dead_record(work, row, str(Code.UNFIT_POLICY), f"data: {work.policy_change.refused}")
        return
    if work.stop_change is not None and work.stop_change.refused:
        dead_record(work, row, str(Code.UNFIT_STOP), f"data: {work.stop_change.refused}")
        return
    work.counts["choices"] += 1
