"""Prometheus metrics of champion and challengers: quality, calibration, drift, evidence.

All of it stands in the newest version and is a function of the log; so these are gauges, shown by the worker that
learns, and absent until there is something to tell. Labels are bounded: models are those that are configured, groups
and kinds of drift are those of `models.learning.monitor`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

_QUALITY = ("auc", "log_loss", "brier", "labels", "churn_rate", "mean_predicted")
_VERSION = "retention_model_version_seconds"
_OF_THE_MODEL: Final[Mapping[str, str]] = {
    _VERSION: "boundary (log time) of the newest model version",
    **{f"retention_model_{name}": f"prequential quality of the newest version: {name}" for name in _QUALITY},
}
"""Name and help of what only the worker that learns can say."""

_OF_ALL: Final[Mapping[str, str]] = {
    "pinned": "1 while an operator's choice holds, and evidence may not promote",
    "promotions": "changes of champion since the log began",
}
_OF_A_MODEL: Final[Mapping[str, str]] = {
    "champion": "1 for the model that decides",
    "labels": "labels that are known, of the model's predictions",
    "auc": "ROC-AUC of these",
    "log_loss": "log-loss of these",
    "brier": "Brier score of these",
    "better_by_at_least": "lower bound of what a challenger's clipped log-loss is below the champion's",
}
_DRIFTS: Final = "retention_contest_drifts"
_CONTACTS, _STOPPED = "retention_action_contacts", "retention_action_stopped"
_OF_CONTACT: Final[Mapping[str, str]] = {
    "harms": "1 while any contact of the learned choice does harm too often",
    "loses": "1 while any contact brings less than leaving alone for sure",
}
_BIAS, _LABELS = "retention_contest_group_bias", "retention_contest_group_labels"


class ContestSeries(Collector):
    """`quality`: of the newest version, empty where another worker learns. `choice`: the same of the learned choice."""

    def __init__(self) -> None:
        self.quality: Mapping[str, Any] = {}
        self.choice: Mapping[str, Any] = {}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        models: Mapping[str, Mapping[str, Any]] = self.quality.get("models", {})
        for name, help in _OF_ALL.items():
            value = self.quality.get(name)
            yield GaugeMetricFamily(f"retention_contest_{name}", help, value=None if value is None else float(value))
        for name, help in _OF_A_MODEL.items():
            family = GaugeMetricFamily(f"retention_contest_{name}", help, labels=["model"])
            for model, summary in models.items():
                if (value := summary.get(name)) is not None:
                    family.add_metric([model], float(value))
            yield family
        drifts = GaugeMetricFamily(_DRIFTS, "drifts that were found since the log began", labels=["model", "of"])
        bias = GaugeMetricFamily(_BIAS, "mean predicted risk less churn rate, by group", labels=["model", "group"])
        labels = GaugeMetricFamily(_LABELS, "outcomes of a group's customers", labels=["model", "group"])
        for model, summary in models.items():
            for of, count in summary.get("drifts", {}).items():
                drifts.add_metric([model, of], count)
            for name, group in summary.get("groups", {}).items():
                bias.add_metric([model, name], group["expected"] - group["churned"])
                labels.add_metric([model, name], group["labels"])
        yield from (drifts, bias, labels)
        contacts = GaugeMetricFamily(_CONTACTS, "contacts of an action whose window is over", labels=["action"])
        stopped = GaugeMetricFamily(_STOPPED, "1 while an action does harm too often", labels=["action"])
        arms = self.choice.get("arms", {})
        for action, arm in self.choice.get("named", {}).items():
            if (known := arms.get(arm)) is not None:
                contacts.add_metric([action], known["matured"])
                stopped.add_metric([action], float(known.get("stopped", False)))
        yield from (contacts, stopped)
        watched = self.choice.get("watched", {}).get("contact")
        for name, help in _OF_CONTACT.items():
            value = None if watched is None else float(watched[name])
            yield GaugeMetricFamily(f"retention_contact_{name}", help, value=value)


class WhenKnown(Collector):
    """Gauges without labels that are absent, and not 0, until they are known: an AUC of 0 would be a statement."""

    def __init__(self, helps: Mapping[str, str]) -> None:
        self._helps = helps
        self.values: dict[str, float] = {}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, help in self._helps.items():
            yield GaugeMetricFamily(name, help, value=self.values.get(name))


class ModelSeries(WhenKnown):
    """The newest version's boundary and quality."""

    def __init__(self) -> None:
        super().__init__(_OF_THE_MODEL)

    def version(self, boundary: int, quality: Mapping[str, Any]) -> None:
        """A version was published, or became active. boundary: in ms of log time."""
        known = {f"retention_model_{name}": quality.get(name) for name in _QUALITY}
        known[_VERSION] = boundary / 1000 if boundary >= 0 else None
        self.values = {name: value for name, value in known.items() if value is not None}
