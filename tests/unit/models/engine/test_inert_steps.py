"""Steps that are seen to come to nothing change no byte: as if each of them were decided."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest

from benchmarks.decisions import SETTINGS, answered_under
from models.decisions.contacts_noted import with_contact
from models.decisions.inert import is_inert
from models.decisions.policy.in_force import PolicyInForce
from models.engine import asked
from models.simulation.rehearsal import rehearse
from tests.support.families import slow_but
from tests.support.logs import synthetic

EXAMPLE = files("models.decisions.policy").joinpath("example.toml").read_text(encoding="utf-8")
BUDGET = '[budget.letters]\nmost = 2\nper = "day"\ncounts = "contacts"\n'
POLICIES = {
    "the example": EXAMPLE,
    "decisions in line": EXAMPLE.replace('content = "win-back/', 'budgets = ["letters"]\ncontent = "win-back/')
    + BUDGET,
    "the loyalty loop": EXAMPLE + "\n[loyalty]\n",
    "the learned choice": EXAMPLE.replace('window = "28d"', 'window = "28d"\nlearned = true') + "\n[value]\n",
}


@pytest.mark.parametrize("name", slow_but(POLICIES, ("decisions in line", "the loyalty loop")))
def test_no_byte_is_another(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    log = answered_under(synthetic(11, 1, 150, 200), PolicyInForce.of(1, POLICIES[name]))
    seen: list[bool] = []

    def watched(*of: Any) -> bool:
        seen.append(is_inert(*of))
        return seen[-1]

    def result() -> list[Any]:
        shard = rehearse(log, SETTINGS).shards[0]
        return [shard.records, shard.dues, shard.outputs]

    def noted(*of: Any) -> bytes | None:
        contacts.append(with_contact(*of))
        return contacts[-1]

    contacts: list[bytes | None] = []
    monkeypatch.setattr(asked, "is_inert", watched)
    monkeypatch.setattr(asked, "with_contact", noted)
    found = result()
    assert sum(seen) > 50
    assert sum(packed is not None for packed in contacts) > 5
    monkeypatch.setattr(asked, "is_inert", lambda *of: False)
    monkeypatch.setattr(asked, "with_contact", lambda *of: None)
    assert found == result()
