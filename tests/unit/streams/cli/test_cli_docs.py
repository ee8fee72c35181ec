"""docs/cli.md tells every command, option, exit code and check that there is, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest

from streams.cli.main import COMMANDS, main
from streams.cli.options import GLOBAL
from streams.errors import ExitCode
from streams.operations.doctor import CHECKS
from tests.support.cli_docs import TEXT, section


def commands() -> Iterator[tuple[str, click.Command]]:
    """(section, command), groups taken apart."""
    assert isinstance(main, click.Group)
    context = click.Context(main)
    for name in COMMANDS:
        command = main.get_command(context, name)
        assert command is not None
        for one in command.commands.values() if isinstance(command, click.Group) else [command]:
            yield name, one


def test_every_command_has_a_section_and_stands_in_the_first_table() -> None:
    sections = re.findall(r"^## (.+)$", TEXT, flags=re.MULTILINE)
    assert sorted(sections) == sorted([*COMMANDS, "All commands", "Exit codes"])
    table = TEXT.split("## All commands")[0]
    assert set(re.findall(r"\]\(#([a-z-]+)\)", table)) == set(COMMANDS)


@pytest.mark.parametrize(("name", "command"), list(commands()), ids=lambda told: getattr(told, "name", told))
def test_every_option_of_a_command_is_told_in_its_section(name: str, command: click.Command) -> None:
    text = section(name)
    own = [option for option in command.params if isinstance(option, click.Option) and option.name not in GLOBAL]
    missing = [option.opts[-1] for option in own if f"`{_long(option)}" not in text]
    assert not missing


def _long(option: click.Option) -> str:
    return next(name for name in option.opts if name.startswith("--"))


def test_every_option_that_is_told_exists() -> None:
    known: dict[str, set[str]] = {}
    for name, command in commands():
        known.setdefault(name, set()).update(part for p in command.params for part in (*p.opts, *p.secondary_opts))
    for name, options in known.items():
        told = {
            option for row in re.findall(r"^\| (`-.*?) \|", section(name), re.MULTILINE) for option in _options(row)
        }
        assert told <= options, f"{name}: {told - options}"


def _options(row: str) -> list[str]:
    return re.findall(r"`(--?[a-z-]+)", row)


def test_the_options_of_all_commands_are_told_once() -> None:
    told = re.findall(r"^\| `--([a-z-]+)", section("All commands"), flags=re.MULTILINE)
    assert [option.replace("-", "_") for option in told] == list(GLOBAL)


def test_every_exit_code_is_told_under_its_name() -> None:
    told = dict(re.findall(r"^\| (\d+) \| `([a-z_]+)` \|", section("Exit codes"), flags=re.MULTILINE))
    assert told == {str(int(code)): code.name.lower() for code in ExitCode}


def test_every_check_of_the_doctor_is_told_as_it_is_described() -> None:
    told = re.findall(r"^\| `([a-z]+\.[a-z_]+)` \| (.+) \|$", section("doctor"), flags=re.MULTILINE)
    assert told == list(CHECKS.items())
