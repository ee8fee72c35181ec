"""Evaluation: replays a log in memory and measures how good the predictions were."""
