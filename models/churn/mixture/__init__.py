"""The main churn model: two online classifiers and MBG/NBD pooled, with a level fitted to the observed churn rate."""
