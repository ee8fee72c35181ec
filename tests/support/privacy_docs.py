"""The table of places in docs/privacy.md, made by what the commands use: ``python -m tests.support.privacy_docs``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from streams.operations.access.places import TOPICS, told_places

DOCS: Final = Path(__file__).resolve().parents[2] / "docs" / "privacy.md"
BEGIN: Final = "<!-- made by `python -m tests.support.privacy_docs` -->\n"
END: Final = "<!-- end -->\n"
SETTINGS: Final = {
    "touchpoints": "twice `recovery_days`, else the broker's default (7 days)",
    "triggers": "twice `recovery_days`, else the broker's default",
    "decisions": "twice `recovery_days`, else for ever",
    "examples": "for ever, so that a new model learns from the first one on",
    "deadletters": "twice `recovery_days`, else the broker's default",
}
"""How long a topic is kept where the policy does not say."""


def current() -> str:
    """The file as it should be."""
    text = DOCS.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + "\n" + table() + "\n" + END + rest.partition(END)[2]


def table() -> str:
    """Every place, what of a customer lies there, what an erasure does and until when it is there anyway."""
    limits = {role: f"`{role}` of `[retention]`; without it {SETTINGS[role]}" for role in TOPICS}
    record = "[who leaves the store](operations.md#who-leaves-the-store)"
    rows = [f"| {' | '.join(one)} |" for one in told_places(limits, record)]
    return "\n".join(["| where | what of a customer | at an erasure | until |", "|---|---|---|---|", *rows]) + "\n"


if __name__ == "__main__":
    DOCS.write_text(current(), encoding="utf-8")
