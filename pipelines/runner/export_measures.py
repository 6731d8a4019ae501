"""What an exported model is asked, and how the forms of one model compare: size, time, loss."""

from __future__ import annotations

import gzip
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.contracts.cards import ModelCard
from pipelines.contracts.fits import FitPlan
from pipelines.contracts.tasks import Task
from pipelines.engines.shards import examples_of
from pipelines.metrics import point
from pipelines.metrics.losses import direction
from pipelines.models.encodings import encoded
from pipelines.models.exportable import Exportable, Tensors
from pipelines.models.formats import Answer
from pipelines.models.rows import LABEL, lists
from pipelines.stages.evaluate import judge
from pipelines.transforms.intervals import shifted

Values = npt.NDArray[np.float64]

_LOSSES = ("mae", "log_loss", "disorder", "ndcg")
"""What skill is counted in: of these the one that a task is judged by."""
_CALLS = 30


@dataclass(frozen=True)
class Weighed:
    """A form of a model. packed: its bytes after gzip, to which zeros are nothing. milliseconds: the median for one
    cut-off asked alone, on one thread. losses: on the test span the loss that skill is counted in and, where the run
    says how good the naive answer is, `skill` and `skill_lost`, by how much it is less than the scorer's."""

    form: str
    bytes: int
    packed: int
    milliseconds: float
    losses: Mapping[str, float]


class Questions:
    """All of the test span as an exported model is asked it, beside the answers of the scorer."""

    def __init__(self, plan: FitPlan, task: Task, card: ModelCard, scorer: Exportable) -> None:
        self._task, self._card, self._scorer = task, card, scorer
        self.examples = examples_of(plan, task.split.spans["test"])
        self.predicted = scorer.predict(self.examples)
        self.tensors = self.first(len(self.examples))
        self.expected = np.stack([self.predicted[name].to_numpy() for name in scorer.signature.outputs], axis=1)

    def first(self, examples: int) -> Tensors:
        """What the model is given of the first so many examples."""
        some = self.examples.slice(0, examples)
        return self._scorer.tensors(encoded(some, self._scorer.signature.encodings))

    def answers(self, answer: Answer) -> Values:
        """(examples · steps, outputs), in order as the scorer's."""
        found = np.asarray(answer(self.tensors), np.float64).reshape(-1, len(self._scorer.signature.outputs))
        return np.sort(found, axis=1) if self._card.quantiles else found

    def scorer_weighed(self, model: bytes) -> Weighed:
        """The scorer itself."""
        one = self.examples.slice(0, 1)
        return self._weighed("scorer", model, lambda: self._scorer.predict(one), self.expected)

    def weighed(self, form: str, content: bytes, answer: Answer, found: Values) -> Weighed:
        """found: what it answered to all."""
        one = self.first(1)
        return self._weighed(form, content, lambda: answer(one), found)

    def _weighed(self, form: str, content: bytes, ask: Callable[[], Any], found: Values) -> Weighed:
        return Weighed(form, len(content), len(gzip.compress(content)), _milliseconds(ask), self._losses(found))

    def _losses(self, answers: Values) -> dict[str, float]:
        rows, task = self.predicted, self._task
        for place, name in enumerate(self._scorer.signature.outputs):
            column = pa.array(np.ascontiguousarray(answers[:, place]), from_pandas=True)
            rows = rows.set_column(rows.schema.get_field_index(name), name, column)
        labels = lists(self.examples, LABEL, self._scorer.signature.steps).ravel()
        rows = shifted(rows, self._card.calibration).append_column("actual", pa.array(labels, from_pandas=True))
        alone = replace(
            task, families=(self._card.family,), params={}, promote=replace(task.promote, must_beat=self._card.family)
        )
        found = judge({self._card.family: rows}, alone, f"the test span ({task.split.spans['test']})")
        metrics = found[self._card.family]
        return {name: metrics[name] for name in _LOSSES if f"naive_{name}" in metrics}


def with_skills(forms: Sequence[Weighed], recorded: Mapping[str, float]) -> list[Weighed]:
    """The same with their skill, the scorer being the first. recorded: the metrics of the model's run, the naive
    answer's among them."""
    (loss,) = forms[0].losses
    naive = recorded.get(f"naive_{loss}", math.nan)
    if math.isnan(naive):
        return list(forms)
    skills = [direction(loss) * point.skill(of.losses[loss], naive) for of in forms]
    return [
        replace(of, losses={**of.losses, "skill": skill, "skill_lost": skills[0] - skill})
        for of, skill in zip(forms, skills, strict=True)
    ]


def _milliseconds(work: Callable[[], Any]) -> float:
    work()
    taken = []
    for _ in range(_CALLS):
        start = time.perf_counter()
        work()
        taken.append(1000.0 * (time.perf_counter() - start))
    return median(taken)
