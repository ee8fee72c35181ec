"""models/ reads no clock, draws no chance and does no input or output: same arguments, same bits.

import-linter checks third-party libraries; the standard library is no part of its graph, so this test reads the code.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

MODELS = Path(__file__).resolve().parents[3] / "models"

# The whole of what models/ may import from outside; a new entry is a decision, not an accident.
LIBRARIES = {"models", "msgspec", "numba", "numpy", "river", "vader", "xxhash"}

FORBIDDEN_MODULES = {
    *("asyncio", "concurrent", "multiprocessing", "sched", "signal", "subprocess", "threading"),
    *("fileinput", "glob", "io", "os", "pathlib", "shutil", "sqlite3", "tempfile"),
    *("ftplib", "http", "select", "selectors", "smtplib", "socket", "socketserver", "ssl", "urllib", "xmlrpc"),
    *("logging", "platform", "sys", "time", "timeit"),
    *("random", "secrets", "uuid"),
    *("dbm", "marshal", "pickle", "shelve"),
}

CONSTANTS = {("sys", ("float_info",)), ("random", ("Random",))}
"""Imports from a forbidden module that are harmless: constants of the platform's arithmetic, and generators of numbers
that are given their whole state."""

FORBIDDEN_BUILTINS = {"__import__", "breakpoint", "compile", "eval", "exec", "hash", "input", "open", "print"}
"""`hash` of a string is salted per process, so it is no function of the log."""

FORBIDDEN_ATTRIBUTES = {
    *("now", "today", "utcnow"),  # of datetime and date
    *("fromfile", "load", "loadtxt", "memmap", "save", "savetxt", "savez", "tofile"),  # of numpy
    *("default_rng", "RandomState"),
}


def impurities(source: str) -> list[str]:
    """What `source` does that models/ must not, as "line: what"."""
    found: list[str] = []
    tree = ast.parse(source)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        for module in imported(node):
            root = module.partition(".")[0]
            if root in FORBIDDEN_MODULES or (root not in LIBRARIES and root not in sys.stdlib_module_names):
                found.append(f"{line(node)}: import of {module}")
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            named = [f"{node.module}.{name.name}" for name in node.names]
            found += [f"{line(node)}: import of {name}" for name in named if name.startswith("numpy.random")]
        if isinstance(node, ast.Name) and id(node) in called and node.id in FORBIDDEN_BUILTINS:
            found.append(f"{line(node)}: call of {node.id}")
        if isinstance(node, ast.Attribute):
            if id(node) in called and node.attr in FORBIDDEN_ATTRIBUTES and not of_self(node.value):
                found.append(f"{line(node)}: call of {ast.unparse(node)}")
            if ast.unparse(node) in {"np.random", "numpy.random"}:
                found.append(f"{line(node)}: use of {ast.unparse(node)}")
    return found


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        if (node.module, tuple(name.name for name in node.names)) in CONSTANTS:
            return []
        return [node.module or ""]
    return []


def of_self(node: ast.expr) -> bool:
    """Methods of our own objects may be called `load` or `now`."""
    return isinstance(node, ast.Name) and node.id in {"self", "cls"}


def line(node: ast.AST) -> int:
    return getattr(node, "lineno", 0)


@pytest.mark.parametrize("path", sorted(MODELS.rglob("*.py")), ids=lambda path: str(path.relative_to(MODELS)))
def test_models_are_pure(path: Path) -> None:
    found = impurities(path.read_text(encoding="utf-8"))
    assert not found, f"models/{path.relative_to(MODELS)} does what belongs in streams/: " + "; ".join(found)


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "import os.path",
        "from asyncio import sleep",
        "from streams import errors",
        "import redis",
        "from sys import float_info, stdin",
        "def f():\n    import random",
        "import datetime\ndatetime.datetime.now(datetime.UTC)",
        "from datetime import date\ndate.today()",
        "import numpy as np\nnp.random.normal()",
        "from numpy import random",
        "from numpy.random import default_rng\ndefault_rng(1)",
        "open('x')",
        "hash('customer')",
        "print(1)",
    ],
)
def test_every_kind_of_impurity_is_found(source: str) -> None:
    assert impurities(source)


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import datetime, UTC\ndatetime.fromtimestamp(0, UTC)",
        "from models import touchpoints\nfrom . import features",
        "class Model:\n    def now(self): return 1\n    def f(self): return self.now()",
        "from sys import float_info",
        "import math, hashlib, zlib, msgspec, xxhash, river.linear_model",
        "def __hash__(self): return 1",
    ],
)
def test_pure_code_passes(source: str) -> None:
    assert impurities(source) == []
