"""The project's own code as trees, for the tests that walk it: a process parses each module once."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """All nodes of a module, outer before inner; to be looked at only."""
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
