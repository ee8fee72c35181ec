"""What a worker leaves in the temporary directory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from streams.consumer.app import clear_away


def test_folders_of_workers_that_were_killed_are_cleared_away_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    mine, dead, other = (f"retention-faust-{name}" for name in (os.getpid(), ended.pid, "notes"))
    for name in (mine, dead, other):
        (tmp_path / name / "tables").mkdir(parents=True)
    clear_away()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([mine, other])
