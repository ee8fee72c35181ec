"""`retention evaluate` says of a log what live workers say of it, to the last bit: what was measured is what runs.

A record keeps probabilities as float32; so do the examples, which are read from records.
"""

from __future__ import annotations

import csv
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest

from models.customer.layout import LAST_PURCHASE, RISK
from models.customer.record import unpack
from models.outputs import CHURNED, Example, Watermark
from models.simulation.evaluation import Predictions, evaluate
from streams.history.evaluation.outcomes import Signs
from streams.history.evaluation.settings import as_evaluation, evaluation
from streams.history.events import log_events
from streams.history.replay import logs, tape
from tests.integration.cli.conftest import run
from tests.support.servers import ApacheKafka
from tests.support.world import Raw
from tests.support.world_fixtures import MakeWorld

PARTITIONS = 3


def _write(path: Path, customers: int, weeks: int) -> None:
    """Buyers of many paces, half of whom stop on the way; returns, campaigns, coupons and visits beside purchases."""
    draw = random.Random(11)
    start = datetime(2024, 3, 4, tzinfo=UTC)
    rows = []

    def moment(day: float) -> str:
        return f"{start + timedelta(days=day):%Y-%m-%dT%H:%M:%SZ}"

    for number in range(customers):
        day, gap = draw.uniform(0, 3 * weeks), draw.uniform(2, 25)
        stop = draw.uniform(0.2, 0.9) * 7 * weeks if number % 2 else 7 * weeks
        while day < stop:
            at = moment(day)
            rows.append((at, f"c{number}", "purchase", round(draw.uniform(5, 90), 2), draw.randint(1, 5)))
            if draw.random() < 0.2:
                rows.append((at, f"c{number}", draw.choice(["return", "campaign_received", "coupon_redeemed"]), 5, 1))
            for _ in range(draw.choice([0, 0, 1, 3])):
                rows.append((moment(day + draw.uniform(0, gap)), f"c{number}", "visit", "", ""))
            day += gap * draw.lognormvariate(0, 0.4)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("ts", "customer_id", "type", "amount", "qty"))
        writer.writerows(sorted(rows))


@pytest.mark.slow
def test_evaluation_and_two_live_workers_give_the_same_probabilities_to_the_bit(
    kafka: ApacheKafka, make_world: MakeWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.csv"
    _write(path, customers=150, weeks=30)
    events = log_events(str(path))
    assert sum(b'"type":"visit"' in event.value for event in events) > 500
    world = make_world(kafka, partitions=PARTITIONS, **evaluation(7.0, events[0].time))
    signs = Signs(events, world.config.engine())
    assert signs.first is not None
    settings = as_evaluation(world.config, signs.first).engine()
    assert settings == world.config.engine(), "the workers run with the settings of the evaluation"

    told: list[Predictions] = []
    evaluate(
        logs(tape(events, PARTITIONS, settings), PARTITIONS), settings, told.append, world.config.topic("touchpoints")
    )
    evaluated = {
        (customer.decode(), prediction.tick): probability
        for prediction in told
        for customer, probability in zip(prediction.customers, prediction.probabilities.tolist(), strict=True)
    }

    log: list[list[Raw]] = [[] for _ in range(PARTITIONS)]
    for entry in tape(events, PARTITIONS, settings):
        log[entry.partition].append((entry.key, entry.value, entry.time))
    world.run(log, workers=2)
    live = {
        (example.customer, example.observed_at): example.predicted
        for partition in world.read("examples")["examples"]
        for record in partition
        if isinstance(example := msgspec.json.decode(record.value, type=Example | Watermark), Example)
        and example.kind == CHURNED
    }
    assert len(live) > 500
    assert live == {place: float(np.float32(evaluated[place])) for place in live}, "as of every snapshot"

    last = told[-1]
    scored = 0
    for shard in range(PARTITIONS):
        for customer, value in world.records(shard).items():
            record = unpack(customer, value)
            lapsed = last.tick - record.times[LAST_PURCHASE] > settings.silence  # scored no more
            if (customer.decode(), last.tick) in evaluated and not lapsed:
                scored += 1
                assert record.numbers[RISK] == np.float32(evaluated[customer.decode(), last.tick]), customer
    assert scored > 70, "as of the last tick"

    for name, value in world.settings.items():
        monkeypatch.setenv(f"RETENTION_{name.upper()}", str(value))
    result = run("evaluate", str(path), "--out", str(tmp_path / "predictions.csv"))
    assert result.exit_code == 0, result.output
    with (tmp_path / "predictions.csv").open() as file:
        rows = [(row["customer_id"], row["tick"], row["probability"]) for row in csv.DictReader(file)]
    assert rows == [
        (customer, f"{datetime.fromtimestamp(tick / 1000, UTC):%Y-%m-%d}", f"{min(max(p, 1e-4), 1 - 1e-4):.6f}")
        for (customer, tick), p in evaluated.items()
        if tick >= settings.anchor + settings.tick
    ]
