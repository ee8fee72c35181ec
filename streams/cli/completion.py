"""`retention completion`: prints a script for completion in the shell."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

PROGRAM = "retention"
VARIABLE = "_RETENTION_COMPLETE"

SHELLS: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@click.command()
@click.argument("shell", type=click.Choice(list(SHELLS)))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that completes this program's commands, options and values in a shell.

    bash must be 4.4 or newer.

    \b
    Examples:
      eval "$(retention completion bash)"                                    in ~/.bashrc
      eval "$(retention completion zsh)"                                     in ~/.zshrc, after compinit
      retention completion fish > ~/.config/fish/completions/retention.fish
    """
    root = ctx.find_root().command
    # Not `source`: for bash it would start one to ask for its version, here and now, which need not be the reader's.
    kind = SHELLS[shell](root, {}, PROGRAM, VARIABLE)
    click.echo(kind.source_template % kind.source_vars())
