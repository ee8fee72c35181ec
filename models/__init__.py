"""What we believe about customers, and what we would do about it: pure, without I/O and without a clock."""
