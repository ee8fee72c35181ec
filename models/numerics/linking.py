"""Functions that are compiled once and called where they stand.

Numba compiles what a function calls into it again, and that into its callers: what is large and called from many places
takes the compiler many times over. The code library of such a function is handed out empty here, so that its callers
keep a call by name, which the loader resolves. The price is a call in place of what might be inlined.

Kept on disk is, beside a function's code, which of these functions it calls: they must be loaded before.
"""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple

from numba.core.caching import CompileResultCacheImpl
from numba.core.codegen import ll  # type: ignore[attr-defined]  # of numba
from numba.core.compiler import Compiler

_Args = tuple[Any, ...]


class Needed(NamedTuple):
    """A function that another one calls by name: where it is, for which argument types, and its symbol."""

    module: str
    name: str
    args: _Args
    symbol: str


_loaded: dict[str, Needed] = {}
"""What can be called by name in this process, by symbol. Its code stays, as a dispatcher at a module's level does."""


class ByName(Compiler):
    """Compiles under a symbol that is the same in each process, where numba would count what it has seen so far."""

    def _compile_bytecode(self) -> Any:
        self.state.func_id.unique_id = 0
        return super()._compile_bytecode()  # type: ignore[no-untyped-call]  # of numba


def call_by_name(result: Any) -> None:
    """From now on, whoever is compiled and calls this function (numba's CompileResult) does so by name.

    When the result has been kept, or read back: kept it is with what numba looks up its entry points in.
    """
    described, library = result.fndesc, result.library
    library._shared_module = ll.parse_assembly(str(library.codegen._create_empty_module(library.name)))
    needed = Needed(described.modname, described.qualname, tuple(result.signature.args), described.mangled_name)
    _loaded[needed.symbol] = needed


class WithNeeds(CompileResultCacheImpl):
    """What numba keeps of a function, and what that needs. Read back, it is nothing if that can't be had any more."""

    def reduce(self, cres: Any) -> Any:
        names = (function.name for function in cres.library._final_module.functions if function.is_declaration)
        needs = [tuple(_loaded[name]) for name in names if name in _loaded]
        return needs, super().reduce(cres)  # type: ignore[no-untyped-call]  # of numba

    def rebuild(self, target_context: Any, payload: Any) -> Any:
        needs, result = payload
        if not all(_is_loaded(Needed(*need)) for need in needs):
            return None
        return super().rebuild(target_context, result)  # type: ignore[no-untyped-call]  # of numba


def _is_loaded(needed: Needed) -> bool:
    """Whether it can be called by name, after an attempt to load it."""
    if needed.symbol not in _loaded:
        function = getattr(importlib.import_module(needed.module), needed.name, None)
        if function is not None:
            function.compile(needed.args)
    return needed.symbol in _loaded
