"""A protocol names the classes that fit it: a structural type shows nowhere else who they are."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.support.parsed import nodes_of

ROOT = Path(__file__).parents[2]
CLASSES = [
    node
    for package in ("models", "streams")
    for path in sorted((ROOT / package).rglob("*.py"))
    for node in nodes_of(path)
    if isinstance(node, ast.ClassDef)
]
PROTOCOLS = [each for each in CLASSES if "Protocol" in map(ast.unparse, each.bases)]


def implementations(protocol: ast.ClassDef) -> list[str]:
    """The classes that its docstring names."""
    told = re.search(r"^Implemented by ([^.(]+)", ast.get_docstring(protocol) or "", re.MULTILINE)
    return re.split(r", | and ", told[1].strip()) if told else []


def methods(cls: ast.ClassDef) -> set[str]:
    """Those of a class and of its bases here."""
    own = {node.name for node in cls.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    bases = {ast.unparse(base) for base in cls.bases}
    return own.union(*(methods(base) for base in CLASSES if base.name in bases and base is not cls))


def properties(cls: ast.ClassDef) -> set[str]:
    """Those that a class may fulfil by a plain attribute."""
    return {
        node.name
        for node in cls.body
        if isinstance(node, ast.FunctionDef) and "property" in map(ast.unparse, node.decorator_list)
    }


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.name)
def test_a_protocol_names_its_implementations_and_they_fit(protocol: ast.ClassDef) -> None:
    named = implementations(protocol)
    assert named, "say in one line: Implemented by ..."
    for name in named:
        found = [each for each in CLASSES if each.name == name]
        assert found, f"{name} is no class here"
        wanted = methods(protocol) - properties(protocol) - {"crash"}  # Faust's own
        assert any(wanted <= methods(each) for each in found), f"{name} lacks some of {wanted}"


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.name)
def test_a_class_that_fits_a_protocol_is_named_by_it(protocol: ast.ClassDef) -> None:
    wanted = methods(protocol) - properties(protocol)
    fitting = {each.name for each in CLASSES if wanted and each not in PROTOCOLS and wanted <= methods(each)}
    assert fitting <= set(implementations(protocol)), fitting
