"""What pages say of something made in the background: when, of how much, and what is still going on."""

from __future__ import annotations

from datetime import UTC, datetime

from streams.console.background import Made
from streams.text import duration, moment


def told_as_of(made: Made, what: str) -> str:
    """When it was made, what is going on, and what went wrong."""
    said = []
    if made.data is not None:
        at = datetime.fromtimestamp(made.at, UTC)
        said.append(f"As of {at:%Y-%m-%d %H:%M} UTC, made in {duration(made.took)}")
        if made.data.get("time"):
            said[0] += f", log time {moment(made.data['time'])}"
    if made.going_on:
        said.append(f"the {what} are being read: load the page again in a while")
    if made.trouble:
        said.append(f"the last try made nothing: {made.trouble}")
    return "; ".join(said) + "." if said else ""


def told_of_records(made: Made) -> str:
    """When records were read, and of how many customers."""
    share = _share(made)
    return f"{told_as_of(made, 'records')} {share}{'.' if share else ''}".strip()


def _share(held: Made) -> str:
    """How many customers were looked at, where records were read; empty: none yet."""
    if held.data is None:
        return ""
    looked = f"{held.data['looked_at']:,} customers were looked at"
    return looked + (
        f", {held.data['share']:.1%} of all, and scaled up" if held.data["share"] < 1.0 else ", all of them"
    )
