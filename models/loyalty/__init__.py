"""Points: an account of lots for each customer, and what is booked in it; whole numbers alone."""
