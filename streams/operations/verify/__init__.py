"""Replays customers from Kafka's log in memory and compares what comes out with what is stored. Writes nothing.

A shard's state is a function of its input partition and of where which model version came into force. Both are in
Kafka: the changes of version in the decisions topic (the newest of them perhaps in the shard's outbox still), the
versions in the examples topic, from which they are learned again. So any customer can be replayed, at any position.

Customers are read in pieces, each in one atomic call with the shard's meta: a piece is compared when the replay has
come to exactly that position, so a worker may go on meanwhile. Of a sample only its customers' records are replayed;
what lies between passes as clock records (`replayed.py` says why that changes nothing).
"""
