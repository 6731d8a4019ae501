from __future__ import annotations

import pyarrow as pa
import pytest
from tiny_events import examples, plan_for

from pipelines.models.constant import Constant


@pytest.mark.parametrize(
    ("labels", "quantiles", "expected"),
    [
        ([1.0, 0.0, 0.0, None, 0.0], (), {"probability": 0.25}),
        ([-2.0, 30.0, 2.0, None, 4.0, 0.0], (0.25, 0.5, 0.75), {"q25": 0.0, "q50": 2.0, "q75": 4.0}),
    ],
)
def test_whatever_is_asked_the_answer_is_what_the_labels_were(labels, quantiles, expected):
    rows = examples().slice(0, len(labels))
    train = rows.set_column(6, "label", pa.array([[label] for label in labels]))
    result = Constant().fit(train, train, plan_for("constant", quantiles=quantiles), None)
    predicted = Constant().scorer(result.model).predict(rows.slice(0, 2))
    assert predicted.select(list(expected)).to_pylist() == [expected, expected]
