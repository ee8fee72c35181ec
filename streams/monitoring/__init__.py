"""Monitoring of a worker: Prometheus metrics, health and readiness, and the live view in a terminal."""
