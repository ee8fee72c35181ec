"""Lines of `retention policy`: policies, differences, proposals, and whom a change would touch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streams.cli.options import echo
from streams.text import moment

if TYPE_CHECKING:
    from models.decisions.policy.in_force import PolicyInForce
    from streams.operations.policy.changes import Put
    from streams.operations.policy.forecast import Forecast


def told(policy: PolicyInForce | None) -> str:
    """For people."""
    return "no policy" if policy is None else f"policy {policy.name} (sha256 {policy.sha256})"


def say_changes(changed: dict[str, list[Any]]) -> None:
    """Key by key; of a first policy how many there are."""
    from models.decisions.policy.wording import shown

    if changed and all(old is None for old, _ in changed.values()):
        echo(f"no policy was in force: all of its {len(changed)} keys are new")
        return
    for key, (old, new) in changed.items():
        echo(f"{key}  {'-' if old is None else shown(old)} -> {'-' if new is None else shown(new)}")


def say_forecast(found: Forecast) -> None:
    """Whom the change would touch at its start."""
    numbers = found.data()
    near = f" (± {numbers['day_error']:,})" if numbers["day_error"] else ""
    of_share = f", of {found.looked_at:,} customers looked at" + (" and scaled up" if found.share < 1.0 else "")
    echo(
        f"touches {numbers['hour']:,} customers in the first hour, {numbers['day']:,}{near} in the first day, "
        f"{numbers['above']:,} in all who are above a level that has not asked{of_share}"
    )
    for what, counts in (("level", numbers["by_level"]), ("kind", numbers["by_kind"]), ("held", numbers["held"])):
        if counts:
            echo(f"  by {what}: " + ", ".join(f"{name} {count:,}" for name, count in counts.items()))


def say_proposal(put: Put) -> None:
    one = put.proposal
    reason = f": {one.reason}" if one.reason else ""
    of = f", a rollback to {one.rolls_back}" if one.rolls_back else ""
    echo(f"proposal {one.name} by {one.by}{reason} ({moment(one.number)}{of})")
    echo(f"  changes {', '.join(put.sections) or 'no key'}; approved by {', '.join(one.approvers) or 'nobody yet'}")
    if put.outdated:
        base = "none" if one.base is None else one.base.short
        echo(f"  made from {base}, and something else was applied since: propose it again")
    for lack in put.lacks:
        echo(f"  {lack.words}")
