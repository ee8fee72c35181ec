"""Adapters: Faust, Kafka, Redis, metrics and the command line around the pure engine."""
