"""MBG/NBD: the probability that a customer who buys at random times has left for good."""
