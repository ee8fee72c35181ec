"""What a churn model learns where customers are treated: bias against the exact risk of who is left alone.

python -m benchmarks.choice_treated             # six logs of 2,500 customers: some minutes
python -m benchmarks.choice_treated --logs 2

In the world of `benchmarks.choice_world` a twentieth of the customers is control; a draw holds out at a fixed chance or
treats. A logistic regression learns of each customer and week whether a purchase comes in the eight weeks after; a
complementary log-log one whether it comes in the week after: by the engine's own rule and learners
(`models.decisions.treated`, `models.churn.newton`). They are judged on others of whom nobody is treated, whose risk is
known exactly.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from statistics import mean, stdev
from typing import Final, NamedTuple

import numpy as np

from benchmarks.choice_episodes import Flags, Floats, Whole
from benchmarks.choice_world import ENTER, FEATURES, WINDOW, Effects, World
from models.churn.newton.classifiers import NewtonCloglog, NewtonLogistic
from models.customer.layout import BASIS
from models.decisions.draw import ONE
from models.decisions.treated import Treated, after_draw, weighed
from models.decisions.window import Mark
from models.decisions.window import Window as Opened
from models.features.basis import RECENCY_COLUMN
from models.learning.weights import weight_of
from models.outputs import Example
from models.settings import WEEK

CUSTOMERS, WEEKS, CONTROL, SILENT = 2_500, 78, 0.05, 16
FIRST_SEED: Final = 301
LEARNED: Final = ("treated as if untreated", "treated left out, unweighted", "left out, weighted")


class Log(NamedTuple):
    """Snapshots: features, what came (no purchase in the window), how often each counts by the rule, and the estimate
    that decides about contact. truth: the exact chance, where nobody is treated."""

    features: Floats
    gone: Flags
    weights: Floats
    risk: Floats
    truth: Floats


class Bias(NamedTuple):
    """Mean of estimate less truth: of all, below the threshold, above it; and the log-loss against the truth."""

    everywhere: float
    below: float
    above: float
    loss: float


def log_of(seed: int, effects: Effects, hold_out: float | None, weeks: int) -> Log:
    """hold_out: None: nobody is treated. weeks: of a snapshot's window."""
    world, rng = World(seed, CUSTOMERS, WEEKS, effects), np.random.default_rng([seed, 9])
    control = rng.random(CUSTOMERS) < CONTROL
    treated: list[Treated | None] = [None] * CUSTOMERS
    taken: list[tuple[int, Whole, Floats, Floats, Floats]] = []
    rows: list[Log] = []
    silences_at: dict[int, Floats] = {}
    bought: list[Flags] = []
    for opened in world.weeks():
        silences = world.silences()
        bought.append(silences == 0)
        while taken and len(bought) - taken[0][0] == weeks:
            begun, at, features, risk, truth = taken.pop(0)
            gone = ~np.any(bought[begun:], axis=0)[at]
            silent = silences_at[begun]
            weights = [_weight(treated[one], begun, weeks, silent[one]) for one in at.tolist()]
            rows.append(Log(features, gone, np.array(weights), risk, truth))
        now = len(bought)
        silences_at[now] = silences
        if world.week <= WEEKS:
            at, features, risk = world.seen(SILENT)
            taken.append((now, at, features, risk, world.lost(at, weeks)))
        action = np.zeros(len(opened), dtype=np.int64)
        if hold_out is not None:
            best = 1 + np.argmax(np.where(opened.eligible, opened.truth, -np.inf)[:, 1:], axis=1)
            alone = np.where(opened.eligible[:, 1:].any(axis=1), hold_out, 1.0)
            does = rng.random(len(opened)) >= alone
            action = np.where(does & ~control[opened.customers], best, 0)
            for one, done, chance in zip(opened.customers.tolist(), does.tolist(), alone.tolist(), strict=True):
                marks = Mark.CONTROL if control[one] else 0
                window = Opened(0, now * WEEK, (now + WINDOW) * WEEK, 0, 0.0, 0.0, int(done), ((1, 1),), marks)
                last = int(now - silences[one]) * WEEK
                treated[one] = after_draw(treated[one], window, int(chance * ONE), last, CONTROL, WINDOW * WEEK)
        world.act(opened, action)
    return Log(*(np.concatenate(column) for column in zip(*rows, strict=True)))


