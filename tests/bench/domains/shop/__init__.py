"""A made-up domain for races: one source, one table."""
