"""A mill on a stream: a domain for tests, with three tables, two tasks and two kinds of cut-off."""
