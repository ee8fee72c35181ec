"""`retention console`: pages in a browser."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import click

from streams.cli.options import configured, quiet_libraries, terms_options
from streams.cli.serving import serve
from streams.config import Config, ConfigError

LEAST_TOKEN = 20
"""Characters; a shorter one can be guessed."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="where to listen")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0: any that is free")
@click.option("--worker", "given", multiple=True, metavar="HOST:PORT", help="a worker's metrics; once for each")
@click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="RETENTION_CONSOLE_TOKEN_FILE",
    help="whoever looks must know what is in it",
)
@click.option("--user-header", metavar="NAME", default="", help="header by which a reverse proxy names who looks")
@click.option(
    "--roles",
    "roles_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="RETENTION_CONSOLE_ROLES",
    help="who may look, see single customers, and act; without it nobody acts",
)
@click.option("--origin", metavar="URL", default="", help="how browsers call it, behind a proxy that changes the host")
@terms_options("of the page of proof: ", "of the same: ")
@configured("metrics_host", "metrics_port", "redis_cluster")
def console(
    config: Config,
    host: str,
    port: int,
    given: tuple[str, ...],
    token_file: Path | None,
    user_header: str,
    roles_file: Path | None,
    origin: str,
    margin: float,
    cap: float,
) -> None:
    """Show in a browser what is going on, and one customer's story; and do what those who may act ask for.

    On this machine nobody is asked who they are. To listen elsewhere, give a token, a roles file, or a reverse proxy's
    header: the proxy must set it itself, and nobody else may reach the port. Only a roles file lets somebody act: stop
    and resume, choose the model. Who looked at which customer, and who did what, is logged. TLS is the proxy's.

    \b
    Examples:
      retention console
      retention console --worker 10.0.0.5:9100 --worker 10.0.0.6:9100
      retention console --host 0.0.0.0 --token-file /run/secrets/console
      retention console --user-header X-Forwarded-User --roles roles.toml --origin https://console.example.com
    """
    quiet_libraries()
    from streams.console.access import Access
    from streams.console.roles import roles_of
    from streams.web import LOOPBACK

    logging.getLogger("streams.console").setLevel(logging.INFO)
    token = token_file.read_text(encoding="utf-8").strip() if token_file is not None else ""
    if token_file is not None and not token:
        raise ConfigError(f"{token_file} is empty: write a token into it, such as that of `openssl rand -hex 24`")
    if token and len(token) < LEAST_TOKEN:
        raise ConfigError(
            f"{token_file} has a token of {len(token)} characters: write one of {LEAST_TOKEN} or more into it, such as "
            "that of `openssl rand -hex 24`"
        )
    if token and user_header:
        raise ConfigError("--token-file and --user-header: give one; a proxy that names who looks asks them itself")
    if token and roles_file is not None:
        raise ConfigError("--token-file and --roles: give one; with roles everybody has a token of their own")
    roles = None
    if roles_file is not None:
        roles = roles_of(roles_file.read_text(encoding="utf-8"), str(roles_file), bool(user_header))
    if origin and (not origin.startswith(("https://", "http://")) or origin.count("/") != 2):
        raise ConfigError(f"--origin {origin}: give scheme and host alone, such as https://console.example.com")
    if host not in LOOPBACK and not (token or user_header or roles):
        raise ConfigError(f"--host {host} is not this machine alone: give --token-file, --roles or --user-header")
    from streams.console.acting import Acting
    from streams.console.app import console_app
    from streams.console.reading import Reading  # loads the engine
    from streams.monitoring.top.workers import worker_urls
    from streams.operations.lift import Terms

    with Reading(config, list(worker_urls(given, config)), Terms(margin, cap)) as reading:
        access = Access(token, user_header, roles, origin)
        asyncio.run(serve(console_app(reading, access, Acting(config)), host, port))
