"""The champion: a mixture of the learners, levelled to what is observed."""
