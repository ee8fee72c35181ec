"""Other people's text is shown so that it steers no terminal and can't be taken for another, by one function."""

from __future__ import annotations

import ast
import io
import json
import logging
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.text import PrintableFormatter, json_text, printable, printable_lines
from tests.support.parsed import modules_that_name, nodes_of

STREAMS = Path(__file__).parents[3] / "streams"

NASTY = {
    "NUL": "\0",
    "escape": "\x1b[31m",
    "a C1 control sequence": "\x9b31m",
    "delete": "\x7f",
    "a new line": "\n",
    "carriage return": "\r",
    "next line": "\x85",
    "a right-to-left override": "\u202e",
    "a left-to-right isolate": "\u2066",
    "a right-to-left mark": "\u200f",
    "no width": "\u200b",
    "a joiner": "\u200d",
    "a variation selector": "\ufe0f",
    "a filler": "\u3164",
    "a byte order mark": "\ufeff",
    "a line separator": "\u2028",
    "a paragraph separator": "\u2029",
    "a tag": "\U000e0041",
    "a lone surrogate": "\ud800",
}


def harmless(text: str) -> bool:
    return text.isprintable() and not {unicodedata.category(c)[0] for c in text} & {"C"} and "\u3164" not in text


@pytest.mark.parametrize("character", [pytest.param(c, id=name) for name, c in NASTY.items()])
def test_what_could_steer_a_terminal_is_shown_as_its_escape(character: str) -> None:
    shown = printable(f"anna{character}bert")
    assert harmless(shown)
    assert shown.startswith("anna\\")
    assert shown.endswith("bert")
    assert shown != "annabert"


@given(st.text())
@example("".join(NASTY.values()))
def test_nothing_that_is_shown_steers_a_terminal(text: str) -> None:
    assert harmless(printable(text))
    assert all(map(harmless, printable_lines(text).replace("\t", "").split("\n")))


@pytest.mark.parametrize("text", ["", "c-1", "Zoë Größe", "東京", "كتاب", "😀", "a\\b", "'\"%"])
def test_what_people_write_is_shown_as_it_is(text: str) -> None:
    assert printable(text) == printable_lines(text) == text


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=4))
@example("".join(NASTY.values()))
def test_json_means_the_same_and_holds_nothing_that_steers_a_terminal(value: object) -> None:
    text = json_text(json.dumps(value, ensure_ascii=False))
    assert json.loads(text) == value
    assert harmless(text)


@pytest.mark.parametrize("character", [pytest.param(c, id=name) for name, c in NASTY.items()])
def test_a_log_line_is_one_line_without_escape_codes(character: str) -> None:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(PrintableFormatter("%(levelname)s %(message)s"))
    logger = logging.Logger("test")
    logger.addHandler(handler)
    logger.warning("no record of %s", f"anna{character}WARNING bert")
    assert out.getvalue().count("\n") == 1
    assert harmless(out.getvalue().rstrip("\n"))
    try:
        raise ValueError(f"anna{character}")
    except ValueError:
        logger.exception("it failed")
    assert "Traceback" in out.getvalue()
    assert all(map(harmless, out.getvalue().split("\n")))


MAKES_PRINTABLE = {"printable", "printable_lines", "json_text", "style"}

AS_IT_IS = {
    "completion.py": "the shell's own script",
    "screen.py": "what panels.py draws",
    "picture.py": "what panels.py draws",
    "tail.py": "JSON that `_one_line` has escaped",
    "files.py": "the example policy",
    "look.py": "the text of a policy, which was read as TOML: that has no control characters",
}


def writes(nodes: Iterable[ast.AST]) -> list[ast.Call]:
    """Calls that write to a terminal."""
    return [
        node
        for node in nodes
        if isinstance(node, ast.Call)
        and ast.unparse(node.func)
        in ("click.echo", "click.secho", "print", "sys.stdout.write", "sys.stderr.write", "self._console.print")
    ]


WRITERS = [path for word in ("echo(", "print(", "write(") for path in modules_that_name(STREAMS, word)]

WRITES = [
    pytest.param(call, id=f"{path.name}:{call.lineno}")
    for path in sorted({*WRITERS})
    if path.name not in AS_IT_IS
    for call in writes(nodes_of(path))
    if not isinstance(call.args[0], ast.Constant)  # our own words
]


@pytest.mark.parametrize("call", WRITES)
def test_nothing_is_written_to_a_terminal_but_through_the_one_function(call: ast.Call) -> None:
    made = {
        node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        for node in ast.walk(call.args[0])
        if isinstance(node, ast.Call)
    }
    assert made & MAKES_PRINTABLE, ast.unparse(call)


def test_the_places_that_write_are_found() -> None:
    assert len(WRITES) > 5
