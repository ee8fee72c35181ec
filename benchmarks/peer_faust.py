"""The peer: what a good Faust user would write for this job, one event at a time. FROZEN.

This file is the yardstick of `ratio_to_idiomatic_faust`. It changes only with a line in CHANGELOG.md, or figures of
different releases can't be compared.

The same job in the idiom of Faust's documentation: JSON decode, one HGETALL, features, River's
`StandardScaler | LogisticRegression` (predict_proba_one and learn_one), one HSET, and a message for every customer
whose risk crosses the threshold. Tuned as such a user would tune it: uvloop, raw serialisers, no sensors, no tables, no
web server, large fetches, a producer that lingers, a typed decoder (msgspec), hiredis, one connection.

What it leaves out, and the engine does: exactly once (it is at least once, a crash learns and counts twice), records of
bounded size, silence (nobody is looked at between events), labels that wait for their outcome, deterministic replay,
dead letters.

Run by benchmarks/baselines.py with its settings in the environment; writes PEER_RESULT when PEER_EVENTS are processed.
"""

from __future__ import annotations

import logging
import math
import os
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import faust
import msgspec
import redis.asyncio
import uvloop
from faust.sensors import Sensor
from river import linear_model, optim, preprocessing

HORIZON_DAYS = 28.0
THRESHOLD = 0.8
DAY_S = 86_400.0

ENGAGEMENT = {"visit", "search", "content_viewed", "message_opened", "message_clicked", "event_attended"}
CONVERSATION = {"presence", "chat", "shared", "call", "email_received", "reply_sent"}
SERVICE = {"case_opened", "case_updated", "case_resolved", "complaint", "csat", "nps"}


Customer = dict[str, Any]
"""A customer's hash: text from Redis, numbers where just changed; `float` takes both."""


class NoMonitor(Sensor):
    """Faust's monitor keeps statistics per event; this one keeps none."""

    stream_inbound_time: dict[Any, float] = {}  # noqa: RUF012 - read by Faust, never written

    def track_tp_end_offset(self, tp: Any, offset: int) -> None:
        """Nothing."""

    def on_tp_commit(self, tp_offsets: Any) -> None:
        """Nothing."""


class Touchpoint(msgspec.Struct, gc=False):
    """What is read of an event. `subject` is the customer; the engine's own clock records have none."""

    id: str
    type: str
    time: datetime
    data: dict[str, Any]
    subject: str = ""


decode = msgspec.json.Decoder(Touchpoint).decode

app = faust.App(
    "peer",
    broker="kafka://" + os.environ.get("PEER_BROKER", "127.0.0.1:9092"),
    key_serializer="raw",
    value_serializer="raw",
    Monitor=NoMonitor,
    web_enabled=False,
    topic_disable_leader=True,
    table_standby_replicas=0,
    datadir=os.environ.get("PEER_DIRECTORY", "peer-data"),
    consumer_auto_offset_reset="earliest",
    consumer_max_fetch_size=4 << 20,
    broker_max_poll_records=1_000,
    broker_commit_interval=1.0,
    stream_wait_empty=False,
    producer_linger=0.005,
    producer_max_batch_size=256 << 10,
    producer_acks=-1,
)
touchpoints = app.topic(os.environ.get("PEER_TOPIC", "retention.touchpoints"), key_type=bytes, value_type=bytes)
triggers = app.topic(os.environ.get("PEER_TRIGGERS", "peer.triggers"), key_type=bytes, value_type=bytes)
store: Any = redis.asyncio.Redis.from_url(
    os.environ.get("PEER_REDIS", "redis://127.0.0.1:6379/0"),
    decode_responses=True,
    single_connection_client=True,
    protocol=2,
)
model = preprocessing.StandardScaler() | linear_model.LogisticRegression(optim.SGD(0.01))


def features(customer: Customer, now: float) -> dict[str, float]:
    """Features of a customer as stored, at `now` (seconds)."""
    count = float(customer.get("count", 0))
    purchases = float(customer.get("purchases", 0))
    first = float(customer.get("first", now))
    gap = float(customer.get("gap", HORIZON_DAYS))
    silent = (now - float(customer.get("bought", now))) / DAY_S
    return {
        "silent": math.log1p(max(silent, 0.0)),
        "overdue": silent / (gap + 1.0),
        "tenure": math.log1p(max(now - first, 0.0) / DAY_S),
        "count": math.log1p(count),
        "purchases": math.log1p(purchases),
        "gap": math.log1p(gap),
        "spent": math.log1p(float(customer.get("spent", 0.0)) / max(purchases, 1.0)),
        "engagement": math.log1p(float(customer.get("engagement", 0.0))),
        "conversation": math.log1p(float(customer.get("conversation", 0.0))),
        "service": math.log1p(float(customer.get("service", 0.0))),
        "sentiment": float(customer.get("sentiment", 0.0)),
        "rating": float(customer.get("rating", 0.0)),
    }


