"""JMESPath expressions of a mapping file, with one function beside the standard ones."""

from __future__ import annotations

from typing import Any, Final

import jmespath
from jmespath import functions
from jmespath.exceptions import JMESPathError

__all__ = ["Expression", "JMESPathError"]


class _Functions(functions.Functions):  # type: ignore[misc]
    """`divide(amount, `100`)`: of cents."""

    @functions.signature({"types": ["number", "null"]}, {"types": ["number"]})  # type: ignore[untyped-decorator]
    def _func_divide(self, number: float | None, by: float) -> float | None:
        return None if number is None or not by else number / by


_OPTIONS: Final = jmespath.Options(custom_functions=_Functions())


class Expression:
    """Raises JMESPathError where the text is none."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._compiled = jmespath.compile(text)

    def __call__(self, row: Any) -> Any:
        """What it finds in a row; None: nothing. Raises JMESPathError where a function gets what it can't take."""
        return self._compiled.search(row, options=_OPTIONS)
