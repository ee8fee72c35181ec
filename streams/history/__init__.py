"""Logs of past events: read from files, replayed into Kafka, backfilled before the first worker, evaluated."""
