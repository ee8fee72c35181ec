"""Pages for people who run the engine or answer for what it does: what is going on, and one customer's story.

It only reads: Redis, the topics and the workers' metrics. Pages come whole from the server; scripts add what is live.
"""
