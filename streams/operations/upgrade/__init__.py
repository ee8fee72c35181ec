"""Asks, beside running workers, what this release makes of what is stored: whether it goes on, and what it predicts.

Writes nothing. What is refused is told with the exit code with which a worker of this release would end, or under which
its shard would be parked.
"""