def _weight(treated: Treated | None, begun: int, weeks: int, silence: float) -> float:
    basis = np.zeros(BASIS, dtype="<f2")
    basis[RECENCY_COLUMN] = 7.0 * silence + 0.5  # a purchase is some time in its week
    of = weighed(treated, begun * WEEK, weeks * WEEK, basis.view("<u2").tolist())
    return weight_of(Example("", "", 0, 0, b"", False, None, b"", None, *of))


def biases(job: tuple[int, Effects, float, int]) -> dict[str, Bias]:
    """What is learned of one log in each way, judged on a log of others of whom nobody is treated."""
    seed, effects, hold_out, weeks = job
    log, judge = log_of(seed, effects, hold_out, weeks), log_of(seed + 1_000, effects, None, weeks)
    ones = np.ones(len(log.gone))
    ways = (ones, (log.weights > 0.0).astype(np.float64), log.weights)
    found = {name: _judged(log, weights, judge, weeks) for name, weights in zip(LEARNED, ways, strict=True)}
    alone = log_of(seed, effects, None, weeks)
    found["nobody treated"] = _judged(alone, np.ones(len(alone.gone)), judge, weeks)
    return found


def _judged(log: Log, weights: Floats, judge: Log, weeks: int) -> Bias:
    learner = NewtonLogistic() if weeks > 1 else NewtonCloglog()
    learner.bind(FEATURES[1:])
    mine = weights > 0.0
    came = log.gone if weeks > 1 else ~log.gone
    learner.learn_rows(log.features[mine, 1:], came[mine], None, weights[mine])
    eta = learner.linear_rows(judge.features[:, 1:])
    p = 1.0 / (1.0 + np.exp(-eta)) if weeks > 1 else np.exp(-np.exp(eta))
    p = np.clip(p, 1e-6, 1.0 - 1e-6)
    off, above = p - judge.truth, judge.risk > ENTER
    loss = -(judge.truth * np.log(p) + (1.0 - judge.truth) * np.log(1.0 - p))
    return Bias(float(off.mean()), float(off[~above].mean()), float(off[above].mean()), float(loss.mean()))


CASES: Final[tuple[tuple[str, Effects, float, int], ...]] = (
    ("8 weeks, hold-out .10, wise actions", "full", 0.10, WINDOW),
    ("8 weeks, hold-out .05, wise actions", "full", 0.05, WINDOW),
    ("8 weeks, hold-out .10, actions that harm", "negative", 0.10, WINDOW),
    ("1 week, hold-out .05, wise actions", "full", 0.05, 1),
)


def table(logs: int, processes: int) -> Iterator[str]:
    """As Markdown."""
    yield "| label, treatment | learned from | bias, all | below the threshold | above it | log-loss |"
    yield "|---|---|---|---|---|---|"
    with ProcessPoolExecutor(processes) as pool:
        for case, effects, hold_out, weeks in CASES:
            jobs = [(FIRST_SEED + number, effects, hold_out, weeks) for number in range(logs)]
            found = list(pool.map(biases, jobs))
            for way in found[0]:
                columns = zip(*(one[way] for one in found), strict=True)
                shown = [_shown(column, place < 3) for place, column in enumerate(columns)]
                yield f"| {case} | {way} | {' | '.join(shown)} |"


def _shown(values: Sequence[float], with_error: bool) -> str:
    text = f"{mean(values):.4f}"
    if with_error and len(values) > 1:
        text += f" ±{stdev(values) / len(values) ** 0.5:.4f}"
    return text.replace("-", "−")


def main(arguments: Sequence[str] | None = None) -> None:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--logs", type=int, default=6)
    made.add_argument("--processes", type=int, default=2)
    told = made.parse_args(arguments)
    for line in table(told.logs, told.processes):
        print(line, flush=True)


if __name__ == "__main__":
    main()
