"""Consume triggers: a messaging service does what the retention engine asks for.

    python docs/examples/consume_triggers.py 127.0.0.1:9092 --group messaging --handled handled.sqlite

Writes each trigger as a JSON line to standard output, in the place of a message. Ctrl-C or SIGTERM ends it after the
trigger at hand; started again, it goes on where it was.
"""

from __future__ import annotations

import argparse
import signal
import sys
from contextlib import ExitStack

from models.outputs import encode
from streams.client import HandledFile, Trigger, TriggerConsumer, Unreadable, Withdrawal
from streams.errors import EngineError


def send_message(trigger: Trigger) -> None:
    """The work. What it raises leaves the trigger uncommitted. Give `trigger.id` to your provider as idempotency key:
    then not even a crash between sending and noting it sends twice."""
    sys.stdout.write(encode(trigger).decode() + "\n")
    sys.stdout.flush()


def too_late(trigger: Trigger) -> None:
    print(f"expired: {trigger.id} for {trigger.customer}", file=sys.stderr)


def taken_back(withdrawal: Withdrawal) -> None:
    """Drop the message if it is not sent yet, and tell the engine so with an `offer_withdrawn`."""
    print(f"withdrawn: {withdrawal.trigger} for {withdrawal.customer}, {withdrawal.reason}", file=sys.stderr)


def unreadable(record: Unreadable) -> None:
    """Keep it somewhere and alarm; when this returns the record is passed over."""
    print(f"skipped: {record}", file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bootstrap_servers", help="host:port,host:port")
    parser.add_argument("--topic", default="retention.triggers")
    parser.add_argument("--group", default="messaging")
    parser.add_argument("--handled", metavar="FILE", help="a durable memory of handled triggers")
    parser.add_argument("--idle", type=float, metavar="SECONDS", help="end when nothing came for so long")
    given = parser.parse_args()
    try:
        with ExitStack() as stack:
            memory = stack.enter_context(HandledFile(given.handled)) if given.handled else None
            consumer = stack.enter_context(
                TriggerConsumer(
                    given.bootstrap_servers,
                    given.topic,
                    group=given.group,
                    handled=memory,
                    on_expired=too_late,
                    on_withdrawal=taken_back,
                    on_unreadable=unreadable,
                    idle_s=given.idle,
                )
            )
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: consumer.stop())
            consumer.run(send_message)
            print(f"{consumer.counts}", file=sys.stderr)
    except EngineError as error:
        print(f"error: {error}", file=sys.stderr)
        return int(error.code)
    return 0


if __name__ == "__main__":
    sys.exit(main())
