"""A task's rows as gold has them, on some of which a family is fitted by its own engine, to be judged on others."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

from pipelines.contracts.domain import Domain
from pipelines.contracts.fits import FitPlan, Frame, Shard, Workspace
from pipelines.contracts.tasks import ParamValue, Share, Task
from pipelines.engines import fit
from pipelines.engines.recorder import FileRecorder
from pipelines.io.publication import Pin
from pipelines.models.base import families
from pipelines.models.rows import LABEL, Values, matrix
from pipelines.stages.train import frame, restricted
from pipelines.transforms.examples import examples
from tests.quality.through_gold import through_gold

Places = npt.NDArray[np.int64]
"""Numbers of rows."""

_TRAIN, _VALIDATE = Share(0.0, 0.5), Share(0.5, 1.0)
_STOPS_EARLY = 0.1
"""The part of the rows to fit on that a fit is stopped by."""


@dataclass(frozen=True)
class Learner:
    """A family with its parameters."""

    family: str
    params: Mapping[str, ParamValue] = field(default_factory=dict)


@dataclass(frozen=True)
class Rows:
    """A task's cut-offs with their features in the order of the entity, and the series of its label."""

    domain: Domain
    task: Task
    frame: Frame
    cut_offs: pa.Table
    series: pa.Table

    @classmethod
    def from_gold(cls, domain: Domain, task: Task, files: Mapping[str, bytes], as_of: datetime | None = None) -> Rows:
        """What becomes of these raw files; content by file."""
        with tempfile.TemporaryDirectory() as folder:
            return cls.held(domain, task, through_gold(domain.name, files, Path(folder), as_of))

    @classmethod
    def held(cls, domain: Domain, task: Task, pins: Mapping[str, Pin]) -> Rows:
        of = frame(domain, task)
        cut_offs, series = (
            DeltaTable(pins[name].path, version=pins[name].version).to_pyarrow_table()
            for name in (of.cut_offs, of.label_series)
        )
        return cls(domain, task, of, cut_offs.sort_by(of.entity), series)

    def __len__(self) -> int:
        return len(self.cut_offs)

    @cached_property
    def labels(self) -> Values:
        return matrix(self._examples(self.cut_offs, self.series), (LABEL,), 1)[:, 0]

    def without(self, features: Collection[str]) -> Rows:
        """The same rows, of which models do not see these features."""
        kept = [name for name in self.frame.features if name not in features]
        return Rows(self.domain, self.task, restricted(self.frame, kept), self.cut_offs, self.series)

    def predicted(self, learner: Learner, train: Places, validate: Places, asked: Places, seed: int) -> Values:
        """What a model says of the rows `asked`, be it a probability or a number: one that was fitted on `train` and
        stopped by `validate`. It gets to see nothing else, no label of `asked` above all.
        """
        with tempfile.TemporaryDirectory() as folder:
            plan = self._plan(learner, train, validate, seed, Path(folder))
            workspace = Workspace(Path(folder) / "fit")
            workspace.path.mkdir()
            model = fit(plan, workspace, None, FileRecorder(workspace)).model
        unlabelled = self._examples(self.cut_offs.take(asked), self.series.slice(0, 0))
        given = families()[learner.family].scorer(model).predict(unlabelled)
        found = dict(zip(given[self.frame.entity].to_pylist(), given[self.task.point].to_numpy(), strict=True))
        return np.array([found[name] for name in self.cut_offs[self.frame.entity].take(asked).to_pylist()])

    def whole(self, learner: Learner, train: Places, asked: Places, seed: int) -> Values:
        """As `predicted`, where nothing stops the fit: it goes on until its last round or epoch."""
        return self.predicted(learner, train, train, asked, seed)

    def learnt(self, learner: Learner, train: Places, asked: Places, seed: int) -> Values:
        """As `predicted`, where a tenth of `train` stops the fit that is made on the others."""
        rest, stops = self.split(train, _STOPS_EARLY, seed)
        return self.predicted(learner, rest, stops, asked, seed)

    def split(self, rows: Places, part: float, seed: int) -> tuple[Places, Places]:
        """The rows at random in two, the second of them this part of all; of each label alike where it is a class."""
        classes = None if self.task.quantiles else self.labels[rows]
        first, second = train_test_split(rows, test_size=part, random_state=seed, stratify=classes)
        return np.sort(first), np.sort(second)

    def in_time(self, part: float, rows: Places | None = None) -> tuple[Places, Places]:
        """The rows, all by default, as their cut-offs follow: the first of them, and the last, which are this part."""
        rows = np.arange(len(self)) if rows is None else rows
        order = rows[np.argsort(self.cut_offs["cut_at"].to_numpy()[rows], kind="stable")]
        cut = len(order) - round(part * len(order))
        return order[:cut], order[cut:]

    def folds(self, count: int, seed: int) -> Iterator[tuple[Places, Places]]:
        """Rows to fit on and to judge by, of a shuffled cross-validation; of each label alike where it is a class."""
        kind = KFold if self.task.quantiles else StratifiedKFold
        yield from kind(count, shuffle=True, random_state=seed).split(np.zeros(len(self)), self.labels)

    def _examples(self, cut_offs: pa.Table, series: pa.Table) -> pa.Table:
        return examples(cut_offs, {self.frame.label_series: series}, self.frame)

    def _plan(self, learner: Learner, train: Places, validate: Places, seed: int, folder: Path) -> FitPlan:
        shares = np.repeat([_TRAIN.start, _VALIDATE.start], [len(train), len(validate)])
        seen = self.cut_offs.take(np.concatenate([train, validate]))
        if Share.column in seen.column_names:
            seen = seen.drop([Share.column])
        entity = self.frame.entity
        answers = self.series.filter(pa.compute.is_in(self.series[entity], seen[entity].combine_chunks()))
        tables = {
            self.frame.cut_offs: seen.append_column(Share.column, pa.array(shares)),
            self.frame.label_series: answers,
        }
        for name, table in tables.items():
            pq.write_table(table, folder / f"{name}.parquet")
        return FitPlan(
            domain=self.domain.name,
            task=self.task.name,
            family=learner.family,
            engine="single",
            params=learner.params,
            seed=seed,
            frame=self.frame,
            quantiles=self.task.quantiles,
            train=_TRAIN,
            validate=_VALIDATE,
            tables={name: Shard(name, 0, (str(folder / f"{name}.parquet"),)) for name in tables},
        )
