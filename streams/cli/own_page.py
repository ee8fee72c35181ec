"""`retention own-page`: the customers' own page."""

from __future__ import annotations

import asyncio
import logging
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import click

from streams.cli.options import configured
from streams.config import Config, ConfigError

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command("own-page")
@click.option("--host", default="127.0.0.1", show_default=True, help="where to listen")
@click.option("--port", type=click.IntRange(0, 65535), default=8766, show_default=True, help="0: any that is free")
@click.option("--customer-header", metavar="NAME", default="", help="header by which a proxy names who is signed in")
@click.option("--code-webhook", metavar="URL", default="", help="asked to send a customer a code to sign in with")
@click.option("--address-header", metavar="NAME", default="", help="header by which a proxy names who calls")
@click.option("--theme", type=FILE, help="a sheet of styles above the page's own")
@click.option("--messages", type=FOLDER, help="message catalogues of your own, LANGUAGE.toml")
@click.option("--language", default="en", show_default=True, help="spoken where neither customer nor browser says")
@configured("own_page_url", "own_page_keys_file", "redis_cluster")
def own_page(
    config: Config,
    host: str,
    port: int,
    customer_header: str,
    code_webhook: str,
    address_header: str,
    theme: Path | None,
    messages: Path | None,
    language: str,
) -> None:
    """Serve the page on which customers switch messages off, see what is known of them, and ask for their rights.

    A link (`retention link`) lets one switch off. Whatever else there is asks who they are: a reverse proxy that has
    let them log in (--customer-header; it must drop the header that comes from outside), or a code that your messaging
    service sends to the address it knows (--code-webhook). Changes are published as touchpoints. TLS is the proxy's.

    \b
    Examples:
      retention own-page --customer-header X-Customer
      retention own-page --host 0.0.0.0 --code-webhook http://messaging:8080/codes --theme house.css
    """
    from streams.cli.serving import serve
    from streams.client.links import KeysUnfit, LinkKeys
    from streams.operations.access.where import places_of
    from streams.operations.partitions import touchpoint_partitions
    from streams.operations.redis_access import store_of
    from streams.own_page.access import Access
    from streams.own_page.app import own_page_app
    from streams.own_page.asked import Parts
    from streams.own_page.catalogue import CatalogueUnfit, catalogues
    from streams.own_page.codes import Webhook
    from streams.own_page.erasures import Erasures
    from streams.own_page.publishing import Publishing
    from streams.own_page.reading import Reading  # loads the engine
    from streams.own_page.service import Service
    from streams.text import log_lines

    log_lines("WARNING", "%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("streams.own_page").setLevel(logging.INFO)
    for name in ("kafka", "aiokafka"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        keys = LinkKeys.of(config.own_page_secret())
        languages = catalogues(messages)
    except KeysUnfit as error:
        raise ConfigError(f"own_page_keys: {error}; set RETENTION_OWN_PAGE_KEYS_FILE") from error
    except CatalogueUnfit as error:
        raise ConfigError(f"--messages: {error}") from error
    if language not in languages:
        raise ConfigError(f"--language is {language!r}; give one of {', '.join(languages)}")
    if code_webhook and not code_webhook.startswith(("http://", "https://")):
        raise ConfigError(f"--code-webhook is {code_webhook!r}; give an address that begins with http:// or https://")
    with ExitStack() as stack:
        partitions = touchpoint_partitions(config)
        source = Reading(lambda: store_of(config), partitions, partial(places_of, config))
        publisher = stack.enter_context(Publishing(config))
        service = Service(source, publisher, Erasures(lambda: store_of(config)), keys)
        parts = Parts(
            service,
            Access(
                keys,
                customer_header,
                https=not config.own_page_url.startswith("http://"),
                host=urlsplit(config.own_page_url).hostname or "",
            ),
            keys,
            languages,
            speaks=language,
            sender=Webhook(code_webhook, keys) if code_webhook else None,
            theme=theme,
            address_header=address_header,
            signs_in=bool(customer_header),
        )
        asyncio.run(serve(own_page_app(parts), host, port))
