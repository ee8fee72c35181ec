"""Tools for operators: checks of a deployment, one customer's profile, the choice of the champion model."""
