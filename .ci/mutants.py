"""Changes one thing of a module at a time, runs the module's fast tests on it, and lists what no test has noticed.

    python .ci/mutants.py [module ...]        the modules of MODULES by default; a part of the path is enough

A comparison gets its neighbour (< becomes <=), a condition its opposite, `and` becomes `or`, a number one more; a
statement that does something (a call, an await, an assignment, a raise) is left out. No file is touched: each change is
compiled into a process of its own, a fork of one that has everything else loaded. That is why this is not one of the
known tools: they start an interpreter for each change, or rewrite the project's environment, and leave no statement
out. What hangs (three times the usual time) counts as noticed. Exits with 1 if anything survives.
"""

from __future__ import annotations

import ast
import importlib.abc
import importlib.machinery
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import CodeType
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
UNIT = "tests/unit/streams"
MODULES = {
    "streams/shard/version_rule.py": [
        f"{UNIT}/shard/test_version_rule.py",
        f"{UNIT}/shard/test_shard_live_versions.py",
    ],
    "streams/store/checkpoint.py": [f"{UNIT}/store/test_checkpoint.py"],
    "streams/consumer/ownership.py": [f"{UNIT}/consumer/test_ownership.py"],
    "streams/consumer/keeper.py": [f"{UNIT}/consumer/test_keeper.py", f"{UNIT}/consumer/test_ownership.py"],
    "streams/outbox/relay.py": [f"{UNIT}/outbox/test_relay.py"],
}
"""The core of exactly once, and the tests that should notice a change of it: seconds, no servers."""
ASIDE = ("logger.", "point(")
"""Calls whose loss changes nothing here: messages, and the places where the crash tests kill."""
PATIENCE, LEAST_S = 3.0, 10.0

NEIGHBOUR: dict[type[ast.cmpop], ast.cmpop] = {
    ast.Lt: ast.LtE(), ast.LtE: ast.Lt(), ast.Gt: ast.GtE(), ast.GtE: ast.Gt(), ast.Eq: ast.NotEq(),
    ast.NotEq: ast.Eq(), ast.Is: ast.IsNot(), ast.IsNot: ast.Is(), ast.In: ast.NotIn(), ast.NotIn: ast.In(),
}  # fmt: skip
OTHER = {ast.Add: ast.Sub(), ast.Sub: ast.Add(), ast.Mult: ast.Add()}


class Mutant(NamedTuple):
    """A changed module. told: what became of what."""

    line: int
    told: str
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """Every change of a module's functions, one at a time."""
    lines = source.encode().splitlines(keepends=True)
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for statement in function.body:
                for node in _walk(statement):
                    for changed in _changes(node):
                        yield _replaced(lines, node, changed)
                    if isinstance(node, ast.If | ast.While | ast.IfExp) and not isinstance(node.test, ast.Compare):
                        yield _replaced(lines, node.test, f"(not ({ast.unparse(node.test)}))")


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """Without annotations, and without functions inside: those are walked by themselves."""
    yield node
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            inner = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            if name != "annotation" and isinstance(child, ast.AST) and not inner:
                yield from _walk(child)


def _changes(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Compare(left, [operator], [right]):
            yield ast.unparse(ast.Compare(left, [NEIGHBOUR[type(operator)]], [right]))
        case ast.BoolOp(operator, values):
            other = ast.Or() if isinstance(operator, ast.And) else ast.And()
            yield f"({ast.unparse(ast.BoolOp(other, values))})"
        case ast.BinOp(left, operator, right) if type(operator) in OTHER:
            yield f"({ast.unparse(ast.BinOp(left, OTHER[type(operator)], right))})"
        case ast.UnaryOp(ast.Not(), operand):
            yield f"({ast.unparse(operand)})"
        case ast.Constant(bool() as value):
            yield str(not value)
        case ast.Constant(int() | float() as number):
            yield str(number + 1)
        case ast.Expr(ast.Constant()):
            return
        case ast.Expr() | ast.Assign() | ast.AugAssign() | ast.Raise() | ast.Break() | ast.Continue() | ast.Delete():
            text = ast.unparse(node)
            if not text.removeprefix("await ").startswith(ASIDE):
                yield "pass"
        case ast.Return(ast.expr() as value) if not isinstance(value, ast.Constant):
            yield "return None"


def _replaced(lines: Sequence[bytes], node: ast.AST, text: str) -> Mutant:
    assert isinstance(node, ast.expr | ast.stmt)
    assert node.end_lineno is not None
    first, last = node.lineno - 1, node.end_lineno - 1
    before, after = lines[first][: node.col_offset], lines[last][node.end_col_offset :]
    source = b"".join([*lines[:first], before, text.encode(), after, *lines[last + 1 :]]).decode()
    former = " ".join(ast.unparse(node).split())
    return Mutant(node.lineno, f"{former}  ->  {text}", source)


class Changed(importlib.abc.MetaPathFinder, importlib.machinery.SourceFileLoader):
    """Finds one module, and gives it another source."""

    def __init__(self, module: str, source: str) -> None:
        self.source = source
        super().__init__(module[:-3].replace("/", "."), str(ROOT / module))

    def find_spec(self, name: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        return importlib.machinery.ModuleSpec(name, self, origin=self.path) if name == self.name else None

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.source, self.path, "exec")


def passes(module: str, source: str, tests: Sequence[str], within_s: float) -> bool:
    """Whether the tests pass on this source of the module."""
    child = os.fork()
    if child == 0:
        os.setsid()
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silence, stream)
        sys.meta_path.insert(0, Changed(module, source))
        import pytest

        code = 1
        try:
            code = pytest.main(["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "-m", "not slow", *tests])
        finally:
            os._exit(int(code))
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def load_the_rest() -> None:
    """What tests import and no module of MODULES is part of: the libraries."""
    import aiokafka  # noqa: F401
    import faust  # noqa: F401
    import hypothesis  # noqa: F401
    import kafka  # noqa: F401
    import numba  # noqa: F401
    import redis.asyncio  # noqa: F401


def main(chosen: Sequence[str]) -> int:
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    load_the_rest()
    survivors = 0
    for module, tests in MODULES.items():
        if chosen and not any(part in module for part in chosen):
            continue
        source = (ROOT / module).read_text(encoding="utf-8")
        began = time.monotonic()
        if not passes(module, source, tests, 600):
            print(f"{module}: its tests fail as it is: {' '.join(tests)}")
            return 2
        within_s = max(LEAST_S, PATIENCE * (time.monotonic() - began))
        tried = list(mutants(source))
        print(f"{module}: {len(tried)} changes, {time.monotonic() - began:.1f} s each at most", flush=True)
        for mutant in tried:
            if passes(module, mutant.source, tests, within_s):
                survivors += 1
                print(f"  {module}:{mutant.line}: {mutant.told}", flush=True)
    print(f"{survivors} changes were noticed by no test")
    return survivors > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
