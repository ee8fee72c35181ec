"""A log replayed in memory, and how good its predictions were."""
