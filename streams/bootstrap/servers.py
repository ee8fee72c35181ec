"""The servers of a command that does its work once: where one is away the command ends, and names both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from streams.bootstrap.preflight import Environment, check_servers
from streams.config import Config
from streams.errors import EngineError
from streams.kafka.errors import BrokerUnreachable
from streams.retry import Unavailable


class ServersUnavailable(EngineError):
    """Redis or Kafka does not answer."""

    remedy = "start them, or name others with --redis-url and --bootstrap-servers"


@contextmanager
def an_outage_ends(config: Config) -> Iterator[None]:
    """Raises ServersUnavailable in place of an outage; BrokerUnreachable already names the broker."""
    try:
        yield
    except BrokerUnreachable:
        raise
    except Unavailable as error:
        where = f"Kafka {config.bootstrap_servers}, Redis {config.shown_redis_url}"
        raise ServersUnavailable(f"{where}: {error}") from error


async def checked(config: Config) -> Environment:
    """The servers, once. Raises ServersUnavailable, and what `check_servers` raises."""
    with an_outage_ends(config):
        return await check_servers(config)
