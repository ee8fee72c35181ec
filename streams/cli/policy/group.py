"""What the commands of `retention policy` share."""

from __future__ import annotations

from pathlib import Path

import click

from streams.cli.options import a_file

file_argument = click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), shell_complete=a_file
)
by_option = click.option("--by", metavar="WHO", required=True, help="your name; it is kept, and not checked")


@click.group()
def policy() -> None:
    """What decides about customers: moments, actions, limits of contact, in one file.

    A policy comes into force by a record of the touchpoints log, in every partition, so that a replay of the log
    decides the same. Until one is applied the engine asks for `win_back`, or care, at one threshold. Where the policy
    in force has `[people]`, a change is proposed, approved and then applied; without, it is applied.

    \b
    Examples:
      retention policy example > policy.toml
      retention policy check policy.toml
      retention policy apply policy.toml --by ada --reason "first policy"
      retention policy show
    """
