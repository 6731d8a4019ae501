"""One measured figure, before it becomes a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """ours beside the reference: what others published or what was measured before; first_mark: the goal, goal: the
    stretch beyond it, both None where the figure only has to be known. holds: whether a promise was kept that must
    never break. samples: how many examples it rests on. seconds: what it took.

    seeds: those whose mean `ours` is, where there are more than `seed`. spread: between them, least to greatest.
    note: of a goal that is missed, why, and what was tried; or what else should be known of the figure.
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
    seeds: tuple[int, ...] = ()
    spread: float | None = None
    more_is_better: bool = False
    note: str = ""

    def record(self, commit: str) -> Mapping[str, Any]:
        """What is kept of it."""
        kept = {name: value for name, value in vars(self).items() if name != "holds"}
        minutes = round(self.seconds / 60, 2)
        return kept | {"seeds": list(self.seeds or (self.seed,)), "minutes": minutes, "commit": commit}
