"""The mean of which learners judges rows: chosen by what they say of training rows that they were not fitted on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, combinations

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from pipelines.models.rows import Values
from tests.quality.tabular import Learner, Places, Rows

Measure = Callable[[Values, Values], float]
"""Of labels and of what was said of them."""


def chosen(
    rows: Rows, learners: Mapping[str, Learner], loss: Measure, parts: Iterable[tuple[Places, Places]], seed: int
) -> tuple[str, ...]:
    """The names of those whose mean does best; parts: training rows to fit on, and others of them to choose by."""
    labels, said = [], []
    for rest, aside in parts:
        labels.append(rows.labels[aside])
        said.append({name: rows.whole(learner, rest, aside, seed) for name, learner in learners.items()})
    return best_mean(labels, said, loss)


def mean_of(rows: Rows, learners: Iterable[Learner], train: Places, asked: Places, seed: int) -> Values:
    """What learners say of the rows `asked` on the mean, each fitted on all of `train`."""
    return np.mean([rows.whole(learner, train, asked, seed) for learner in learners], axis=0)


def best_mean(labels: Sequence[Values], said: Sequence[Mapping[str, Values]], loss: Measure) -> tuple[str, ...]:
    """Those whose mean has the least loss, summed over the parts; of equals the fewest, and the first."""
    names = list(said[0])
    some = chain.from_iterable(combinations(names, count) for count in range(1, len(names) + 1))

    def of(means: Sequence[str]) -> float:
        return sum(
            loss(right, np.mean([answers[name] for name in means], axis=0))
            for right, answers in zip(labels, said, strict=True)
        )

    return min(some, key=of)


def missed(labels: Values, said: Values) -> float:
    """What AUC and average precision are short of 1, together."""
    return 2.0 - float(roc_auc_score(labels, said)) - float(average_precision_score(labels, said))


def told(learner: Learner) -> str:
    """xgboost (rounds 400, max_depth 4)."""
    params = ", ".join(f"{name} {value}" for name, value in learner.params.items())
    return f"{learner.family} ({params})" if params else learner.family


def all_told(learners: Iterable[Learner]) -> str:
    """A mean's learners, for a protocol."""
    return f"the mean of one or more of: {'; '.join(map(told, learners))}"
