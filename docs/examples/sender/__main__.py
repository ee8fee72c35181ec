"""A messaging service: does what the engine's triggers ask for, and tells it what became of them.

    python docs/examples/sender 127.0.0.1:9092 --smtp 127.0.0.1:2525 --worker http://127.0.0.1:9100

docs/examples/sender/README.md tells how to try it. SIGTERM or Ctrl-C ends it after the message at hand.
"""

from __future__ import annotations

import argparse
import csv
import json
import logging
import os
import secrets
import signal
import sys
import threading
import time
from email.headerregistry import Address
from pathlib import Path

from answers import Links, server
from channels import Failed, by_email, by_webhook, text_of
from memory import Memory

from streams.client import (
    LinkKeys,
    Outcome,
    OwnPageLink,
    Sent,
    StopOrder,
    TouchpointPublisher,
    Trigger,
    TriggerConsumer,
    Withdrawal,
    ask_valid,
    may_send,
    own_page_link,
)
from streams.errors import EngineError
from streams.kafka.errors import BrokerUnreachable

logger = logging.getLogger("sender")
LOOK_S = 0.2
RETRY_MS = 5_000
SOURCE = "https://sender.example"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sender", description=__doc__.partition("\n")[0])
    parser.add_argument("bootstrap_servers", help="host:port,host:port")
    parser.add_argument("--prefix", default="retention", help="of the topics' names")
    parser.add_argument("--group", default="sender")
    parser.add_argument("--memory", default="sender.sqlite", metavar="FILE")
    parser.add_argument("--smtp", metavar="HOST:PORT", help="triggers of the channel `email` go there")
    parser.add_argument("--webhook", metavar="URL", help="triggers of all other channels go there")
    parser.add_argument("--worker", metavar="URL", help="of any worker, asked whether what was held may still be sent")
    parser.add_argument("--contacts", metavar="CSV", help="customer,email; without it CUSTOMER@example.org")
    parser.add_argument("--from", dest="sender", default="shop@shop.example")
    parser.add_argument("--listen", default="127.0.0.1:8025", metavar="HOST:PORT", help="for links and the provider")
    parser.add_argument("--links", metavar="URL", help="under which customers reach that; without it http://HOST:PORT")
    parser.add_argument("--own-page", metavar="URL", help="of the customers' own page: each message has a link to it")
    parser.add_argument("--own-page-keys", metavar="FILE", type=Path, help="that sign those links")
    return parser.parse_args()


