"""`retention why`: one customer's story of decisions, for the team and for the customer."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from models.customer.record import Record, unpack
from models.customer.tail import UnknownRecord
from models.settings import DAY
from models.timeline.partitioning import partition_of
from streams.cli.customer import CustomerUnknown, RecordUnreadable
from streams.cli.options import a_log, configured, echo, echo_json, json_option, quiet_libraries
from streams.cli.repeat import as_data, repeat, show
from streams.config import Config
from streams.errors import EngineError, StateUnreadable
from streams.operations.redis_access import store_of
from streams.operations.why.indices import Indices
from streams.text import moment

if TYPE_CHECKING:
    from streams.operations.customer.stored import StoredCustomer

LOOK_BACK = 90 * DAY
ENDS = 2**62
"""In place of a time: to the end."""


class NoPolicy(EngineError):
    """No policy decides about a customer, and none ever did within the time looked at."""

    remedy = (
        "bring one into force (`retention policy apply FILE`); what is decided without one, `retention customer ID` "
        "and `retention tail decisions` show"
    )


class NothingDecided(EngineError):
    """Nothing was decided about a customer within the time looked at."""

    remedy = "name a later --at, or an earlier --since; the topic keeps decisions for a time of its own"


@click.command()
@click.argument("customer_id", metavar="CUSTOMER")
@click.option("--at", metavar="TIME", help="the last decision at or before this log time, in full")
@click.option("--since", metavar="TIME", help="from this log time on; 90 days without it")
@click.option("--words", is_flag=True, help="in words that the customer can be given")
@click.option(
    "--language", type=click.Choice(["en", "de"]), help="of --words; the customer's own without it, or English"
)
@click.option("--repeat", "again", is_flag=True, help="decide all of it again, and compare it with the topics")
@click.option(
    "--history", metavar="LOG", shell_complete=a_log, help="for --repeat: what `retention backfill` was given, if any"
)
@json_option("one JSON object")
@configured("mode", "redis_cluster", "log_gap_days")
def why(
    config: Config,
    customer_id: str,
    at: str | None,
    since: str | None,
    words: bool,
    language: str | None,
    again: bool,
    history: str | None,
    as_json: bool,
) -> None:
    """Tell why a customer got what they got, and why not: what waits now, and each decision of the past.

    Now is as stored, in log time; the past is read from the topics of decisions and triggers. With --repeat the engine
    runs again over the shard's log from its first record on, with the policies, settings and model versions of each
    place, and what it says of the customer is compared with the topics, byte by byte. Exits with 1 when something
    differs, with 77 when Kafka has deleted the beginning of the log.

    \b
    Examples:
      retention why anna
      retention why anna --at 2026-11-03T12:00:00Z
      retention why anna --words                     fit to be given to the customer
      retention why anna --at 2026-11-03T12:00:00Z --repeat
    """
    if words and again:
        raise click.UsageError("give one of --words and --repeat: what is repeated has chances and codes")
    if language and not words:
        raise click.UsageError("--language is for --words")
    if history and not again:
        raise click.UsageError("--history is for --repeat")
    end, begin = _time(at, "--at"), _time(since, "--since")
    quiet_libraries()
    from streams.operations.customer.standing import standing_view  # loads the engine
    from streams.operations.why.for_customer import Words
    from streams.operations.why.outputs import outputs_of, touchpoint_at
    from streams.operations.why.past import last_asked, past

    asked = None
    with Indices(config, "touchpoints", "decisions", "triggers") as topics:
        touchpoints, partition = topics.of["touchpoints"].topic, partition_of(customer_id, topics.partitions)
        stored = asyncio.run(_stored(config, partition, customer_id))
        record = _record(stored, customer_id)
        until = ENDS if end is None else end
        if begin is None:
            begin = max(0, (stored.time if end is None else end) - LOOK_BACK)
        outputs = outputs_of(topics.of["decisions"], topics.of["triggers"], partition, customer_id, begin, until)
        entries = past(outputs, until)
        if record is None and not entries:
            raise CustomerUnknown(
                f"no record of customer {customer_id!r} in app {config.app!r}, partition {partition} of "
                f"{touchpoints.partitions}, at {config.shown_redis_url}, and no decision since {moment(begin)}"
            )
        if stored.policy is None and not any(one["policy"] for one in entries):
            raise NoPolicy(f"no policy is in force in shard {partition} of app {config.app!r}")
        if end is not None:
            last = last_asked(entries)
            if last is None:
                raise NothingDecided(f"nothing was decided about {customer_id!r} from {moment(begin)} to {moment(end)}")
            asked = next(one for one in outputs.decisions if one.id == last["id"])
            last["touchpoint"] = touchpoint_at(touchpoints, asked.at)
            entries = [last]
    now, repetition = None, None
    if end is None and record is not None and stored.policy is not None and stored.settings is not None:
        now = standing_view(customer_id, record, stored.policy, stored.settings, stored.time, stored.stops)
    if outputs.unread:
        echo(f"{outputs.unread} outputs are of another release, and left out", err=True)
    if again:
        from streams.operations.why.repeated import Span

        span = Span(begin, until, asked)
        repetition = repeat(config, customer_id, partition, span, history)
    head = {"customer": customer_id, "partition": partition, "as_of": _iso(stored.time), "since": _iso(begin)}
    if words:
        lines = list(Words(record, stored.policy, stored.time, language).lines(now, entries, _iso(begin)))
        _show_words(lines, head, as_json)
    elif as_json:
        told = {} if repetition is None else {"repeated": as_data(repetition)}
        echo_json({**head, "now": now, "past": entries, **told})
    else:
        _show(head, now, entries)
        if repetition is not None:
            show(repetition, partition)
    if repetition is not None and repetition.exit_code:
        sys.exit(int(repetition.exit_code))


def _show_words(lines: list[str], head: dict[str, Any], as_json: bool) -> None:
    if as_json:
        echo_json({**head, "words": lines})
        return
    for line in lines:
        echo(line)


def _show(head: dict[str, Any], now: dict[str, Any] | None, entries: list[dict[str, Any]]) -> None:
    from streams.operations.why.text import entry_lines, now_lines

    if now is not None:
        echo(f"{head['customer']} now, as of {head['as_of']} (log time of shard {head['partition']})")
        for line in now_lines(now):
            echo(f"  {line}")
        echo(f"decided since {head['since']}: {'nothing' if not entries else ''}".rstrip(" "))
    for entry in entries:
        for line in entry_lines(entry):
            echo(line)


def _record(stored: StoredCustomer, customer_id: str) -> Record | None:
    """Decoded. None: there is none."""
    if stored.unreadable:
        raise StateUnreadable(stored.unreadable)
    if stored.record is None:
        return None
    try:
        return unpack(customer_id.encode(), stored.record)
    except UnknownRecord as error:
        raise RecordUnreadable(str(error)) from error


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(max(ms, 0) / 1000, UTC).isoformat().replace("+00:00", "Z")


def _time(given: str | None, option: str) -> int | None:
    if given is None:
        return None
    try:
        stated = datetime.fromisoformat(given)
    except ValueError as error:
        text = f"{given!r}: give a time such as 2026-12-01T00:00:00Z"
        raise click.BadParameter(text, param_hint=option) from error
    return round((stated if stated.tzinfo else stated.replace(tzinfo=UTC)).timestamp() * 1000)


async def _stored(config: Config, partition: int, customer_id: str) -> StoredCustomer:
    from streams.operations.customer.stored import stored_customer  # loads River

    async with store_of(config) as store:
        return await stored_customer(store, partition, customer_id, foresee=False)
