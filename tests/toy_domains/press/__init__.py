"""A press whose readings are looked at for what is odd: a domain for tests, whose labels come late and for a few."""
