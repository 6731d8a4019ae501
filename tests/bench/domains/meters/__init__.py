"""A made-up domain for races: meters that are read every hour."""
