"""Measurements of the engine on real servers; docs/performance.md tells the method. `make bench` runs all of them."""
