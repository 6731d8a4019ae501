"""Hourly load of an American grid operator, on the local clock."""
