"""`retention link`: a signed link to a customer's own page."""

from __future__ import annotations

import time

import click

from streams.cli.options import configured, echo, echo_json, json_option
from streams.config import Config, ConfigError


@click.command()
@click.argument("customer_id", metavar="ID")
@click.option(
    "--channel", default="", metavar="NAME", help="on which it is sent: one-click unsubscribe closes it; else all"
)
@json_option("one JSON object")
@configured("own_page_url", "own_page_keys_file", "own_page_link_days")
def link(config: Config, customer_id: str, channel: str, as_json: bool) -> None:
    """Make a signed link to a customer's own page (`retention own-page`), to be put into a message to them.

    It lets whoever has it switch messages off, and shows nothing of what is known. The id is in it, but not in clear.
    The two headers let a mail program unsubscribe by one click (RFC 8058). Nothing is stored.

    \b
    Examples:
      retention link anna --channel email
      retention link anna --own-page-url https://me.shop.example --own-page-keys-file /run/secrets/own-page --json
    """
    from streams.client.links import KeysUnfit, LinkKeys, own_page_link

    if not config.own_page_url:
        raise ConfigError("own_page_url is not set; set RETENTION_OWN_PAGE_URL to the address of `retention own-page`")
    try:
        keys, now = LinkKeys.of(config.own_page_secret()), time.time_ns() // 1_000_000
        made = own_page_link(
            config.own_page_url, customer_id, keys, now_ms=now, days=config.own_page_link_days, channel=channel
        )
    except KeysUnfit as error:
        raise ConfigError(f"own_page_keys: {error}; set RETENTION_OWN_PAGE_KEYS_FILE") from error
    except ValueError as error:
        raise ConfigError(str(error)) from error
    if as_json:
        echo_json({"link": made.page, "one_click": made.one_click, "until": made.until, "headers": made.headers})
        return
    echo(made.page)
    for name, value in made.headers.items():
        echo(f"{name}: {value}")
