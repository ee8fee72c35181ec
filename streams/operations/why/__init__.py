"""One customer's story of decisions: what is in force for them now, and what was decided, said and done."""
