"""One measured figure, before it becomes a record."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """ours beside the reference: what others published or what was measured before; goal and first_mark: what we want,
    None where the figure only has to be known. holds: whether a promise was kept that must never break.
    samples: how many examples it rests on. seconds: what it took.
    """

    what: str
    ours: float
    reference: float | None
    goal: float | None
    first_mark: float | None
    protocol: str
    seed: int
    samples: int
    seconds: float
    holds: bool
