"""`retention config`: shows every setting and where its value comes from."""

from __future__ import annotations

from typing import Any

import click
from click.shell_completion import CompletionItem

from streams.cli.options import configured, echo, echo_json, given_settings, json_option
from streams.config import CHANGED_BY_THE_LOG, Config, settings_file
from streams.operations.settings_origin import Effective, Misspelt, Source, effective, misspelt


def a_setting(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Completes a setting's name."""
    return [
        CompletionItem(name, help=field.description)
        for name, field in Config.model_fields.items()
        if name.startswith(incomplete)
    ]


@click.command()
@click.argument("names", metavar="[SETTING]...", nargs=-1, shell_complete=a_setting)
@click.option("--changed", is_flag=True, help="only what does not come from the defaults")
@json_option("one JSON object")
@configured("mode")
def config(config: Config, names: tuple[str, ...], changed: bool, as_json: bool) -> None:
    """Show every setting as it counts here and now, and where its value comes from. Passwords are masked.

    RETENTION_* variables that set nothing are pointed out. A value that can't be used ends this command as it ends
    every other one, with exit code 2 and its name.

    \b
    Examples:
      retention config
      retention config --changed
      retention config redis_url mode --json
    """
    settings = effective(config, given_settings())
    if unknown := ", ".join(name for name in names if name not in settings):
        raise click.BadParameter(f"{unknown}: no setting; `retention config` lists all", param_hint="SETTING")
    wanted = {
        name: setting
        for name, setting in settings.items()
        if (not names or name in names) and (not changed or setting.origin.source is not Source.DEFAULT)
    }
    strange = misspelt()
    if as_json:
        echo_json(_as_data(wanted, strange))
        return
    _show(wanted)
    set_here = [n for n in CHANGED_BY_THE_LOG if n in wanted and wanted[n].origin.source is not Source.DEFAULT]
    if set_here:
        told = f"{', '.join(set_here)}: what is configured counts when an application begins"
        echo(f"note: {told}; `retention settings show` tells what is in force", err=True)
    for variable in strange:
        echo(f"warning: {text(variable)}", err=True)


def text(variable: Misspelt) -> str:
    """A variable that sets nothing, in words."""
    meant = f"; {variable.suggestion} is one: misspelt?" if variable.suggestion else "; remove it"
    return f"{variable.name} is no setting of this release and has no effect{meant}"


def _as_data(settings: dict[str, Effective], strange: list[Misspelt]) -> dict[str, Any]:
    return {
        "file": settings_file(),
        "settings": {
            name: {
                "value": setting.value,
                "source": setting.origin.source.value,
                "where": setting.origin.where or None,
                "default": setting.default,
                "group": setting.group,
            }
            for name, setting in settings.items()
        },
        "unknown_variables": [variable._asdict() for variable in strange],
    }


def _show(settings: dict[str, Effective]) -> None:
    values = {name: _text(setting.value) for name, setting in settings.items()}
    names, widths = max(map(len, values), default=0), max(map(len, values.values()), default=0)
    group = None
    for name, setting in settings.items():
        if setting.group != group:
            if group:
                echo("")
            echo(setting.group, bold=True)
            group = setting.group
        source, where = setting.origin
        line = f"  {name:<{names}}  {values[name]:<{widths}}  {source} {where}".rstrip()
        echo(line, dim=source is Source.DEFAULT)


def _text(value: Any) -> str:
    """As the TOML file has it, without quotes; they stand for what is empty."""
    return str(value).lower() if isinstance(value, bool) else str(value) or '""'
