"""Plots of what policies would have done: contacts over time, per customer, after the last purchase, and the gates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from models.settings import DAY, WEEK
from models.simulation.policy_tally import Tally
from streams.history.evaluation.plots import axes_of, save


def draw(folder: Path, found: Mapping[str, Tally]) -> list[Path]:
    """Write contacts.png, per_customer.png, since_purchase.png and gates.png into `folder`; gives their paths.

    The first of `found` is the policy in question: contacts over time and gates are its own, the others are drawn for
    both."""
    name, tally = next(iter(found.items()))
    figure, axes = axes_of(f"Contacts by week: {name}", "", "triggers")
    weeks = Counter((one.action, one.time // WEEK) for one in tally.sent)
    span = range(min((week for _, week in weeks), default=0), max((week for _, week in weeks), default=0) + 1)
    days = [datetime.fromtimestamp(week * WEEK / 1000, UTC) for week in span]
    for action in sorted({action for action, _ in weeks}):
        axes.plot(days, [weeks[action, week] for week in span], label=action)
    if weeks:
        axes.legend(frameon=False)
    paths = [save(figure, folder / "contacts.png")]

    figure, axes = axes_of("Contacts per customer who is touched", "contacts", "customers with so many and more")
    for label, one in found.items():
        counts = np.bincount(list(Counter(sent.customer for sent in one.sent).values()), minlength=2)
        axes.plot(np.arange(1, len(counts)), counts[::-1].cumsum()[::-1][1:], marker="o", label=label)
    axes.set_ylim(bottom=0)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(frameon=False)
    paths.append(save(figure, folder / "per_customer.png"))

    figure, axes = axes_of("How long after the last purchase", "days since the last purchase", "share of triggers")
    for label, one in found.items():
        silences = np.sort(np.array([sent.silence for sent in one.sent if sent.silence is not None], np.int64)) / DAY
        axes.plot(silences, np.arange(1, len(silences) + 1) / max(len(silences), 1), label=label)
    axes.legend(frameon=False)
    paths.append(save(figure, folder / "since_purchase.png"))

    figure, axes = axes_of(f"What gates held back: {name}", "candidates", "")
    gates = sorted(tally.funnel.gates.items(), key=lambda item: item[1].candidates)
    axes.barh([code for code, _ in gates], [gate.candidates for _, gate in gates], color="0.8", label="with others")
    axes.barh([code for code, _ in gates], [gate.alone for _, gate in gates], label="alone")
    axes.legend(frameon=False)
    paths.append(save(figure, folder / "gates.png"))
    return paths
