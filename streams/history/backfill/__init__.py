"""Backfill: builds shards and models from a log of past events before the first worker starts."""
