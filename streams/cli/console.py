"""`retention console`: pages in a browser."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.cli.options import configured, quiet_libraries, terms_options
from streams.cli.serving import serve
from streams.config import Config, ConfigError

if TYPE_CHECKING:  # its room is loaded when the command runs
    from streams.console.access import Access

LEAST_TOKEN = 20
"""Characters; a shorter one can be guessed."""
USUAL_PORT = 8765


@click.command()
@click.option("--host", help="where to listen  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="0: any that is free  [default: 8765]")
@click.option("--worker", "given", multiple=True, metavar="HOST:PORT", help="a worker's metrics; once for each")
@click.option("--token-file", type=click.Path(), help="whoever looks must know what is in it")
@click.option("--user-header", metavar="NAME", help="header by which a reverse proxy names who looks")
@click.option("--roles", "roles_file", type=click.Path(), help="who may look, see single customers, and act")
@click.option("--origin", metavar="URL", help="how browsers call it, behind a proxy that changes the host")
@terms_options("of the page of proof: ", "of the same: ")
@configured("metrics_host", "metrics_port", "redis_cluster")
def console(
    config: Config,
    host: str | None,
    port: int | None,
    given: tuple[str, ...],
    token_file: str | None,
    user_header: str | None,
    roles_file: str | None,
    origin: str | None,
    margin: float,
    cap: float,
) -> None:
    """Show in a browser what is going on, and one customer's story; and do what those who may act ask for.

    On this machine nobody is asked who they are. To listen elsewhere, give a token, a roles file, or a reverse proxy's
    header: the proxy must set it itself, and nobody else may reach the port. Only a roles file lets somebody act: stop
    and resume, choose the model. Who looked at which customer, and who did what, is logged. TLS is the proxy's.
    What no option says, the settings console_... say.

    \b
    Examples:
      retention console
      retention console --worker 10.0.0.5:9100 --worker 10.0.0.6:9100
      retention console --host 0.0.0.0 --token-file /run/secrets/console
      retention console --user-header X-Forwarded-User --roles roles.toml --origin https://console.example.com
    """
    quiet_libraries()
    host, port = host or config.console_host, (config.console_port or USUAL_PORT) if port is None else port
    access = _access(
        host,
        token_file or config.console_token_file,
        user_header or config.console_user_header,
        roles_file or config.console_roles,
        origin or config.console_origin,
    )
    logging.getLogger("streams.console").setLevel(logging.INFO)
    from streams.console.acting import Acting
    from streams.console.app import console_app
    from streams.console.reading import Reading  # loads the engine
    from streams.monitoring.top.workers import worker_urls
    from streams.operations.lift import Terms

    workers = given or [one.strip() for one in config.console_workers.split(",") if one.strip()]
    with Reading(config, list(worker_urls(workers, config)), Terms(margin, cap)) as reading:
        asyncio.run(serve(console_app(reading, access, Acting(config)), host, port))


def _access(host: str, token_file: str, user_header: str, roles_file: str, origin: str) -> Access:
    """Who may look and act. Raises ConfigError."""
    from streams.console.access import Access
    from streams.console.roles import roles_of
    from streams.web import LOOPBACK

    token = _text("--token-file", token_file).strip() if token_file else ""
    if token_file and not token:
        raise ConfigError(f"{token_file} is empty: write a token into it, such as that of `openssl rand -hex 24`")
    if token and len(token) < LEAST_TOKEN:
        raise ConfigError(
            f"{token_file} has a token of {len(token)} characters: write one of {LEAST_TOKEN} or more into it, such as "
            "that of `openssl rand -hex 24`"
        )
    if token and user_header:
        raise ConfigError("--token-file and --user-header: give one; a proxy that names who looks asks them itself")
    if token and roles_file:
        raise ConfigError("--token-file and --roles: give one; with roles everybody has a token of their own")
    roles = roles_of(_text("--roles", roles_file), roles_file, bool(user_header)) if roles_file else None
    if origin and (not origin.startswith(("https://", "http://")) or origin.count("/") != 2):
        raise ConfigError(f"--origin {origin}: give scheme and host alone, such as https://console.example.com")
    if host not in LOOPBACK and not (token or user_header or roles):
        raise ConfigError(f"--host {host} is not this machine alone: give --token-file, --roles or --user-header")
    return Access(token, user_header, roles, origin)


def _text(option: str, file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not text"
        raise ConfigError(f"{option} {file}: {why}; name a file that can be read") from error
