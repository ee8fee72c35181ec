"""What a worker, a Redis and a broker carry: worlds of several sizes, and the arithmetic from their figures."""
