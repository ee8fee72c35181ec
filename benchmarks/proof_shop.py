"""The shop of the proof in the whole system: its policy, and what a message does to its customers in truth."""

from __future__ import annotations

from typing import Final

from models.settings import DAY, SECOND
from tests.support.closed_shop import POLICY, Back

HISTORY_DAYS: Final = 56
"""Before the policy comes into force: labels of 28 days have matured in them, so that its first day is scored."""
CONTROL: Final = 0.25
WINDOW_DAYS: Final = 7
HELPS: Final[Back] = {(True, False): 0.25, (True, True): 0.9, (False, False): 0.25, (False, True): 0.8}
"""As `tests.support.closed_shop.BACK`: a message brings those back who look around, and others nearly as often."""
LEARNED: Final = (
    POLICY.replace("share = 0.05", f"share = {CONTROL}")
    .replace('expires = "1d"', 'expires = "3d"')
    .replace('window = "14d"\nlearned = true', f'window = "{WINDOW_DAYS}d"\nlearned = true\nunproven = 0.8')
)
"""A large control group, and much contact before it is proven: four weeks are short."""
SETTINGS: Final = {
    "tick_phase": "spread",
    "version_every_s": DAY // SECOND,
    "enter": 0.5,
    "exit": 0.3,
    "batch_records": 50,
}
"""Of the application, beside those of every `tests.support.world.World`."""
