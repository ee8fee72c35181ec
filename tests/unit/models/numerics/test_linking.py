"""Functions that their callers call by name: what is compiled, what is kept of it, and what is not believed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import models

ROOT = Path(models.__file__).resolve().parents[1]
CALLED = """
from models.numerics.compiled import compiled, linked

@{decorator}
def halved(x):
    return x / 2.0
"""
CALLER = """
from called import halved
from models.numerics.compiled import compiled

@compiled
def quartered(x):
    return halved(halved(x))
"""
PROGRAM = """
import json, caller
value = caller.quartered(8.0) * caller.halved(2.0)
(library,) = [result.library for result in caller.quartered.overloads.values()]
bodies = [function.is_declaration for function in library._final_module.functions if "halved" in function.name]
misses = {name: sum(vars(caller)[name].stats.cache_misses.values()) for name in ("halved", "quartered")}
print(json.dumps({"value": value, "declared": bodies, "compiled": misses}))
"""


@pytest.mark.slow
def test_what_is_called_by_name_is_compiled_once_and_loaded_with_its_callers(tmp_path: Path) -> None:
    def run(decorator: str) -> dict[str, Any]:
        written = CALLED.format(decorator=decorator)
        if not called.exists() or called.read_text() != written:
            called.write_text(written)
        environment = {"NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": f"{tmp_path}:{ROOT}", "PATH": ""}
        done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, text=True, capture_output=True)
        assert (done.returncode, done.stderr) == (0, "")
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    cache, called = tmp_path / "cache", tmp_path / "called.py"
    (tmp_path / "caller.py").write_text(CALLER)
    first = run("linked")
    assert first == {"value": 2.0, "declared": [True], "compiled": {"halved": 1, "quartered": 1}}
    assert run("linked")["compiled"] == {"halved": 0, "quartered": 0}
    for kept in cache.rglob("called.halved-*"):
        kept.unlink()
    # The caller's code is as it was: what it calls is compiled for it.
    assert run("linked") == {"value": 2.0, "declared": [], "compiled": {"halved": 1, "quartered": 0}}
    # Of the same code, but nobody can call it by name any more: the caller takes it in.
    assert run("compiled") == {"value": 2.0, "declared": [], "compiled": {"halved": 1, "quartered": 1}}
