"""The policy: what is decided about customers, as one file that is checked as a whole."""
