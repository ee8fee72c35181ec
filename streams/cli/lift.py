"""`retention lift`: what decisions saved, held against those for whom they were not made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.cli.audit import watched
from streams.cli.log_evaluation import make_folder, written
from streams.cli.options import configured, echo, echo_json, files_option, json_option, quiet_libraries, terms_options
from streams.config import Config
from streams.text import moment

if TYPE_CHECKING:
    from models.proof.difference import Lift
    from models.proof.draws import By, OfAction
    from models.proof.programme import Programme
    from streams.operations.lift import LiftReport

HARM_WORDS = ("complained", "refused marketing", "spoke ill of us")
"""Of `models.proof.programme.HARMS`."""
WHERE = {"level": "at level {}", "tier": "of tier {}", "stage": "at stage {}", "class": "of class {}"}


@click.command()
@files_option()
@terms_options()
@click.option(
    "--by",
    type=click.Choice(("action", "level", "tier", "stage", "class")),
    default="level",
    show_default=True,
    help="what draws are told apart by, beside their actions; choose it before you look",
)
@click.option("--plots", type=click.Path(file_okay=False, path_type=Path), help="folder for the pictures (PNG)")
@json_option("the result as one JSON object")
@configured("mode")
def lift(
    config: Config, files: Path | None, margin: float, cap: float, by: By, plots: Path | None, as_json: bool
) -> None:
    """What the programme saved against the control group, and each action against leaving alone.

    Reads touchpoints, triggers and decisions from their beginning to their ends. Intervals hold however often you look.
    docs/proof.md says what each figure means, and where it misleads.

    \b
    Examples:
      retention lift
      retention lift --margin 0.3 --json
      retention lift --by tier --plots plots/
    """
    quiet_libraries()
    make_folder(plots)
    from streams.operations.audit.files import lines_of
    from streams.operations.lift import Terms, read_all, report_of

    terms = Terms(margin, cap)
    with ExitStack() as open_topics:
        report = report_of(read_all(watched(lines_of(config, files, open_topics)), terms), terms, by)
    told = report.data()
    if plots is not None:
        from streams.history.evaluation.lift_plots import draw

        with written("--plots", plots):
            told["plots"] = [str(path) for path in draw(plots, told)]
    if as_json:
        echo_json({"app": config.app, **told})
        return
    for line in lines_told(report):
        echo(line)
    for path in told.get("plots", ()):
        echo(f"wrote {path}")


def lines_told(report: LiftReport) -> Iterator[str]:
    """The report in words."""
    found = report.found
    earned = "net spend" if report.terms.margin == 1.0 else f"{report.terms.margin:.0%} of net spend"
    yield f"{moment(found.first)} to {moment(found.last)}; money is {earned} less contacts and discounts, " + (
        f"of a customer {report.terms.cap:g} at most"
    )
    if not report.programmes:
        yield "no programme to compare: no marketing was decided under a policy with a control group"
    for salt, one in report.programmes.items():
        yield ""
        yield from _programme(report, salt, one)
    yield ""
    yield from _draws(report)
    yield ""
    yield from _renewals(report)
    for held in found.held:
        until = f"until {moment(held.ends)}" if held.ends else "until now"
        yield f"note: {held.what}, from {moment(held.begins)} {until}: what is compared of that time has fewer messages"
    for count, what in (
        (
            found.merged,
            "customers have several ids, of which each may have been drawn differently, and are in no table",
        ),
        (found.exempt, "customers were exempt from control when they first came, and are in no table"),
        (found.without_policy, "decisions are of policies that the log no longer has, and in no table"),
        (found.unread, "records could not be read"),
    ):
        if count:
            yield f"note: {count:,} {what}"


def _programme(report: LiftReport, salt: str, one: Programme) -> Iterator[str]:
    ratio = one.ratio
    yield (
        f"Programme, salt {salt}: {ratio.units:,} customers since their first marketing decision, "
        f"{ratio.controls:,} of them control (expected {ratio.expected:,.0f})"
    )
    if not one.shown:
        yield "  nothing is shown: the control group is not as large as it should be, so the comparison is broken"
        return
    if ratio.warns or one.ratio_at.warns:
        yield "  warning: the control group is not as large as it should be; find out why before you trust this"
    for number, (age, days) in enumerate(zip(one.ages, report.days(salt), strict=True)):
        if not age.units:
            yield f"  after {days:g} days: nobody is that old yet"
            continue
        kept, money = one.primary(number)
        first = "" if number == 0 else " (to be looked at, not to be quoted)"
        yield f"  after {days:g} days{first}: {age.units:,} customers, {age.kept.control.units:,} of them control"
        yield f"    bought in the last {report.days(salt)[0]:g} days: " + _rates(
            age.kept.treated.rate, age.kept.control.rate, kept
        )
        yield f"    money a customer: {age.kept.treated.mean:,.2f}, control {age.kept.control.mean:,.2f}; " + _of(
            money, 1.0, ""
        )
        if each := age.each_kept(kept):
            yield "    " + _each(each, age.cost / age.kept.treated.units, report.found.acquisition.get(salt))
        if age.capped >= 0.01:
            yield f"      capped: {age.capped:.0%} of the control group's money is above the cap"
        for words, harm, seen in zip(HARM_WORDS, one.harms(number), age.harms, strict=True):
            if seen.treated.yes + seen.control.yes:
                yield f"    {words}: " + _rates(seen.treated.rate, seen.control.rate, harm)
    alike, before = one.checks()
    yield f"  checks, both should be about zero: treated alike {_of(alike, 100.0, ' points')}; " + (
        f"before the first decision {_of(before, 100.0, ' points')}"
    )


def _draws(report: LiftReport) -> Iterator[str]:
    draws = report.draws
    if not draws.policy.draws:
        waits = f"; {report.found.open_draws:,} are open" if report.found.open_draws else ""
        yield f"Draws at risk: none whose window is over yet{waits}"
        return
    yield (
        f"Draws at risk: {draws.policy.draws:,} whose window is over, {report.found.open_draws:,} open; "
        "each figure is a draw, against leaving alone"
    )
    yield "  the policy: " + _effect(draws.policy, report, 2)
    for name, one in draws.actions.items():
        yield f"  {name}, of those it was given to: " + _effect(one, report, report.cells)
    if len(draws.groups) > 1:
        for name, one in draws.groups.items():
            yield f"  {WHERE[draws.by].format(name or 'not known')}: " + _effect(one, report, report.cells)


def _renewals(report: LiftReport) -> Iterator[str]:
    told = report.found.renewals.data()
    if not told["arms"]:
        yield "Renewals: the topics tell of none that is old enough"
        return
    yield f"Renewals by what was decided last before them, {told['days']} days around each"
    for name, one in told["arms"].items():
        unused = "of use nothing is told" if one["without_use"] is None else f"{one['without_use']:,} without use"
        yield f"  {name}: {one['renewals']:,}, {unused}, {one['cancelled']:,} cancelled soon after"


def _effect(one: OfAction, report: LiftReport, cells: int) -> str:
    from models.proof.programme import ALPHA

    kept, money = one.kept(ALPHA / cells), one.money(ALPHA / cells)
    return f"given {one.given:,} times; kept {_of(kept, 100.0, ' points')}; money {_of(money, 1.0, '')}"


def _each(each: tuple[float, float | None], cost: float, acquisition: float | None) -> str:
    low, high = each
    up_to = "any sum" if high is None else f"{high:,.2f}"
    won = "" if acquisition is None else f"; to win a customer costs {acquisition:,.2f}"
    return f"contacts and discounts: {cost:,.2f} a customer, {low:,.2f} to {up_to} for each who was kept{won}"


def _rates(treated: float, control: float, found: Lift) -> str:
    return f"{treated:.1%}, control {control:.1%}; {_of(found, 100.0, ' points')}"


def _of(found: Lift, scale: float, unit: str) -> str:
    interval = found.interval
    if interval is None:
        return "too little yet for an interval"
    said = "above zero" if interval.above_zero else "below zero" if interval.below_zero else "may be nothing"
    seen = f"; from {found.visible * scale:.2g}{unit} on a lift would be seen" if said == "may be nothing" else ""
    wide = ", as of few" if interval.kind == "beta-binomial" else ""
    low, high = interval.low * scale, interval.high * scale
    return f"lift {found.lift * scale:+.2f}{unit} [{low:+.2f}, {high:+.2f}] ({said}{wide}{seen})"
