"""What decisions saved, held against those for whom they were not made: lifts, with intervals that may be watched."""
