"""The learned choice of an action at a risk moment: from what is known of each action to the chances of the draw.

Pure: a function of a version's numbers, the customer's features and the decision's id. `choose` is the choice of one
decision, in plain Python; `columns` is the same for many rows side by side, to the bit. The effects themselves are
learned in `models.learning.effects`; docs/proof.md has the mathematics.
"""

from models.decisions.choosing.choose import Candidate, Chosen, choose
from models.decisions.choosing.numbers import Arm, Numbers
from models.decisions.choosing.rules import ChoiceRules

__all__ = ["Arm", "Candidate", "ChoiceRules", "Chosen", "Numbers", "choose"]
