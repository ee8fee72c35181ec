"""A protocol names the classes that fit it: a structural type shows nowhere else who they are."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.support.parsed import modules_that_name, tree_of

ROOT = Path(__file__).parents[2]
PACKAGES = (ROOT / "models", ROOT / "streams")
PROTOCOLS = [
    each
    for package in PACKAGES
    for path in modules_that_name(package, "Protocol")
    for each in tree_of(path).body
    if isinstance(each, ast.ClassDef) and "Protocol" in map(ast.unparse, each.bases)
]


@cache
def classes() -> list[ast.ClassDef]:
    """All of ours. Read when they are asked for: that takes a second, and each process collects this module."""
    return [
        node
        for package in PACKAGES
        for path in modules_that_name(package, "class ")
        for node in tree_of(path).body
        if isinstance(node, ast.ClassDef)
    ]


def implementations(protocol: ast.ClassDef) -> list[str]:
    """The classes that its docstring names."""
    told = re.search(r"^Implemented by ([^.(]+)", ast.get_docstring(protocol) or "", re.MULTILINE)
    return re.split(r", | and ", told[1].strip()) if told else []


@cache
def methods(cls: ast.ClassDef) -> frozenset[str]:
    """Those of a class and of its bases here."""
    own = frozenset(node.name for node in cls.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    bases = {ast.unparse(base) for base in cls.bases}
    return own.union(*(methods(base) for base in classes() if base.name in bases and base is not cls))


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
        found = [each for each in classes() if each.name == name]
        assert found, f"{name} is no class here"
        wanted = methods(protocol) - properties(protocol) - {"crash"}  # Faust's own
        assert any(wanted <= methods(each) for each in found), f"{name} lacks some of {wanted}"


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.name)
def test_a_class_that_fits_a_protocol_is_named_by_it(protocol: ast.ClassDef) -> None:
    wanted = methods(protocol) - properties(protocol)
    fitting = {each.name for each in classes() if wanted and each not in PROTOCOLS and wanted <= methods(each)}
    assert fitting <= set(implementations(protocol)), fitting
