"""Challengers: online classifiers of the River library behind the churn model port."""
