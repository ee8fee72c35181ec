"""`retention preview`: what an action comes to as for a customer, sent to a test customer."""

from __future__ import annotations

import asyncio
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from streams.cli.options import configured, echo, echo_json, json_option, quiet_libraries
from streams.config import Config
from streams.errors import ExitCode
from streams.kafka.security import kafka_connection
from streams.kafka.topic_reader import TopicReader
from streams.operations.redis_access import store_of
from streams.text import moment

if TYPE_CHECKING:
    from models.outputs import Decision


@click.command()
@click.argument("action")
@click.option("--as", "customer", required=True, metavar="CUSTOMER", help="decide as for this one")
@click.option("--to", required=True, metavar="TEST_ID", help="the test customer who gets it")
@click.option("--now", "at_once", is_flag=True, help="pass what ends by itself: hours, caps, rests, open cases")
@click.option("--by", default="an operator", show_default=True, help="who asks")
@click.option(
    "--wait", "wait_s", type=click.FloatRange(0), default=15.0, show_default=True, help="seconds for the answer"
)
@json_option("one JSON object")
@configured("redis_cluster")
def preview(
    config: Config, action: str, customer: str, to: str, at_once: bool, by: str, wait_s: float, as_json: bool
) -> None:
    """Decide on an action as for a customer, and send it to a test customer: the trigger says `test`.

    The text is that for the one: language, channel, parameters. Nothing of the one changes, and nothing is counted. A
    test customer is one of whom a `restricted` with reason `test` was published.

    Exit code 1 if something stands against it, so that nothing was sent.

    \b
    Examples:
      retention preview offer --as anna --to tester
      retention preview offer --as anna --to tester --now --json
    """
    quiet_libraries()
    from streams.operations.preview import answered, ask, decisions_about

    async def run() -> Decision:
        from streams.operations.doors import Door

        with ExitStack() as open_topics:
            connection = kafka_connection(config)
            touchpoints, decisions = (
                open_topics.enter_context(TopicReader(connection, config.topic(role)))
                for role in ("touchpoints", "decisions")
            )
            door = Door(connection, config.topic("touchpoints"))
            try:
                async with store_of(config) as store:
                    asked = await ask(store, touchpoints.partitions, action, customer, to, at_once, by, door.send)
            finally:
                await door.close()

            def read() -> list[Decision]:
                return decisions_about(decisions, asked)

            return await answered(asked, read, wait_s)

    found = asyncio.run(run())
    if as_json:
        echo_json(_data(found, to))
    else:
        _show(found, to)
    sys.exit(ExitCode.OK if found.trigger else ExitCode.FAILURE)


def _data(found: Decision, to: str) -> dict[str, Any]:
    from models.decisions.gate_table import UNFORESEEN
    from models.decisions.words import told

    gates = [code for one in found.candidates for code in one.gates]
    return {
        "action": found.action,
        "as": found.customer,
        "to": to,
        "moment": found.moment or None,
        "level": found.level or None,
        "channel": found.channel or None,
        "trigger": found.trigger or None,
        "held_by": found.gate or None,
        "until": None if UNFORESEEN.intersection(gates) else found.until or None,
        "gates": [{"gate": code, "why": told(code)} for code in gates],
        "time": found.time,
        "policy": found.policy,
    }


def _show(found: Decision, to: str) -> None:
    data = _data(found, to)
    asked = f"{data['moment'] or 'no moment'} {data['level'] or ''}".strip()
    echo(f"{found.action} as for {found.customer}, at {asked}, by {data['channel'] or 'no channel'}")
    for one in data["gates"]:
        echo(f"  {one['gate']}: {one['why']}")
    if found.trigger:
        echo(f"  sent to {to} as {found.trigger}, a test")
    else:
        until = f" until {moment(data['until'])}" if data["until"] else ""
        held = [one["gate"] for one in data["gates"]] or [found.gate]
        echo(f"  nothing was sent: held by {', '.join(held)}{until}")
