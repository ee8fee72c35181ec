"""The whole system on one machine: an embedded broker and Redis, child processes, the demo."""
