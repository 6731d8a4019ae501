"""Handwritten digits, a benchmark of classification."""
