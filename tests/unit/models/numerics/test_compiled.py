"""Compiled code: what is cached, when the cache is no good, and that all of it is ready before there is work."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import FunctionType
from typing import Any, cast

import pytest
from numba import njit
from numba.core.dispatcher import Dispatcher

import models
from models.engine.customer_loop import walk
from models.numerics.compiled import compiled, digest
from models.simulation.warm_up import warm, warm_beside

CALL = "from models.numerics.maths import ln; assert ln(1.0) == 0.0"
ROOT = Path(models.__file__).resolve().parents[1]


def kernels() -> dict[str, Any]:
    """Every compiled function of models/, by name."""
    found: dict[str, Any] = {}
    for module in pkgutil.walk_packages(models.__path__, "models."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, Dispatcher) and value.py_func.__module__ == module.name:
                found[f"{module.name}.{name}"] = value
    return found


def called(cache: Path) -> subprocess.CompletedProcess[str]:
    environment = {"NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(ROOT), "PATH": ""}
    return subprocess.run([sys.executable, "-c", CALL], env=environment, text=True, capture_output=True, check=False)


def test_after_warming_up_nothing_that_python_calls_is_left_to_compile() -> None:
    warm()
    called_from_python = {name: kernel for name, kernel in kernels().items() if kernel.signatures}
    for name in (
        "engine.waves.waves",
        "engine.arrivals._link",
        "features.columns._feature_rows",
        "churn.mixture.probability.write_probabilities",
        "churn.mixture.probability._parts",
    ):
        assert f"models.{name}" in called_from_python


def test_what_a_second_process_compiles_beside_is_what_the_engine_asks_the_cache_for() -> None:
    warm()
    warm_beside()
    step: Any = walk
    kept = step._cache._cache_file._load_index()
    assert len({signature for signature, *_, of in kept if of == digest(step)}) == 1


@compiled
def scaled(x: float, by: int) -> float:
    return x * by


@compiled
def scaled_twice(x: float) -> float:
    return scaled(x, 2) + scaled(x, by=3)


def test_a_function_is_compiled_once_whatever_the_constants_it_is_called_with() -> None:
    twice: Any = scaled_twice
    twice._cache.flush()
    assert twice(1.5) == 7.5
    assert len(cast(Any, scaled).signatures) == 1


@pytest.mark.slow
def test_a_damaged_cache_costs_time_and_nothing_else(tmp_path: Path) -> None:
    assert called(tmp_path).returncode == 0
    files = [file for file in tmp_path.rglob("maths.ln-*") if file.suffix in (".nbi", ".nbc")]
    assert len(files) >= 2
    for file in files:
        file.write_bytes(b"")
        outcome = called(tmp_path)
        assert outcome.returncode == 0, outcome.stderr
        assert "can't be" in outcome.stderr
        assert "can't be" not in called(tmp_path).stderr, "once"


def a() -> int:
    return b()


def b() -> int:
    return 1


def other() -> int:
    return 2


def test_the_key_of_the_cache_covers_constants_and_the_functions_own_code() -> None:
    def with_constant(value: int) -> FunctionType:
        return FunctionType(compile("LIMIT + 1", "x", "eval"), {"LIMIT": value})

    assert digest(with_constant(1)) != digest(with_constant(2))
    assert digest(b) != digest(other)

    def calling(called: FunctionType) -> FunctionType:
        return FunctionType(a.__code__, {"b": njit(called)})

    assert digest(calling(b)) == digest(calling(b))
    assert digest(calling(b)) != digest(calling(other))
