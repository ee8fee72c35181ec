"""A downstream service in a process of its own: appends each trigger's id to a file, and dies where it is told to.

python -m tests.integration.client.messenger SERVERS APP SENT_FILE [--handled FILE] [--die handling|handled]
"""

from __future__ import annotations

import argparse
import os
import signal
from pathlib import Path

from models.outputs import Trigger
from streams.client import HandledFile
from tests.integration.client.conftest import ClientTopics

DIES_AT = f"{2:032x}"


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DiesAfterNoting(HandledFile):
    """The process ends between handling and commit."""

    def add(self, trigger_id: str, expires_at: int) -> None:
        super().add(trigger_id, expires_at)
        if trigger_id == DIES_AT:
            die()


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("servers", "app", "sent"):
        parser.add_argument(name)
    parser.add_argument("--handled")
    parser.add_argument("--die", choices=("handling", "handled"))
    given = parser.parse_args()
    memory = DiesAfterNoting if given.die == "handled" else HandledFile

    def send(trigger: Trigger) -> None:
        with Path(given.sent).open("a") as sent:
            sent.write(f"{int(trigger.id, 16)}\n")
        if given.die == "handling" and trigger.id == DIES_AT:
            die()

    with ClientTopics(given.servers, given.app).consumer(
        handled=memory(given.handled) if given.handled else None
    ) as consumer:
        consumer.run(send)
    print(consumer.counts.duplicates)


if __name__ == "__main__":
    main()
