"""`retention models`, `models promote` and `models unpin`: champion and challengers, and an operator's choice."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from streams.cli.options import configured, echo, echo_json, json_option, quiet_libraries
from streams.config import Config
from streams.operations.redis_access import store_of
from streams.text import moment

if TYPE_CHECKING:
    from streams.operations.champion import Choice, Standing

HEAD = (
    "",
    "model",
    "log-loss",
    "AUC",
    "Brier",
    "predicted",
    "churned",
    "drifts of loss",
    "of calibration",
    "better by",
)


class ShownFirst(click.Group):
    """A group that shows where no command of it is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["show", *args]
        return super().parse_args(ctx, args)


@click.group(cls=ShownFirst)
def models() -> None:
    """Which churn model decides, how good each one is, and an operator's word in it.

    All models learn the same outcomes; one of them, the champion, decides. A challenger takes its place when there is
    evidence that it is better, or when an operator says so: `promote` also pins, and evidence decides again after
    `unpin`. Without a command: `show`.

    \b
    Examples:
      retention models
      retention models promote adagrad --by ada
      retention models unpin
    """


@models.command()
@json_option("one JSON object")
@configured("redis_cluster")
def show(config: Config, as_json: bool) -> None:
    """Show champion and challengers as of the newest model version: quality, calibration, drift, evidence. Under a
    policy with a learned choice also what is known of each action, and which one is stopped.

    \b
    Examples:
      retention models
      retention models --json | jq .champion
    """
    quiet_libraries()
    from streams.operations.champion import as_data

    data = as_data(config.app, asyncio.run(_standing(config)))
    if as_json:
        echo_json(data)
    else:
        for line in lines(data):
            echo(line)


@models.command()
@click.argument("name")
@click.option("--by", metavar="WHO", help="who chooses; kept in the record")
@json_option("one JSON object")
@configured("redis_cluster")
def promote(config: Config, name: str, by: str | None, as_json: bool) -> None:
    """Make a model the champion and pin it: it decides from the next model version on, until `unpin` or another choice.

    Writes a record to the touchpoints log, in partition 0, so that a replay of the log decides the same.

    \b
    Examples:
      retention models promote adagrad
      retention models promote mixture --by ada
    """
    written = _written(config, name, by)
    if as_json:
        echo_json(_as_json(config, name, written))
    else:
        echo(f"{name} is champion from the first model version after {_where(written)}, and pinned")


@models.command()
@click.option("--by", metavar="WHO", help="who chooses; kept in the record")
@json_option("one JSON object")
@configured("redis_cluster")
def unpin(config: Config, by: str | None, as_json: bool) -> None:
    """Let evidence decide again; the champion stays until it does.

    \b
    Examples:
      retention models unpin
    """
    written = _written(config, None, by)
    if as_json:
        echo_json(_as_json(config, None, written))
    else:
        echo(f"evidence decides from the first model version after {_where(written)}")


def _written(config: Config, name: str | None, by: str | None) -> Choice:
    quiet_libraries()
    from streams.operations.champion import chosen  # loads River

    return asyncio.run(chosen(config, name, by))


async def _standing(config: Config) -> Standing:
    from streams.operations.champion import standing  # loads River

    async with store_of(config) as store:
        return await standing(store, config.app)


def _as_json(config: Config, name: str | None, written: Choice) -> dict[str, Any]:
    return {"model": name, "pinned": name is not None, "topic": config.topic("touchpoints"), **written._asdict()}


def _where(written: Choice) -> str:
    return f"{moment(written.time)} of log time (partition {written.partition}, offset {written.offset})"


