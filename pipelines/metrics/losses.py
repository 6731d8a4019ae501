"""The metrics that a task may promote by, and which way each is better."""

from __future__ import annotations

LOSSES = ("mae", "rmse", "pinball", "log_loss", "brier", "error_rate", "disorder")
"""Smaller is better."""
GAINS = ("ndcg", "map", "mrr")
"""Greater is better, and 1 is best."""


def direction(metric: str) -> float:
    """1 where smaller is better, −1 where greater is."""
    return -1.0 if metric in GAINS else 1.0


def as_loss(metric: str, value: float) -> float:
    """What is to become small: the metric, or what it lacks of 1."""
    return 1.0 - value if metric in GAINS else value


def loss_name(metric: str) -> str:
    """What `as_loss` gives, in a word."""
    return f"{metric}_loss" if metric in GAINS else metric
