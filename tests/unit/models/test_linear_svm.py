"""The support vector machine's own rules; what it shares with all families is tested in test_event_families."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from tiny_events import TRAIN, VALIDATE, examples, plan_for, within

from pipelines.contracts.fits import FitError
from pipelines.models.linear_svm import LinearSVM
from pipelines.models.platt import learnt

ROWS = examples()


class Quiet:
    def record(self, name, step, value):
        pass


def fitted(rows=ROWS, quantiles=(), **params):
    plan = plan_for("linear_svm", quantiles=quantiles, **params)
    return json.loads(LinearSVM().fit(within(rows, TRAIN), within(rows, VALIDATE), plan, Quiet()).model)


def labelled(values):
    return ROWS.set_column(ROWS.schema.get_field_index("label"), "label", pa.array([[value] for value in values]))


def test_margins_that_tell_for_certain_make_no_certain_probability():
    margins = np.repeat([-1.0, 1.0], 8)
    assert learnt(margins, np.repeat([0.0, 1.0], 8)).probability(np.array([-1.0, 1.0])) == pytest.approx([0.1, 0.9])


def test_a_weight_moves_the_margin_and_not_the_mean_probability():
    plain, weighted = fitted(), fitted(class_weight="1=5")
    assert weighted["intercept"] > plain["intercept"] + 0.3
    assert weighted["curve"]["intercept"] < plain["curve"]["intercept"]


def test_one_label_alone_is_named_with_its_span():
    rows = labelled([0.0] * len(ROWS))
    with pytest.raises(FitError, match="every label of the train span is 0, so there is nothing to tell apart"):
        fitted(rows)


def test_without_a_tolerance_half_of_the_training_errors_are_negative():
    carrier = ROWS["carrier__place"].to_numpy()
    skewed = carrier + np.random.default_rng(1).exponential(5.0, len(ROWS))
    model = fitted(labelled(skewed.tolist()), quantiles=(0.1, 0.5, 0.9))
    assert model["shifts"][1] == 0.0
    assert model["intercept"] == pytest.approx(np.median(skewed), abs=0.3)


def test_more_rows_than_its_solver_should_be_given_are_refused():
    said = r"1,500 training rows are more than most_rows \(1,000\); take the family linear, or train on a shorter span"
    with pytest.raises(FitError, match=said):
        fitted(labelled([1.0] * len(ROWS)), quantiles=(0.5,), most_rows=1_000)
