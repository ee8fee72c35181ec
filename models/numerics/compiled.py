"""The compile decorator: numba with a disk cache that is keyed by everything a function calls.

Never fastmath: it would let the compiler reorder sums. Compiled code is kept in numba's cache on disk, per CPU. Numba
looks only at a function's own file to see whether its cached code is still good; here the key also covers everything
that the function calls and the constants it reads, so that a change in one module is never answered with old code.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any, Final, TypeVar, cast

import numpy as np
import xxhash
from numba import njit
from numba.core.caching import FunctionCache
from numba.core.dispatcher import Dispatcher
from numba.core.types import unliteral

from models.numerics.linking import ByName, WithNeeds, call_by_name

F = TypeVar("F", bound=Callable[..., Any])


LANES: Final = 16
"""Numbers that are computed side by side: the last axis of the arrays that are calculated in. The compiler must know it
to make code of the widest registers; with eight it undoes the loops instead, more are not faster."""

OPTIONS: dict[str, Any] = {"fastmath": False, "error_model": "numpy", "nogil": True, "no_cfunc_wrapper": True}
"""Without the interpreter's lock: the thread that fetches goes on meanwhile. Nobody calls from C: those entry points
would only take the compiler's time."""


def compiled(function: F) -> F:
    """Compile at the first call. The function must be portable to C: flat loops over arrays, no Python objects."""
    return _compiled(function, OPTIONS)


def inlined(function: F) -> F:
    """The same for a formula that loops call for every lane: it is put into the loop before LLVM sees either. LLVM then
    computes several lanes at once, where it would else undo the loop."""
    return _compiled(function, {**OPTIONS, "inline": "always"})


def linked(function: F) -> F:
    """The same for what is large and called from several places: its callers call it, instead of taking it in
    (`models.numerics.linking`). At a module's level, and for work that makes a call cheap: a whole loop over lanes."""
    return _compiled(function, {**OPTIONS, "pipeline_class": ByName})


def _compiled(function: F, options: dict[str, Any]) -> F:
    dispatcher: Any = njit(**options)(function)
    dispatcher.get_call_template = _whatever_the_constants(dispatcher.get_call_template)
    try:
        dispatcher._cache = _Cache(function, by_name=options.get("pipeline_class") is ByName)
    except RuntimeError as error:  # nowhere to write to: every process compiles for itself
        warnings.warn(f"compiled code is not kept: {error}; set NUMBA_CACHE_DIR to a writable folder", stacklevel=2)
    return cast(F, dispatcher)


def _whatever_the_constants(template_of: Callable[..., Any]) -> Callable[..., Any]:
    """How a call inside compiled code finds its function. Numba would compile that anew for each constant that it is
    called with, a third of the time that compiling took; LLVM, which inlines it, sees the constant all the same."""

    def get_call_template(args: tuple[Any, ...], kws: dict[str, Any]) -> Any:
        return template_of(tuple(map(unliteral, args)), dict(zip(kws, map(unliteral, kws.values()), strict=True)))

    return get_call_template


class _Cache(FunctionCache):
    """Numba's cache, with the callees and constants in the key. A cache that fails costs time, and nothing else."""

    _impl_class = WithNeeds

    def __init__(self, function: Callable[..., Any], by_name: bool) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]  # of numba
        self._function, self._by_name = function, by_name

    def _index_key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:
        key: tuple[Any, ...] = super()._index_key(sig, codegen)  # type: ignore[no-untyped-call]  # of numba
        return (*key, digest(self._function))

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            result = super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]  # of numba
            if result is not None and self._by_name:
                call_by_name(result)
            return result
        except Exception as error:  # noqa: BLE001 - a damaged file raises whatever its bytes happen to mean
            warnings.warn(f"{self._name} can't be read from its cache, is compiled anew: {error!r}", stacklevel=2)
            # The index of a former release may name what has moved since: with it nothing could be kept any more.
            with contextlib.suppress(OSError):
                self.flush()  # type: ignore[no-untyped-call]  # of numba
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)  # type: ignore[no-untyped-call]  # of numba
        except Exception as error:  # noqa: BLE001 - a full disk, or the damaged index that could not be read
            warnings.warn(f"{self._name} can't be kept in its cache: {error!r}", stacklevel=2)
        if self._by_name:
            call_by_name(data)


def digest(function: Callable[..., Any]) -> str:
    """Names a function's code, that of all it calls, and the constants they read."""
    hashed = xxhash.xxh3_128(repr(OPTIONS).encode())
    for part in _parts(function, set()):
        hashed.update(part)
    return hashed.hexdigest()


def _parts(function: Callable[..., Any], seen: set[int]) -> Iterator[bytes]:
    plain = cast(FunctionType, getattr(function, "py_func", function))
    if id(plain) in seen:
        return
    seen.add(id(plain))
    code: CodeType = plain.__code__
    yield code.co_code
    yield repr([const for const in code.co_consts if not isinstance(const, CodeType)]).encode()
    for name in code.co_names:
        value = plain.__globals__.get(name)
        yield name.encode()
        if isinstance(value, Dispatcher):
            yield from _parts(value, seen)
        elif isinstance(value, np.ndarray):
            yield f"{value.dtype.str}{value.shape}".encode() + value.tobytes()
        elif isinstance(value, type) and hasattr(value, "_fields"):  # a NamedTuple of columns
            yield repr(value._fields).encode()
        elif isinstance(value, int | float | tuple | np.dtype | str):
            yield repr(value).encode()
