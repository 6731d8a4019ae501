"""Simulated milling machines, a benchmark of predictive maintenance: which of them fail."""
