"""`retention policy example` and `check`: what is in a policy file."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path

import click

from streams.cli.options import echo, echo_json, json_option
from streams.cli.policy.group import file_argument
from streams.errors import ExitCode


@click.command()
def example() -> None:
    """Print an example policy, commented: a shop that keeps its customers.

    \b
    Examples:
      retention policy example > policy.toml
    """
    click.echo(example_text(), nl=False)


@click.command()
@file_argument
@json_option("one JSON object")
def check(file: Path, as_json: bool) -> None:
    """Say all that is wrong with a policy file, key by key, and what is worth a second look.

    Ends with exit code 1 where something is wrong.

    \b
    Examples:
      retention policy check policy.toml
      retention policy check policy.toml --json
    """
    from models.decisions.policy.reading import PolicyUnfit, read_policy
    from models.decisions.policy.remarks import remarks
    from models.decisions.policy.structure import Problem

    found, problems = None, list[Problem]()
    try:
        found = read_policy(file.read_bytes())
    except PolicyUnfit as error:
        problems = list(error.problems)
    told = [] if found is None else remarks(found)
    if as_json:
        named = [{"key": one.key, "value": one.value or None, "takes": one.takes} for one in problems]
        echo_json({"file": str(file), "fit": found is not None, "problems": named, "remarks": told})
    else:
        for problem in problems:
            echo(f"wrong   {problem.words}")
        for remark in told:
            echo(f"look    {remark}")
        if found is not None:
            counts = f"{_many(len(found.moment), 'moment')}, {_many(len(found.action), 'action')}"
            echo(f"{file}: a policy of {counts}, {_many(len(found.channel), 'channel')}")
        else:
            echo(f"{file}: {_many(len(problems), 'fault')}; docs/policy.md tells what each key takes", err=True)
    sys.exit(ExitCode.OK if found is not None else ExitCode.FAILURE)


def example_text() -> str:
    """The packaged example policy."""
    return (files("models.decisions.policy") / "example.toml").read_text(encoding="utf-8")


def text_of(file: Path) -> str:
    """A policy file's text. Raises PolicyRefused where it is not in UTF-8."""
    from streams.operations.policy import PolicyRefused

    try:
        return file.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise PolicyRefused(f"{file} is not in UTF-8 from byte {error.start} on") from error


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
