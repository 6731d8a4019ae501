"""Simulated turbofan engines that wear out, a benchmark of remaining useful life."""
