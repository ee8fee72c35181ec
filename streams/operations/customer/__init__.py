"""What is known of one customer, and what silence will bring."""
