"""A made-up domain for races: quoted prices, to be looked up as they were known."""
