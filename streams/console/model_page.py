"""What the page of the model says: which one decides, whether it is right about how many leave, how it did lately."""

from __future__ import annotations

from typing import Any, Final

from streams.console.background import Made
from streams.console.made import told_as_of
from streams.console.model_charts import calibration_chart, weeks_chart
from streams.text import as_words, moment

NEAR: Final = 0.02
"""Predicted and seen within so much of each other are called alike."""


def model_page(made: Made) -> dict[str, Any]:
    """The template's values."""
    data = made.data
    if data is None:
        told = "The learner's states are read beside the pages: load this one again in a while."
        return {
            "title": "Model",
            "headline": "The model is not known" if made.trouble else "The model is being looked at",
            "lead": made.trouble or told,
            "known": False,
            "as_of": told_as_of(made, "learner's states"),
            "waits": made.going_on,
        }
    stands = data["standing"]
    champion = stands["champion"]
    quality = stands["models"].get(champion, {})
    return {
        "title": "Model",
        "headline": _headline(champion, quality),
        "lead": _lead(stands, quality),
        "known": True,
        "since": _since(stands),
        "pinned": stands["pinned"],
        "champion": champion,
        "relearning": None if stands["relearning"] is None else stands["relearning"]["text"],
        "models": [_model(name, one) for name, one in stands["models"].items()],
        "names": list(stands["models"]),
        "groups": _groups(stands["models"]),
        "calibration": calibration_chart(data["calibration"].get(champion, [])),
        "weeks": weeks_chart(data["weeks"], champion),
        "version": "" if stands["version"] is None else moment(stands["version"]),
        "as_of": told_as_of(made, "learner's states"),
        "waits": False,
    }


def _headline(champion: str, quality: dict[str, Any]) -> str:
    if not quality.get("labels"):
        return f"{champion} decides; no outcome is known yet"
    return (
        f"{champion} decides: it expected {quality['mean_predicted']:.1%} to leave, and {quality['churn_rate']:.1%} did"
    )


def _lead(stands: dict[str, Any], quality: dict[str, Any]) -> str:
    if not quality.get("labels"):
        return "An outcome is known once a horizon is over. Until then the model says what it was built with."
    close = abs(quality["mean_predicted"] - quality["churn_rate"]) <= NEAR
    right = "That is close" if close else "That is off"
    auc = "" if quality["auc"] is None else f", AUC {quality['auc']:.3f}"
    counted = f"{right}, over {quality['labels']:,} outcomes; log-loss {quality['log_loss']:.4f}{auc}. "
    better = [name for name, one in stands["models"].items() if (one.get("better_by_at_least") or 0.0) > 0.0]
    if better:
        return counted + f"There is evidence that {', '.join(better)} is better."
    rivals = len(stands["models"]) - 1
    if not rivals:
        return counted + "It has no challenger."
    said = "Its challenger is not" if rivals == 1 else f"None of its {rivals} challengers is"
    return f"{counted}{said} known to be better."


def _since(stands: dict[str, Any]) -> str:
    promotion = stands["promotion"]
    if promotion is None:
        return f"{stands['champion']} decides from the beginning"
    by = "evidence" if promotion["by"] == "evidence" else "an operator"
    return (
        f"{promotion['champion']} decides since {moment(promotion['boundary'])}, after {promotion['former']}, by {by}"
    )


def _model(name: str, one: dict[str, Any]) -> dict[str, Any]:
    bound = one.get("better_by_at_least")
    drifts = one.get("drifts", {})
    return {
        "name": name,
        "champion": one["champion"],
        "labels": f"{one.get('labels', 0):,}",
        **{what: _number(one.get(what)) for what in ("log_loss", "auc", "brier")},
        **{what: _percent(one.get(what)) for what in ("mean_predicted", "churn_rate")},
        "drifts": f"{drifts.get('loss', 0):,} of loss, {drifts.get('calibration', 0):,} of calibration"
        if drifts
        else "",
        "better": "" if bound is None else f"{bound:+.4f}",
    }


def _groups(models: dict[str, Any]) -> dict[str, Any]:
    """By the customers' tenure and value: predicted less seen."""
    names = list(dict.fromkeys(group for one in models.values() for group in one.get("groups", {})))
    rows = []
    for name, one in models.items():
        groups = one.get("groups", {})
        cells = []
        for group in names:
            found = groups.get(group)
            told = f"{found['expected'] - found['churned']:+.1%} of {found['labels']:,}" if found else "-"
            cells.append((as_words(group), told))
        rows.append((name, cells))
    return {"names": [as_words(name) for name in names], "rows": rows}


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
