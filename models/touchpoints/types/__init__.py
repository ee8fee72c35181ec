"""The touchpoint types, a module for each family."""
