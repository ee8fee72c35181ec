"""Challengers: online classifiers of the River library behind the churn model port."""

from typing import Final

KIND: Final = "river"
"""Of their versions. River brings SciPy and pandas, half a second of CPU: the main model scores without it."""
