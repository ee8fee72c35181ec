"""`retention upgrade check`: what this release makes of what is stored, before its workers start."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import click

from streams.cli.options import configured, echo, echo_json, json_option, quiet_libraries
from streams.cli.progress import JobWatch
from streams.config import Config
from streams.text import moment

LABELS, MINUTES = 10_000, 30.0
WORDS = {"ok": "ok", "will_relearn": "will relearn", "refused": "refused"}


@click.group()
def upgrade() -> None:
    """What the release that is installed here makes of what another one has stored.

    \b
    Examples:
      retention upgrade check
    """


@upgrade.command()
@click.option(
    "--predictions",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="learn the examples anew in memory and compare; auto: where this release learns otherwise",
)
@click.option(
    "--examples",
    type=click.IntRange(1, 1_000_000),
    default=LABELS,
    show_default=True,
    metavar="N",
    help="compare on so many of the newest labels",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=MINUTES,
    show_default=True,
    metavar="N",
    help="learn for so long at most",
)
@json_option("the result as one JSON object")
@configured("mode", "redis_cluster", "write_format")
def check(config: Config, predictions: Any, examples: int, minutes: float, as_json: bool) -> None:
    """Check whether workers of this release can go on from what is stored, and what changes in their predictions.

    Run it with the new release and the workers' settings. Writes nothing; workers may run. Exits with 0 when workers of
    this release start and go on, else with the code with which they would end.

    \b
    Examples:
      retention upgrade check
      retention upgrade check --predictions always --examples 50000
      retention upgrade check --json | jq '.checks[] | select(.status != "ok")'
    """
    quiet_libraries()
    from streams.bootstrap.upgrade import check_upgrade  # loads River
    from streams.operations.upgrade.run import Wanted, as_data

    view = _View()
    found = as_data(check_upgrade(config, Wanted(predictions, examples, minutes * 60), view.works, view.waits))
    if as_json:
        echo_json({"app": config.app, **found})
    else:
        for line in lines(found):
            echo(line)
    sys.exit(found["exit_code"])


class _View(JobWatch):
    """Of examples learned."""

    def works(self, boundary: int | None, learned: int) -> None:
        at = "the beginning" if boundary is None else moment(boundary)
        self.shows(f"learned {learned:,} examples, at {at}")


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The result for people."""
    width = max(len(one["check"]) for one in found["checks"])
    for one in found["checks"]:
        yield f"{WORDS[one['status']]:12}  {one['check']:{width}}  {one['text']}"
        if one["remedy"]:
            yield f"{'':12}  {'':{width}}  remedy: {one['remedy']}"
    if (source := found["relearn_from"]) is not None:
        yield ""
        yield f"versions can be learned again from {_source(source)}"
    if (told := found["predictions"]) is not None:
        yield ""
        yield from _predictions(told)
    yield ""
    code = found["exit_code"]
    yield (
        "workers of this release can start"
        if not code
        else f"workers of this release would not go on: exit code {code}"
    )


def _source(source: Mapping[str, Any]) -> str:
    begin = "the first example on" if source["whole"] else "what is left of the examples on"
    offsets = ", ".join(f"{shard}: {offset:,}" for shard, offset in source["example_offsets"].items())
    kept = source["kept_start"]
    ours = "" if kept is None else f"the start kept at {moment(kept)} on, else from "
    return f"{ours}{begin} (offsets {offsets})"


def _predictions(told: Mapping[str, Any]) -> Iterator[str]:
    before = "the untrained model" if told["version"] is None else f"the version of {moment(told['version'])}"
    at = "nothing" if told["boundary"] is None else f"{told['learned']:,} examples, up to {moment(told['boundary'])}"
    yield f"in force: {before}; learned anew by this release: {at}"
    if told["stopped"]:
        yield "the time was over before it had come as far: this is not the version that will take over (--minutes)"
    elif told["until"] is not None and (told["boundary"] is None or told["boundary"] < told["until"]):
        yield "the examples end before that: this is not the version that will take over"
    if not told["scored"]:
        yield f"the version in force can't be scored by this release ({told['why_not']}): only the new side is given"
    compared = told["compared"]
    if compared is None:
        yield "no label of churn is known by then: nothing can be compared"
        return
    yield (
        f"on the newest {compared['labels']:,} labels of {compared['customers']:,} customers, known from "
        f"{moment(compared['first'])} to {moment(compared['last'])}; churned: {compared['churn_rate']:.1%}"
    )
    threshold, customers = compared["threshold"], compared["customers"]
    for name, side in (("in force", compared["in_force"]), ("relearned", compared["relearned"])):
        if side is not None:
            yield (
                f"  {name:9}  log-loss {side['log_loss']:.4f}, mean probability {side['mean']:.4f}, "
                f"at or over {threshold:g}: {side['over'] / customers:.1%} of the customers"
            )
    if compared["difference"] is not None:
        yield (
            f"  the probability differs by {compared['difference']:.4f} in the mean; {compared['newly_over']:,} "
            f"customers would newly cross {threshold:g}, {compared['no_longer_over']:,} no longer"
        )
    if (foretold := compared["foretold"]) is not None:
        yield (
            f"  foretold, before the label was known, of {foretold['labels']:,}: log-loss "
            f"{foretold['in_force']:.4f} by what decided then, {foretold['relearned']:.4f} by this release"
        )
    both = compared["in_force"] is not None
    learned = "both versions have learned these labels, so either" if both else "it has learned these labels, so its"
    yield (
        f"  {learned} log-loss flatters; only what was foretold is a forecast. Customers are as they were when the "
        "label was asked for, a horizon before, not as they are now"
    )
