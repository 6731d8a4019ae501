"""A shop that shows a few offers at each visit: a domain for tests, whose task is the order of a visit's offers."""
