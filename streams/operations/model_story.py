"""How good the models are: as of the newest version, week by week, and by what they had predicted.

The learner's states have it: the one that it goes on from, and one a week of the last five (`streams.learner.starts`),
from which versions are learned again. A week's figures are the difference of two states. States take a megabyte or two,
with `forest` tens: nothing that a page should wait for.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final, NamedTuple

from models.churn import SnapshotRefused, unseal
from models.learning.learner import LearningState
from models.learning.prequential import BINS, Prequential
from models.learning.schema import schema_of
from streams.config import Config
from streams.learner.lineage import FIRST, lineage_to_read, namespace_of
from streams.learner.starts import STARTS, Starts, name_of_start
from streams.operations.champion import Standing, as_data, standing
from streams.operations.redis_access import store_of
from streams.shard.meta import settings_of
from streams.store import Store

STEPS: Final = 20
"""Of probability, in which predictions are held against what came: twentieths."""
_WIDE: Final = BINS // STEPS


class Look(NamedTuple):
    """The models at a boundary (ms), by name."""

    boundary: int
    models: dict[str, Prequential]


async def model_story(store: Store, app: str) -> dict[str, Any]:
    """All of it as JSON types: `standing` as `retention models --json` has it; `weeks`, `calibration` and `thresholds`
    by model, empty where the learner's states can't be read (of another release, or none is kept yet).

    Raises as `streams.operations.champion.standing`.
    """
    stands = await standing(store, app)
    looks = await _looks(store, stands)
    last = looks[-1].models if looks else {}
    return {
        "standing": as_data(app, stands),
        "weeks": [_week(before, after) for before, after in pairwise(looks)],
        "calibration": {name: _calibration(one) for name, one in last.items()},
        "thresholds": {name: _thresholds(one) for name, one in last.items()},
    }


async def model_story_of(config: Config) -> dict[str, Any]:
    """Of the running application. Raises as `model_story`, and RedisUnreachable."""
    async with store_of(config) as store:
        return await model_story(store, config.app)


async def _looks(store: Store, stands: Standing) -> list[Look]:
    """The states that can be read, oldest first."""
    schema = schema_of(settings_of("0", stands.body.creation))
    lineage, _ = await lineage_to_read(store, schema)
    namespace = namespace_of(lineage or FIRST)
    [listed] = await store.load(namespace, [STARTS])
    found = []
    for boundary, _ in Starts.of(listed).sizes:
        [value] = await store.load(namespace, [name_of_start(boundary)])
        found += _look(value, schema)
    meta = await store.read_meta(namespace)
    now = [] if meta is None else _look(meta.body, schema)
    return [one for one in found if not now or one.boundary < now[0].boundary] + now


def _look(sealed: bytes | None, schema: str) -> list[Look]:
    """One, or none."""
    if not sealed:
        return []
    try:
        state = unseal(sealed, schema, LearningState)
        models = {name: Prequential.from_state(watch["quality"]) for name, watch in state.model["watches"].items()}
    except (SnapshotRefused, KeyError, TypeError, AttributeError):
        return []
    return [] if state.boundary is None else [Look(state.boundary, models)]


def _week(before: Look, after: Look) -> dict[str, Any]:
    """Of the outcomes that became known between two looks. A model that began in between is left out."""
    models = {}
    for name, now in after.models.items():
        then = before.models.get(name)
        labels = 0 if then is None else now.count - then.count
        if then is not None and labels > 0:
            models[name] = {
                "labels": labels,
                "log_loss": (now.log_loss_sum - then.log_loss_sum) / labels,
                "brier": (now.brier_sum - then.brier_sum) / labels,
                "mean_predicted": (now.predicted_sum - then.predicted_sum) / labels,
                "churn_rate": (now.churned - then.churned) / labels,
            }
    return {"from": before.boundary, "until": after.boundary, "models": models}


def _calibration(quality: Prequential) -> list[dict[str, float]]:
    """By twentieths of what was predicted: how many, and how many of them left. Those that nobody was in are left
    out."""
    found = []
    for step in range(STEPS):
        part = slice(step * _WIDE, (step + 1) * _WIDE)
        left, stayed = quality.positives[part], quality.negatives[part]
        labels = sum(left) + sum(stayed)
        if labels:
            predicted = sum((n + 0.5) * (a + b) for n, (a, b) in enumerate(zip(left, stayed, strict=True), part.start))
            found.append(
                {"predicted": predicted / labels / BINS, "labels": round(labels), "churned": sum(left) / labels}
            )
    return found


def _thresholds(quality: Prequential) -> list[dict[str, float]]:
    """The operating curve: of all predictions how many reach a threshold, how many of these left (precision), and what
    part of all who left they are (recall)."""
    found = []
    for step in range(1, STEPS):
        reached = sum(quality.positives[step * _WIDE :]) + sum(quality.negatives[step * _WIDE :])
        left = sum(quality.positives[step * _WIDE :])
        found.append(
            {
                "at": step / STEPS,
                "reached": _part(reached, quality.count),
                "left": _part(left, reached),
                "found": _part(left, quality.churned),
            }
        )
    return found


def _part(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
