"""Electricity: how much load must be served, and how much of it to contract a day ahead."""
