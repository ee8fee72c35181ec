"""Logs of the past: files, replay, backfill, evaluation."""
