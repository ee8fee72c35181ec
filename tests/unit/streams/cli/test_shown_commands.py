"""Commands that pages show are commands, each with options that it has; and the first hour's events are events."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from models.touchpoints import Touch, read
from streams.cli.main import main

ROOT = Path(__file__).resolve().parents[4]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^ *```(?:sh|bash|console)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
NOW = 1_800_000_000_000


def lines(page: Path) -> Iterator[str]:
    """Of the blocks of a shell, each line whole; what is between the marks of a here-document is none."""
    for block in BLOCK.findall(page.read_text(encoding="utf-8")):
        ends = ""
        for line in block.replace("\\\n", " ").splitlines():
            if ends:
                ends = "" if line.strip() == ends else ends
                continue
            if found := re.search(r"<<-?'?(\w+)'?", line):
                ends = found[1]
            yield line.strip().removeprefix("$ ")


def commands(page: Path) -> Iterator[list[str]]:
    """The words of each call of ours."""
    for line in lines(page):
        for part in re.split(r"\|\|?|&&|;|\$\(|&", line):
            words = shlex.shlex(part.strip().rstrip(")"), posix=True, punctuation_chars=False)
            words.whitespace_split, words.commenters = True, "#"
            try:
                found = list(words)
            except ValueError:  # a quotation that another part ends
                found = part.split()
            while found and re.fullmatch(r"[A-Z_]+=\S*|sudo|time|exec", found[0]):
                del found[0]
            if found[:1] == ["retention"]:
                yield found[1:]


def faults(words: list[str]) -> Iterator[str]:
    """What of a call is not there."""
    command: click.Command = main
    rest = list(words)
    flags = {opt for one in main.params if getattr(one, "is_flag", False) for opt in one.opts} | {"--help"}
    while rest and isinstance(command, click.Group):
        word = rest.pop(0)
        if word.startswith("-"):  # of all commands: an option and its value
            del rest[: 0 if word in flags or "=" in word else 1]
            continue
        context = click.Context(command)
        found = command.get_command(context, word) if word in command.list_commands(context) else None
        if found is None:
            yield f"{word} is no command of {command.name}"
            return
        command = found
    known = {opt for one in (*main.params, *command.params) for opt in (*one.opts, *one.secondary_opts)} | {"--help"}
    for word in rest:
        if word.startswith("--") and word != "--" and word.partition("=")[0] not in known:
            yield f"{command.name} has no {word}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_a_page_shows_are_there(page: Path) -> None:
    assert [(words, fault) for words in commands(page) for fault in faults(words)] == []


def test_what_is_no_command_is_noticed() -> None:
    assert list(faults(["polcy", "show"])) == ["polcy is no command of main"]
    assert list(faults(["policy", "show", "--jsn"])) == ["show has no --jsn"]
    assert list(faults(["policy", "apply", "policy.toml", "--by", "ada"])) == []
    assert sum(1 for page in PAGES for _ in commands(page)) > 80


def test_the_events_of_the_first_hour_can_be_published() -> None:
    text = (ROOT / "docs" / "first-hour.md").read_text(encoding="utf-8")
    events = re.findall(r"^\{.*\}$", text, re.MULTILINE)
    for one in events:
        event = one.replace("$(date -u +%FT%TZ)", "2026-05-01T12:00:00Z").replace("$trigger", "4f1d")
        assert isinstance(read(event.encode(), None, NOW), Touch), one
    assert len(events) > 5
