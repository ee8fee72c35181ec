"""The order of a shard's work: batches, timers, version boundaries, and what one commit covers."""
