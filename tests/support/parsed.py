"""The project's own code as trees, for the tests that walk it: a process parses each module once."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path


@cache
def tree_of(path: Path) -> ast.Module:
    """A module's tree, to be looked at only."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """All nodes of a module, outer before inner; to be looked at only."""
    return tuple(ast.walk(tree_of(path)))


def modules_that_name(folder: Path, word: str) -> list[Path]:
    """The modules below a folder whose text has a word: looking for it costs a thousandth of walking them all, which
    each process of the tests would do before its first test."""
    return [path for path in sorted(folder.rglob("*.py")) if word in path.read_text(encoding="utf-8")]
