"""Customers of the synthetic world by kind: why they drift, what an action does to them, and what a shop sees of it."""

from __future__ import annotations

from typing import Final

import numpy as np

ACTIONS: Final = ("none", "care", "useful", "reward", "offer")
KINDS: Final = ("price", "service", "bored", "dog", "sure", "lost")
"""Why a customer drifts, if they do: too dear, bad service, boredom. A sleeping dog leaves when it is woken; who is
sure comes back alone; who is lost does not."""
PRICE, SERVICE, BORED, DOG, SURE, LOST = range(6)
NONE, CARE, USEFUL, REWARD, OFFER = range(5)

COST: Final = np.array([0.0, 3.0, 0.3, 1.5, 0.1])
"""Money of a contact by action, when it is made."""
FACE: Final = 5.0
"""Money that an offer gives away at the first purchase of its window."""

SHARES: Final = np.array([0.22, 0.17, 0.24, 0.07, 0.20, 0.10])
SHARES_DOGS: Final = np.array([0.17, 0.13, 0.19, 0.20, 0.20, 0.11])

# By kind: weekly chances of drifting, of coming back from it, of leaving from it; the pace of purchases meanwhile.
DRIFT: Final = np.array([0.035, 0.035, 0.035, 0.030, 0.060, 0.050])
BACK: Final = np.array([0.05, 0.04, 0.05, 0.15, 0.30, 0.01])
LEAVE: Final = np.array([0.06, 0.08, 0.06, 0.015, 0.005, 0.30])
PACE: Final = np.array([0.10, 0.10, 0.10, 0.15, 0.15, 0.05])

# By kind and action: chance that a drifting customer comes back at once, and that a customer leaves at once.
HELP: Final = np.array(
    [
        [0.0, 0.03, 0.12, 0.10, 0.60],
        [0.0, 0.65, 0.06, 0.04, 0.02],
        [0.0, 0.05, 0.40, 0.55, 0.10],
        [0.0, 0.00, 0.00, 0.00, 0.00],
        [0.0, 0.00, 0.00, 0.02, 0.03],
        [0.0, 0.02, 0.00, 0.01, 0.03],
    ]
)
HARM: Final = np.array(
    [
        [0.0, 0.00, 0.01, 0.00, 0.00],
        [0.0, 0.00, 0.03, 0.04, 0.15],
        [0.0, 0.01, 0.00, 0.00, 0.01],
        [0.0, 0.22, 0.28, 0.28, 0.35],
        [0.0, 0.00, 0.00, 0.00, 0.00],
        [0.0, 0.00, 0.00, 0.00, 0.00],
    ]
)
LEAST_HARM: Final = 0.06
"""Of every contact, where all of them harm."""

# By kind: chances that a contact makes complain, and unsubscribe.
ANNOYED: Final = np.array([0.01, 0.12, 0.01, 0.15, 0.01, 0.02])
UNSUBSCRIBES: Final = np.array([0.01, 0.03, 0.01, 0.15, 0.01, 0.02])

# By kind: what is seen of coupons, messages and visits; kinds differ, customers of one kind more.
COUPONS: Final = np.array([1.2, -0.1, 0.0, -0.5, -0.3, 0.1])
OPENS: Final = np.array([0.3, 0.2, 1.0, -1.6, 0.0, -0.6])
VISITS: Final = np.array([0.4, 0.2, 0.8, -1.0, 0.2, -0.8])