def lines(data: Mapping[str, Any]) -> Iterator[str]:
    """The same for people."""
    promotion = data["promotion"]
    since = "from the beginning"
    if promotion is not None:
        since = f"since {moment(promotion['boundary'])}, after {promotion['former']}, chosen by {promotion['by']}"
    yield f"champion: {data['champion']}, {since}{', pinned' if data['pinned'] else ''}"
    if data["version"] is None:
        yield f"no model version has been published yet; learning: {', '.join(data['models'])}"
        return
    labels = max((model["labels"] for model in data["models"].values()), default=0)
    if data["relearning"] is not None:
        yield data["relearning"]["text"]
    yield f"version of {moment(data['version'])}, {labels:,} labels predicted, promotions: {data['promotions']:,}"
    yield ""
    yield from _table([HEAD, *(_row(name, model) for name, model in data["models"].items())])
    groups = list(dict.fromkeys(group for model in data["models"].values() for group in model["groups"]))
    if groups:
        yield ""
        yield "predicted risk less churn rate, by the customers' tenure and value (labels)"
        yield from _table([("", "model", *groups), *(_biases(name, m, groups) for name, m in data["models"].items())])
    yield from _actions(data)


def _actions(data: Mapping[str, Any]) -> Iterator[str]:
    """The actions for people; nothing where none is learned of."""
    if not data["actions"]:
        return
    yield ""
    yield "effect of each action for a usual customer, percent of the value at stake; contacts, and how many are over"
    rows: list[tuple[str, ...]] = [("", "action", "effect", "±", "contacts", "over", "")]
    for one in data["actions"]:
        told = "" if one["learned"] else "nothing is learned of it yet: the policy's figure"
        if one["stopped"]:
            told = "stopped: it does harm more often than is tolerated"
        figures = (f"{100 * one['effect']:+.2f}", f"{100 * one['sd']:.2f}", f"{one['opened']:,}", f"{one['matured']:,}")
        rows.append(("!" if one["stopped"] else "", one["action"], *figures, told))
    yield from _table(rows)
    if (choice := data["choice"]) is not None:
        yield ""
        yield from _choice(choice)


def _choice(choice: Mapping[str, Any]) -> Iterator[str]:
    """The learned choice as a whole, for people."""
    if (share := choice["unproven_share"]) is not None:
        yield f"contact that is not proven would have had a chance of {share:.2f} in the draws of the last price step"
    held = "" if choice["settled"] else "; every draw is held to its share as well, until that price has settled"
    yield f"it must bring {choice['unproven_price']:,.2f} beside its cost{held}"
    for one in choice["budgets"]:
        part = one["wanted"]
        last = "" if part is None else f"; the last price step's draws wanted {100 * part:,.0f} % of what one may take"
        yield f"a unit of budget {one['budget']} must bring {one['price']:,.4g} beside the cost{last}"
    launched = "open to everybody" if choice["launched"] else "open to the policy's `launch` until 2,000"
    yield f"{choice['cohort']:,} contacts were learned from: contact that is not proven is {launched}"
    if (contact := choice["contact"]) is None:
        return
    evidence = f"evidence {contact['harm']:,.1f} of {contact['harm_needed']:,.0f}"
    does = (
        "does harm more often than is tolerated" if contact["harms"] else "does no more harm than is tolerated so far"
    )
    yield f"any contact {does} ({evidence})"
    if contact["loses"]:
        least = f"by {100 * contact['loses_at_least']:.2f} % of what is at stake at least"
        yield f"any contact brings less than leaving alone, {least}"


def _row(name: str, model: Mapping[str, Any]) -> tuple[str, ...]:
    numbers = (_number(model[what]) for what in ("log_loss", "auc", "brier", "mean_predicted", "churn_rate"))
    drifts = (f"{model['drifts'][what]:,}" for what in ("loss", "calibration"))
    bound = model.get("better_by_at_least")
    return ("*" if model["champion"] else "", name, *numbers, *drifts, "" if bound is None else f"{bound:+.4f}")


def _biases(name: str, model: Mapping[str, Any], groups: list[str]) -> tuple[str, ...]:
    found = (model["groups"].get(group) for group in groups)
    cells = (f"{g['expected'] - g['churned']:+.3f} ({g['labels']:,})" if g else "" for g in found)
    return ("*" if model["champion"] else "", name, *cells)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        mark, name, *cells = row
        cells = [mark.ljust(1), name.ljust(widths[1]), *(c.rjust(w) for c, w in zip(cells, widths[2:], strict=True))]
        yield "  ".join(cells).rstrip()
