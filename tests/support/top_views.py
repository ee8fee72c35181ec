"""Views to draw: what a demo looks like in the middle, and what an unhappy night looks like."""

from __future__ import annotations

import math

from streams.monitoring.top.view import BudgetRow, QualityPoint, Quantiles, ShardRow, TriggerRow, View, WorkerRow

DAY = 86_400_000
NOVEMBER = 879_897_600_000  # 1997-11-19
NOW = 1_764_000_000_000

DEMO = View(
    title="retention demo · CDNOW",
    at=NOW,
    time=NOVEMBER,
    events=55_633,
    rate=926.4,
    rates=tuple(400.0 + 300 * math.sin(n / 5) + 40 * (n % 7) for n in range(90)),
    goal=69_659,
    triggers=31_207,
    lag=14_026,
    outbox=1_234,
    due=345,
    commits=Quantiles(0.042, 0.18, 300, 10.0, 60.0),
    bands={"prospect": 0, "safe": 2_796, "watch": 1_732, "at_risk": 2_254, "lapsed": 16_788, "erased": 0},
    quality={"labels": 30_409.0, "auc": 0.616, "log_loss": 0.667, "churn_rate": 0.71, "mean_predicted": 0.67},
    history=tuple(
        QualityPoint(NOVEMBER - (40 - n) * 7 * DAY, 100 + 700 * n, 0.5 + 0.116 * n / 40, 0.693 - 0.026 * n / 40)
        for n in range(41)
    ),
    version=NOVEMBER,
    partitions=4,
    mode="replay",
    shards=tuple(ShardRow(n, 3_500 + n, 300 + n, 80 + n, NOVEMBER, "working") for n in range(4)),
    workers=(WorkerRow("127.0.0.1:40077", True, True, True, (), (0, 1, 2, 3), 55_633, 231_000_000),),
    latest=tuple(
        TriggerRow(
            NOVEMBER - DAY * (30 - n),
            f"{23390 + n}",
            "win_back",
            "email",
            0.81 + n / 1000,
            ("silent 152 days, usually buys every 29 days", "hardly bought of late", "bought more than once"),
            NOVEMBER - DAY * (27 - n),
        )
        for n in range(30)
    ),
    fresh=3,
)

NIGHT = View(
    title="retention top · retention",
    at=NOW,
    time=NOW - 185_000,
    events=1_234_567,
    rate=0.0,
    rates=(1_800.0,) * 30 + (0.0,) * 30,
    triggers=812,
    duplicates=17,
    dead=3,
    lag=345_678,
    outbox=20_001,
    latency=Quantiles(0.024, math.inf, 812, 3600.0, None),
    bands={"prospect": 5, "safe": 120_000, "watch": 30_000, "at_risk": 9_000, "lapsed": 400, "erased": 2},
    version=None,
    partitions=8,
    mode="live",
    shards=(
        ShardRow(0, 120_000, 20_001, None, NOW - 185_000, "waiting", "store: Redis does not answer"),
        ShardRow(3, 225_678, 0, None, NOW - 184_000, "working"),
        ShardRow(4, 0, 0, None, NOW, "idle", "old reason"),
    ),
    workers=(
        WorkerRow(
            "10.0.0.5:9100",
            True,
            True,
            False,
            ("shard 0 stands still for 185 s: store: Redis does not answer", "the learner stands still: its state"),
            (0, 3, 4),
            1_234_567,
            None,
        ),
        WorkerRow("10.0.0.6:9100", False, why=("nothing listens there (connection refused)",)),
    ),
    decided={"triggered": 812, "waits": 1_900},
    held={"hours": 1_400, "budget": 500},
    budgets=(BudgetRow("gifts", 300, 300, 41), BudgetRow("letters", 9_000, 1_250, 0)),
    alarms={"arrivals": (0, 4)},
    triggers_trouble="connecting to 10.0.0.7:9092: no broker answers",
)
