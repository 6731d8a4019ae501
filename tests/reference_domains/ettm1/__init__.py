"""Loads and oil temperature of the transformer every quarter of an hour."""
