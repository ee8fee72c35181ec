"""The pictures of the loyalty pages can be made, of what the engine says."""

from __future__ import annotations

from pathlib import Path

from models.outputs import LEDGER, LOYALTY
from tests.support.loyalty_pictures import FOLDER, decisions, main


def test_they_are_drawn_of_every_change_and_stage_that_the_pages_speak_of(tmp_path: Path) -> None:
    main(tmp_path)
    names = ["loyalty_loop.png", "points_account.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert all(path.stat().st_size > 10_000 for path in tmp_path.iterdir())
    assert all((FOLDER / name).exists() for name in names)
    said = decisions()
    changes = {one.ledger.change for one in said if one.what == LEDGER and one.ledger is not None}
    assert changes == {"earned", "activated", "taken_back", "spent", "expired"}
    stages = [one.loyalty.stage for one in said if one.what == LOYALTY and one.loyalty is not None]
    assert list(dict.fromkeys(stages)) == ["new", "active", "advocate", "slipping", "lapsed", "won_back"]