def updated(customer: Customer, touch: Touchpoint, now: float) -> Customer:
    """The fields of the customer's hash that this touchpoint changes."""
    data = touch.data
    change: Customer = {
        "id": touch.id,
        "count": float(customer.get("count", 0)) + 1.0,
        "last": max(now, float(customer.get("last", now))),
    }
    if "first" not in customer:
        change["first"] = now
    if touch.type == "purchase":
        change["purchases"] = float(customer.get("purchases", 0)) + 1.0
        change["spent"] = float(customer.get("spent", 0.0)) + data["amount"]
        if "bought" in customer:
            gap, seen = (now - float(customer["bought"])) / DAY_S, float(customer.get("gap", HORIZON_DAYS))
            change["gap"] = seen + 0.3 * (gap - seen)
        change["bought"] = now
    elif touch.type in ENGAGEMENT:
        change["engagement"] = 0.98 * float(customer.get("engagement", 0.0)) + 1.0
    elif touch.type in CONVERSATION:
        change["conversation"] = 0.98 * float(customer.get("conversation", 0.0)) + 1.0
    elif touch.type in SERVICE:
        change["service"] = 0.98 * float(customer.get("service", 0.0)) + 1.0
    if data.get("sentiment") is not None:
        sentiment = float(customer.get("sentiment", 0.0))
        change["sentiment"] = sentiment + 0.2 * (data["sentiment"] - sentiment)
    if touch.type == "review":
        change["rating"] = float(data["rating"])
    return change


def from_history(purchases_s: list[float]) -> Customer:
    """The hash of a customer of whom only purchases are known, by time in seconds: the warm start."""
    gaps = [(later - earlier) / DAY_S for earlier, later in pairwise(purchases_s)]
    return {
        "count": float(len(purchases_s)),
        "purchases": float(len(purchases_s)),
        "spent": 40.0 * len(purchases_s),
        "first": purchases_s[0],
        "last": purchases_s[-1],
        "bought": purchases_s[-1],
        "gap": sum(gaps) / len(gaps) if gaps else HORIZON_DAYS,
    }


class Progress:
    """Counts events and takes the time from the first to the last."""

    def __init__(self) -> None:
        self.events = self.duplicates = self.sent = 0
        self.wanted = int(os.environ.get("PEER_EVENTS", "0"))
        self.began = self.cpu = 0.0

    def first(self) -> None:
        self.began, self.cpu = time.time(), time.process_time()

    def one(self) -> None:
        self.events += 1
        if self.events == self.wanted:
            now = time.time()
            result = {
                "events": self.events,
                "duplicates": self.duplicates,
                "triggers": self.sent,
                "began": self.began,
                "ended": now,
                "cpu_s": time.process_time() - self.cpu,
            }
            path = Path(os.environ.get("PEER_RESULT", "peer.json"))
            partial = path.with_suffix(".partial")
            partial.write_bytes(msgspec.json.encode(result))
            partial.rename(path)


progress = Progress()


@app.agent(touchpoints)
async def retain(stream: Any) -> None:
    """One touchpoint after the other: load, learn, predict, store, send."""
    async for value in stream:
        touch = decode(value)
        if not touch.subject:
            continue
        if not progress.began:
            progress.first()
        key = "peer:" + touch.subject
        customer: Customer = await store.hgetall(key)
        if customer.get("id") == touch.id:
            progress.duplicates += 1
            progress.one()
            continue
        now = touch.time.timestamp()
        if "bought" in customer:
            # What is known now, learned with what was known before: has the customer stopped buying?
            churned = now - float(customer["bought"]) > HORIZON_DAYS * DAY_S
            model.learn_one(features(customer, float(customer["last"])), churned)
        change = updated(customer, touch, now)
        risk = model.predict_proba_one(features({**customer, **change}, now))[True]
        change["risk"] = risk
        await store.hset(key, mapping=change)
        if risk >= THRESHOLD > float(customer.get("risk", 0.0)):
            progress.sent += 1
            trigger = {"type": "trigger", "customer": touch.subject, "probability": risk, "opener": touch.id}
            await triggers.send(key=touch.subject.encode(), value=msgspec.json.encode(trigger))
        progress.one()


if __name__ == "__main__":
    logging.basicConfig(level="WARNING")
    uvloop.install()
    app.Worker(loglevel="WARNING", quiet=True, override_logging=False).execute_from_commandline()
