"""A search for parameters as data: what may be tried, and what came of each trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pipelines.contracts.tasks import ParamValue

Space = Mapping[str, tuple[ParamValue, ...]]
"""By searched parameter the values that may be tried, numbers in ascending order."""

Fate = Literal["judged", "pruned", "failed"]


@dataclass(frozen=True)
class Trial:
    """One set of parameters that was tried. number: its place in the study, from 1. params: the searched ones alone.

    fate: judged to the end, given up on the way because it was behind, or failed. loss: None unless judged. course: by
    step what was seen of it on the way, comparable between trials. core_seconds: what its fits computed, whether they
    were made for the trial or kept from before; seconds: what the trial took. why: it was given up, or failed. rungs:
    of each fit the least loss on its validate span by each rung of the family that it reached: comparable between
    trials, not between fits.
    """

    number: int
    params: Mapping[str, ParamValue]
    fate: Fate
    loss: float | None = None
    course: Mapping[int, float] = field(default_factory=dict)
    seconds: float = 0.0
    core_seconds: float = 0.0
    why: str = ""
    rungs: tuple[tuple[float, ...], ...] = ()
