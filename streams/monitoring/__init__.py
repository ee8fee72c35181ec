"""Metrics, health, and the live view."""
