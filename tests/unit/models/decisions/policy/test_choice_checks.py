"""What a policy may say of the learned choice."""

from __future__ import annotations

import pytest

from models.decisions.policy.reading import PolicyUnfit, read_policy
from tests.support.policies import EXAMPLE


def told(choice: str, more: str = "") -> list[str]:
    try:
        read_policy(EXAMPLE.replace('window = "28d"', f'window = "28d"\n{choice}') + more)
    except PolicyUnfit as error:
        return [problem.words for problem in error.problems]
    return []


def test_a_learned_choice_needs_to_know_what_customers_are_worth() -> None:
    [problem] = told("learned = true")
    assert problem.startswith("choice.learned is true; give a [value] beside it")
    assert told("learned = true", "\n[value]\n") == []


@pytest.mark.parametrize(
    "key", ["unproven = 0.2", "launch = 0.5", "harm = 3.0", 'forget = "90d"', "kappa = 1.0", 'price_step = "1d"']
)
def test_its_keys_count_for_nothing_without_it(key: str) -> None:
    name = key.partition(" ")[0]
    [problem] = told(key)
    assert problem.startswith(f"choice.{name} is ")
    assert "choice.learned = true" in problem
    assert told(f"learned = true\n{key}", "\n[value]\n") == []


def test_prices_move_once_a_day_at_most() -> None:
    [problem] = told('learned = true\nprice_step = "23h"', "\n[value]\n")
    assert problem.startswith('choice.price_step is "23h"; give at least "1d"')


def test_it_may_not_forget_before_a_window_is_over() -> None:
    [problem] = told('learned = true\nforget = "6d"', "\n[value]\n")
    assert problem.startswith('choice.forget is "6d"')
