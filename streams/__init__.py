"""Adapters around the pure engine: Faust, Kafka, Redis, metrics and the command line."""
