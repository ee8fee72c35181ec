"""Event types of touchpoints as typed structs, a module for each family."""
