"""Publish touchpoints: a shop tells the retention engine what its customers do.

    python docs/examples/publish_touchpoints.py 127.0.0.1:9092 --count 1000

The topic must exist (`retention topics create`). Prints the delivery report as JSON; exit code 1 if anything was not
sent.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

from streams.client import Outcome, Sent, TouchpointPublisher
from streams.errors import EngineError


def touchpoints(count: int) -> Iterator[dict[str, Any]]:
    """What happened: here made up, in a service of yours what it just wrote to its own database."""
    now = time.time_ns() // 1_000_000
    for number in range(count):
        customer = f"customer-{number % 100}"
        common = {"source": "https://shop.example", "subject": customer, "time_ms": now}
        if number % 3 == 0:
            # An id of the fact itself: published twice, it counts once.
            yield {"type": "purchase", "id": f"order-{now}-{number}", "data": {"amount": 19.9}, **common}
        elif number % 3 == 1:
            yield {"type": "visit", "id": f"visit-{now}-{number}", "data": {}, **common}
        else:
            yield {"type": "csat", "id": f"csat-{now}-{number}", "data": {"score": 4}, **common}


def tell(outcome: Outcome) -> None:
    """A service of yours would keep what was not delivered and publish it again, and alarm on what was refused."""
    if not isinstance(outcome, Sent):
        print(outcome, file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bootstrap_servers", help="host:port,host:port")
    parser.add_argument("--topic", default="retention.touchpoints")
    parser.add_argument("--count", type=int, default=300)
    given = parser.parse_args()
    try:
        with TouchpointPublisher(given.bootstrap_servers, given.topic, on_outcome=tell) as publisher:
            for number, touchpoint in enumerate(touchpoints(given.count), start=1):
                publisher.publish_event(**touchpoint, line=number)
            report = publisher.close(timeout_s=60.0)
    except EngineError as error:
        print(f"error: {error}", file=sys.stderr)
        return int(error.code)
    print(json.dumps(report.as_json()))
    return 0 if report.complete else 1


if __name__ == "__main__":
    sys.exit(main())
