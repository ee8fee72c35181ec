"""Composition roots: where the clients of a worker and of a backfill are built and wired."""
