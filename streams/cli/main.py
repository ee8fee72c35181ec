"""The command group `retention`, with the settings that every command takes."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import click

from streams.cli.options import GLOBAL, setting_options
from streams.errors import ExitCode
from streams.release import release

COMMANDS = {
    "audit": "streams.cli.audit:audit",
    "backfill": "streams.cli.backfill:backfill",
    "completion": "streams.cli.completion:completion",
    "config": "streams.cli.config:config",
    "console": "streams.cli.console:console",
    "control": "streams.cli.control:control",
    "customer": "streams.cli.customer:customer",
    "demo": "streams.cli.demo:demo",
    "doctor": "streams.cli.doctor:doctor",
    "evaluate": "streams.cli.evaluate:evaluate",
    "evaluate-policy": "streams.cli.evaluate_policy:evaluate_policy",
    "lift": "streams.cli.lift:lift",
    "link": "streams.cli.link:link",
    "local": "streams.cli.local:local",
    "may-contact": "streams.cli.may_contact:may_contact",
    "models": "streams.cli.models:models",
    "own-page": "streams.cli.own_page:own_page",
    "policy": "streams.cli.policy:policy",
    "preview": "streams.cli.preview:preview",
    "publish": "streams.cli.publish:publish",
    "pyramid": "streams.cli.pyramid:pyramid",
    "rebuild": "streams.cli.rebuild:rebuild",
    "rehearse": "streams.cli.rehearse:rehearse",
    "rekey": "streams.cli.rekey:rekey",
    "replay": "streams.cli.replay:replay",
    "resume": "streams.cli.stop:resume",
    "settings": "streams.cli.settings:settings",
    "simulate": "streams.cli.simulate:simulate",
    "stop": "streams.cli.stop:stop",
    "stops": "streams.cli.stop:stops",
    "suppress": "streams.cli.suppress:suppress",
    "sweep": "streams.cli.sweep:sweep",
    "switch": "streams.cli.switch:switch",
    "tail": "streams.cli.tail:tail",
    "thresholds": "streams.cli.thresholds:thresholds",
    "top": "streams.cli.top:top",
    "topics": "streams.cli.topics:topics",
    "upgrade": "streams.cli.upgrade:upgrade",
    "valid": "streams.cli.valid:valid",
    "verify": "streams.cli.verify:verify",
    "voices": "streams.cli.voices:voices",
    "why": "streams.cli.why:why",
    "worker": "streams.cli.worker:worker",
}


class Lazy(click.Group):
    """Imports a command's module when the command is asked for: `--help` and `customer` need no Faust and no River."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            # Where there is an option of such a name it was meant; else it may be a value that begins with a dash.
            if error.ctx is not None and not error.possibilities:
                error.message += _after_dashes(error.ctx)
            raise

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), name)
        return command if isinstance(command, click.Command) else None


def _after_dashes(ctx: click.Context) -> str:
    """Where a command's argument may begin with a dash."""
    names = [one.human_readable_name for one in ctx.command.params if isinstance(one, click.Argument)]
    return f". After -- it is the {names[0]}: {ctx.command_path} -- {names[0]}" if names else ""


@click.command(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@setting_options(*GLOBAL)
@click.version_option(release(), prog_name="retention")
@click.pass_context
def main(ctx: click.Context, /, **given: str | None) -> None:
    """Loyalty state, online churn risk and retention triggers from a stream of customer touchpoints.

    Settings come from the command line, then RETENTION_* environment variables, then a TOML file (--config, else
    RETENTION_CONFIG, else ./retention.toml). docs/configuration.md lists them.

    \b
    Examples:
      retention demo                                see it work: no installation, some minutes
      retention local --fast                        an engine of your own on this machine, to try things with
      retention topics create --partitions 8        prepare a Kafka of your own
      retention worker                              run a worker; start as many as you like
      retention publish events.jsonl                send touchpoints
      retention tail triggers --follow              what is asked of the messaging service
      retention customer anna                       what is known of a customer
      retention why anna                            why they got what they got, and why not
      retention models                              which churn model decides, and how good each one is
    """
    if os.environ.get("NO_COLOR"):  # https://no-color.org
        ctx.color = False
    if sys.platform == "win32":
        click.echo("error: this runs on Linux and macOS; on Windows install and start it inside WSL 2", err=True)
        ctx.exit(int(ExitCode.USAGE))
    ctx.obj = {name: value for name, value in given.items() if value is not None}
