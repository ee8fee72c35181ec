"""The customer's own page: what they may switch, see and ask for, each change a touchpoint as upstream publishes them.

It reads Redis and writes touchpoints; of its own it keeps nothing but erasures that wait. Pages need no script.
"""
