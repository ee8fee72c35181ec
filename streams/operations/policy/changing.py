"""What somebody sees of a change before it is made: what is wrong with it, what would differ, whom it would touch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from models.decisions.policy.remarks import remarks
from streams.operations.policy.data import differing, named, proposal_data
from streams.operations.policy.history import history_of
from streams.operations.policy.planning import read
from streams.operations.policy.refusals import NoSuchProposal, PolicyRefused
from streams.operations.policy.sight import Sight


@dataclass(frozen=True, slots=True)
class Changed:
    """A text beside the policy that was applied last. base: sha256 of that, empty: none was. problems: what is wrong,
    in words; where there are any all else is empty. changed: by key, the old and the new value. touched: as
    `streams.operations.policy.forecast.Forecast.data`."""

    text: str
    sha256: str = ""
    base: str = ""
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    changed: dict[str, list[Any]] = field(default_factory=dict)
    touched: dict[str, Any] = field(default_factory=dict)


class Proposed(NamedTuple):
    """told: as `retention policy proposals --json` has it."""

    told: dict[str, Any]
    changed: dict[str, list[Any]]
    touched: dict[str, Any]
    text: str


def looked_at(sight: Sight, text: str) -> Changed:
    """A text that somebody wants to propose. Raises what store and broker raise."""
    base = "" if sight.last is None else sight.last.sha256
    try:
        wanted = read(text)
    except PolicyRefused as error:
        return Changed(text, base=base, problems=tuple(one.words for one in error.problems) or (str(error),))
    changed, found = differing(sight.last, wanted), sight.forecast(wanted)
    return Changed(text, wanted.sha256, base, (), tuple(remarks(wanted.policy)), changed, found.data())


def proposed(sight: Sight, which: str) -> Proposed:
    """A proposal. Raises NoSuchProposal, AnotherPolicy where something else was applied since."""
    text = sight.with_changes(lambda changes: changes.text_of(which))
    policy = read(text)
    puts = sight.with_changes(lambda changes: changes.proposals())
    put = next((one for one in reversed(puts) if one.policy.sha256 == policy.sha256), None)
    if put is None:
        raise NoSuchProposal(f"proposal {which} was applied")
    return Proposed(proposal_data(put), differing(sight.last, policy), sight.forecast(policy).data(), text)


def ledger_told(sight: Sight) -> dict[str, Any]:
    """All that is kept: `last` (named as `retention policy show --json` does, and its text), `proposals`, `history`."""
    puts = sight.with_changes(lambda changes: changes.proposals())
    history = sight.with_changes(lambda changes: history_of(changes, sight.view.unread))
    last = None if sight.last is None else {**(named(sight.last) or {}), "text": sight.last.text}
    return {"last": last, "proposals": [proposal_data(put) for put in puts], "history": history[::-1]}
