"""Which policies were applied, when, by whom and why: of the ledger, of the shards and of the log together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from models.timeline.chosen_policy import rank
from models.timeline.shard_state import PolicyName
from streams.operations.policy.changes import Changes
from streams.operations.policy.in_log import InLog
from streams.operations.policy.ledger import with_outside
from streams.operations.policy.planning import NONE


async def history_of(changes: Changes, in_log: Iterable[InLog]) -> list[dict[str, Any]]:
    """Oldest first, JSON types only. in_log: what the log tells of them, which counts where the ledger knows less."""
    ledger = with_outside(await changes.ledger(), await changes.stands(), 0)
    found: dict[PolicyName, dict[str, Any]] = {}
    for one in ledger.applied:
        found[one.name] = _entry(one.name, one.time, one.by, one.reason, one.base, one.proposer, one.approvers, one.at)
    for record in in_log:
        known, data = found.get(record.name), record.data
        if known is None or not known["by"]:
            base = "" if data.base is None else data.base[:8]
            found[record.name] = _entry(
                record.name,
                record.time,
                data.by or "",
                data.reason or "",
                base or NONE,
                data.proposer or "",
                data.approvers,
                data.at or 0,
            )
    return [found[name] for name in sorted(found, key=rank)]


def _entry(
    name: PolicyName, time: int, by: str, reason: str, base: str, proposer: str, approvers: Iterable[str], at: int
) -> dict[str, Any]:
    return {
        "name": name.short,
        "number": name.number,
        "sha256": name.sha256,
        "time": time or None,
        "by": by,
        "reason": reason,
        "base": base or None,
        "proposer": proposer or None,
        "approvers": list(approvers),
        "at": at or None,
    }
