"""Settings as command-line options, and errors as one message and an exit code."""

from __future__ import annotations

import functools
import json
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import click
from click.shell_completion import CompletionItem

from streams.config import Config, ConfigError, load
from streams.errors import EngineError, ExitCode
from streams.text import json_text, log_lines, printable, printable_lines

F = TypeVar("F", bound=Callable[..., Any])

FILE = "config"
GLOBAL = (FILE, "bootstrap_servers", "redis_url", "app", "topic_prefix")
"""Options that stand before or after the command's name."""

INTERRUPTED = 130

_GIVEN = "retention.given"


def json_option(what: str) -> Callable[[F], F]:
    """`--json`, as the argument `as_json`. Standard output is then JSON and nothing else; all else goes to stderr."""
    return click.option("--json", "as_json", is_flag=True, help=what)


def files_option(when: str = "") -> Callable[[F], F]:
    """`--files DIR`, as the argument `files`: what the topics hold, as files. when: it counts, with its colon."""
    return click.option(
        "--files",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        metavar="DIR",
        help=f"{when}read DIR/touchpoints.jsonl, triggers.jsonl and decisions.jsonl instead of the topics",
    )


def terms_options(of_margin: str = "", of_cap: str = "") -> Callable[[F], F]:
    """`--margin` and `--cap`: how a lift counts money. of_margin, of_cap: what they are of, with its colon."""

    def decorate(command: F) -> F:
        cap = click.option(
            "--cap",
            type=click.FloatRange(0, min_open=True),
            default=300.0,
            show_default=True,
            help=f"{of_cap}money of a customer counts up to so much; choose it before you look",
        )
        margin = click.option(
            "--margin",
            type=click.FloatRange(0, 1, min_open=True),
            default=1.0,
            show_default=True,
            help=f"{of_margin}share of net spend that is earned",
        )
        return margin(cap(command))

    return decorate


def echo(line: str, err: bool = False, **style: Any) -> None:
    """One line of output, with whatever others have put into it made printable. style: as of `click.style`."""
    click.echo(click.style(printable(line), **style) if style else printable(line), err=err)


def echo_json(value: Any) -> None:
    """One object on one line."""
    click.echo(json_text(json.dumps(value, ensure_ascii=False)))


def setting_options(*names: str) -> Callable[[F], F]:
    """An option for each setting, as text: the configuration itself checks it, wherever it comes from."""

    def decorate(command: F) -> F:
        for name in reversed(names):
            command = _option(name)(command)
        return command

    return decorate


def _option(name: str) -> Callable[[F], F]:
    if name == FILE:
        return click.option(
            "--config",
            FILE,
            metavar="FILE",
            help="TOML file with settings [RETENTION_CONFIG]",
            shell_complete=a_file,
        )
    about = Config.model_fields[name].description or name.replace("_", " ")
    text = f"{about} [RETENTION_{name.upper()}]"
    values = closed_values(name)

    def complete(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(value) for value in values if value.lower().startswith(incomplete.lower())]

    metavar = f"[{'|'.join(values)}]" if values else "VALUE"
    return click.option(f"--{name.replace('_', '-')}", name, metavar=metavar, help=text, shell_complete=complete)


def closed_values(name: str) -> tuple[str, ...]:
    """All values of a setting that takes only a few; else none."""
    annotation = Config.model_fields[name].annotation
    if annotation is bool:
        return ("true", "false")
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def a_file(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Completes a file's name, by the shell's own means."""
    return [CompletionItem(incomplete, type="file")]


def a_log(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Completes what `replay` and `rehearse` read."""
    # bash offers files only where nothing else fits, and drops what comes before them: so after them, and not for an
    # empty word.
    found = a_file(ctx, parameter, incomplete)
    if incomplete and "cdnow".startswith(incomplete):
        found.append(CompletionItem("cdnow", help="the public data set"))
    return found


def configured(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A command whose first argument is the effective configuration; `names`: further settings that are options here.

    Whatever it raises by name ends the process with one message and the error's exit code.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @setting_options(*names, *GLOBAL)
        @click.pass_context
        @functools.wraps(command)
        def run(ctx: click.Context, /, *args: Any, **given: Any) -> Any:
            own = {name: given.pop(name) for name in (*names, *GLOBAL)}
            asked = {**(ctx.find_root().obj or {}), **{name: value for name, value in own.items() if value is not None}}
            ctx.meta[_GIVEN] = asked
            try:
                return command(effective(asked), *args, **given)
            except (ConfigError, EngineError) as error:
                fail(error)

        return run

    return decorate


def given_settings() -> dict[str, Any]:
    """What the command line of the running command says, by setting."""
    given: dict[str, Any] = click.get_current_context().meta[_GIVEN]
    return given


def effective(given: dict[str, Any]) -> Config:
    """The configuration with what the command line says above all. Raises ConfigError."""
    given = dict(given)
    if file := given.pop(FILE, None):
        # Where the configuration looks, and the processes that we start too.
        os.environ["RETENTION_CONFIG"] = file
    return load(**given)


def fail(error: ConfigError | EngineError) -> None:
    """One message, no traceback; exits."""
    lines = str(error).replace(" | remedy: ", "\nremedy: ")
    click.echo(printable_lines(f"error: {lines}"), err=True)
    sys.exit(ExitCode.USAGE if isinstance(error, ConfigError) else int(error.code))


def quiet_libraries() -> None:
    """For a command that ends: the clients' own logging says what our errors say, only longer."""
    log_lines("WARNING", "%(levelname)s %(name)s %(message)s")
    for name in ("kafka", "aiokafka", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def quiet_details() -> None:
    """For a worker: of the libraries only what an operator may have to act on."""
    # kafka-python calls each failed attempt to connect an error, every second; we name the outage ourselves.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    for name in ("aiokafka", "faust", "mode"):
        logging.getLogger(name).setLevel(logging.WARNING)