class Sender:
    """Sends what is due, and reports; in a thread of its own."""

    def __init__(self, given: argparse.Namespace, links: Links) -> None:
        self._given, self._links = given, links
        contacts = _contacts(given.contacts)
        self._ways = {}
        if given.smtp:
            self._ways["email"] = by_email(given.smtp, given.sender, contacts)
        self._webhook = by_webhook(given.webhook) if given.webhook else None
        self._keys = LinkKeys.of(given.own_page_keys.read_text("utf-8")) if given.own_page else None

    def run(self, ended: threading.Event) -> None:
        """Until the event; then what is to be reported is still published."""
        self._memory = Memory(self._given.memory)
        for id in self._memory.unsure():
            logger.warning("trigger %s was on its way out when the process died: it is not sent again", id)
        topic = f"{self._given.prefix}.touchpoints"
        with TouchpointPublisher(self._given.bootstrap_servers, topic, on_outcome=self._published) as publisher:
            while not ended.wait(LOOK_S):
                for trigger in self._memory.due(now_ms()):
                    if not ended.is_set():
                        self._send(trigger)
                self._report(publisher)
            self._report(publisher)
        self._memory.close()

    def _send(self, trigger: Trigger) -> None:
        if trigger.expires_at <= now_ms():
            self._memory.drop(trigger.id, "offer_expired")
        elif not self._given.worker or may_send(self._given.worker, trigger):
            if self._memory.begin(trigger):
                self._hand_over(trigger)
        elif ask_valid(self._given.worker, trigger.customer, trigger.id) is None:
            self._memory.again(trigger, now_ms() + RETRY_MS)  # nobody can say: until it expires
        else:
            self._memory.drop(trigger.id, "offer_withdrawn")

    def _hand_over(self, trigger: Trigger) -> None:
        """From `begin` on the message may leave: whatever happens, its state says so."""
        way = self._ways.get(trigger.channel, self._webhook)
        links = self._links(trigger.id)
        try:
            if way is None:
                raise Failed("refused_by_sender", f"no way for channel {trigger.channel}")
            way(trigger, text_of(trigger, links, self._own_page(trigger)), links["pixel"])
        except Failed as error:
            logger.warning("trigger %s for %s: %s", trigger.id, trigger.customer, error)
            if error.passes:
                self._memory.again(trigger, now_ms() + RETRY_MS)
            else:
                self._memory.end(trigger, "offer_failed", failure=error.failure)
            return
        logger.info("sent %s to %s by %s", trigger.action, trigger.customer, trigger.channel)
        self._memory.end(trigger, "offer_sent")

    def _own_page(self, trigger: Trigger) -> OwnPageLink | None:
        """Where the customer ends messages of this channel, and sees what is known of them."""
        if self._keys is None:
            return None
        url, channel = self._given.own_page, trigger.channel
        return own_page_link(url, trigger.customer, self._keys, now_ms=now_ms(), channel=channel)

    def _report(self, publisher: TouchpointPublisher) -> None:
        try:
            for one in self._memory.reports():
                publisher.publish_event(
                    one.type, id=one.id, source=SOURCE, subject=one.subject, time_ms=one.time, data=json.loads(one.data)
                )
            publisher.flush()
        except BrokerUnreachable as error:
            logger.warning("%s", error)  # what was not published stays in the memory

    def _published(self, outcome: Outcome) -> None:
        if isinstance(outcome, Sent):
            self._memory.reported(outcome.event_id)
        else:  # it stays, and is published again: its id makes that safe
            logger.error("%s", outcome)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def _contacts(path: str | None):  # type: ignore[no-untyped-def]
    """Where a customer's address is looked up: the engine knows ids alone."""
    if path is None:
        return lambda customer: Address(username=customer, domain="example.org").addr_spec
    with Path(path).open(encoding="utf-8", newline="") as file:
        return {row["customer"]: row["email"] for row in csv.DictReader(file)}.get


def main() -> int:
    given = arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s", stream=sys.stderr)
    logging.getLogger("kafka").setLevel(logging.WARNING)
    host, _, port = given.listen.partition(":")
    secret = os.environ.get("SENDER_SECRET", "").encode() or secrets.token_bytes()
    links = Links(given.links or f"http://{given.listen}", secret)
    memory, ended = Memory(given.memory), threading.Event()
    provider = os.environ.get("SENDER_PROVIDER_SECRET", "").encode()
    answers = server(host, int(port), given.memory, links, provider)
    failed: list[BaseException] = []

    def withdrawn(withdrawal: Withdrawal) -> None:
        memory.drop(withdrawal.trigger, "offer_withdrawn")

    def ordered(order: StopOrder) -> None:
        logger.warning("stop %d by %s (%s): %d dropped", order.number, order.by, order.why, memory.stop(order))

    def stopped(trigger: Trigger) -> None:
        memory.tell(trigger, "offer_withdrawn")

    def expired(trigger: Trigger) -> None:
        memory.tell(trigger, "offer_expired")

    try:
        with TriggerConsumer(
            given.bootstrap_servers,
            f"{given.prefix}.triggers",
            group=given.group,
            on_withdrawal=withdrawn,
            on_order=ordered,
            on_stopped=stopped,
            on_expired=expired,
            on_unreadable=lambda record: logger.error("passed over: %s", record),
        ) as consumer:

            def send() -> None:
                try:
                    Sender(given, links).run(ended)
                except BaseException as error:  # noqa: BLE001 - whatever it is, nobody sends any more
                    failed.append(error)
                    consumer.stop()

            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: consumer.stop())
            threading.Thread(target=answers.serve_forever, daemon=True).start()
            sender = threading.Thread(target=send)
            sender.start()
            logger.info("listening on %s", given.listen)
            consumer.run(memory.hold)  # kept on disk before it is committed; sent when it is due
            logger.info("%s", consumer.counts)
            ended.set()
            sender.join()
            if failed:
                raise failed[0]
    except EngineError as error:
        print(f"error: {error}", file=sys.stderr)
        return int(error.code)
    finally:
        ended.set()
        answers.server_close()
        memory.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
