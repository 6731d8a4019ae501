"""Cross-validation whose test folds choose nothing: a mean of families, chosen anew by each fold's training rows."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipelines.contracts.domain import Domain
from pipelines.contracts.tasks import utc
from pipelines.models.rows import Values
from tests.quality.choice import Measure, all_told, chosen, mean_of, told
from tests.quality.figure import Figure
from tests.quality.tabular import Learner, Places, Rows

SEED = 0
_ASIDE = 0.2
"""The part of a fold's training rows that chooses."""
_AS_OF = utc("2020-01-01")
"""The day of delivery, since the files' names say none; their rows have no time."""


@dataclass(frozen=True)
class Goal:
    """What is measured, and the numbers it is to reach. of_all: over all rows together, each as the fold said that had
    not seen it; else the mean over the folds."""

    name: str
    measure: Measure
    reference: float
    first_mark: float
    goal: float
    more_is_better: bool = True
    of_all: bool = False

    def measured(self, labels: Sequence[Values], said: Sequence[Values]) -> float:
        """A part a fold."""
        if self.of_all:
            return float(self.measure(np.concatenate(labels), np.concatenate(said)))
        return float(np.mean([self.measure(right, of) for right, of in zip(labels, said, strict=True)]))


@dataclass(frozen=True)
class Study:
    """Rows without time, the learners to choose from, and what their mean is to reach.

    plain: the learner that is measured beside them, in the quick round too. loss: what a mean of learners is chosen by.
    tries: on how many random parts of the training rows. about: the data and their way, for the protocol.
    """

    name: str
    domain: Domain
    source: str
    about: str
    plain: Learner
    learners: Mapping[str, Learner]
    loss: Measure
    goals: Sequence[Goal]
    folds: int
    tries: int = 1

    def figures(self, file: Path, quick: bool) -> Iterator[Figure]:
        """Every goal by the plain learner and, in the long round, by the mean; one no better breaks a promise."""
        started = time.monotonic()
        files = {f"{self.source}/{file.name}": file.read_bytes()}
        rows = Rows.from_gold(self.domain, self.domain.tasks[0], files, _AS_OF)
        folds = list(rows.folds(self.folds, SEED))
        plain = [rows.whole(self.plain, train, asked, SEED) for train, asked in folds]
        plain_ones = self._measured(rows, folds, plain)
        yield from self._told(rows, self.plain.family, plain_ones, plain_ones, self._plain_protocol, started)
        if quick:
            return
        names = [chosen(rows, self.learners, self.loss, self._parts(rows, train), SEED) for train, _ in folds]
        means = [
            mean_of(rows, [self.learners[name] for name in those], train, asked, SEED)
            for those, (train, asked) in zip(names, folds, strict=True)
        ]
        yield from self._told(
            rows, "mean of families", self._measured(rows, folds, means), plain_ones, self._protocol, started, names
        )

    def _parts(self, rows: Rows, train: Places) -> Iterator[tuple[Places, Places]]:
        return (rows.split(train, _ASIDE, SEED + number) for number in range(self.tries))

    @property
    def _plain_protocol(self) -> str:
        return f"{self.about}; {told(self.plain)}; {self._judged}"

    @property
    def _protocol(self) -> str:
        parts = "a random fifth" if self.tries == 1 else f"{self.tries} random fifths"
        return (
            f"{self.about}; {all_told(self.learners.values())}; which of them, {parts} of each fold's training rows "
            f"said, no test row; {self._judged}"
        )

    @property
    def _judged(self) -> str:
        alike = "" if self.domain.tasks[0].quantiles else " of each label alike"
        return f"{self.folds} shuffled folds{alike}, mean of them or of all rows; seed {SEED} for folds and fits"

    def _measured(self, rows: Rows, folds: Sequence[tuple[Places, Places]], said: Sequence[Values]) -> list[float]:
        labels = [rows.labels[asked] for _, asked in folds]
        return [goal.measured(labels, said) for goal in self.goals]

    def _told(
        self,
        rows: Rows,
        by: str,
        ours: Sequence[float],
        plain: Sequence[float],
        protocol: str,
        started: float,
        names: Sequence[Sequence[str]] = (),
    ) -> Iterator[Figure]:
        is_mean = bool(names)
        for goal, found, least in zip(self.goals, ours, plain, strict=True):
            is_better = found > least if goal.more_is_better else found < least
            yield Figure(
                what=f"{self.name}, {by}: {goal.name}",
                ours=found,
                reference=goal.reference if is_mean else None,
                goal=goal.goal if is_mean else None,
                first_mark=goal.first_mark if is_mean else None,
                protocol=protocol,
                seed=SEED,
                samples=len(rows),
                seconds=time.monotonic() - started,
                holds=is_better or not is_mean,
                more_is_better=goal.more_is_better,
                note=f"{self.name}: {self._counted(names)}" if is_mean else "",
            )

    def _counted(self, names: Sequence[Sequence[str]]) -> str:
        counts = {name: sum(name in those for those in names) for name in self.learners}
        return f"of {len(names)} folds' means " + ", ".join(f"{count} hold {name}" for name, count in counts.items())
