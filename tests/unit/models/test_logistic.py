from __future__ import annotations

import json
import math

import pyarrow as pa
import pytest
from tiny_events import TRAIN, examples, plan_for, within

from pipelines.contracts.fits import FitError
from pipelines.models.logistic import Logistic

ROWS = within(examples(), TRAIN)


def test_a_category_has_a_term_for_each_value_but_its_first():
    result = Logistic().fit(ROWS, ROWS, plan_for("logistic"), None)
    terms = [(term["feature"], term["value"]) for term in json.loads(result.model)["sums"][0]["terms"]]
    assert terms[:5] == [
        ("carrier__place", 1.0),
        ("carrier__place", 2.0),
        ("carrier__place", 3.0),
        ("inbound_delay_min__as_of", None),
        ("distance_km__own", None),
    ]
    assert len(terms) == 5 + 1  # the time of day of an event is a number
    assert max(result.importance, key=result.importance.get) == "inbound_delay_min__as_of"


@pytest.mark.parametrize("written", ["now", "before there were several classes"])
def test_a_prediction_is_the_logistic_of_the_terms_however_far_they_go(written):
    content = json.loads(Logistic().fit(ROWS, ROWS, plan_for("logistic"), None).model)
    term = {"feature": "inbound_delay_min__as_of", "value": None, "mean": 1.0, "deviation": 2.0, "coefficient": 3.0}
    told = {"terms": [term], "intercept": -0.5}
    if written == "now":
        model = json.dumps(content | {"sums": [told]}).encode()
    else:
        model = json.dumps({"signature": content["signature"]} | told).encode()
    inbound = pa.array([1.0, 5.0, None, -1e6])
    asked = ROWS.slice(0, 4).set_column(3, "inbound_delay_min__as_of", inbound)
    predicted = Logistic().scorer(model).predict(asked)["probability"].to_pylist()
    at_mean = 1 / (1 + math.exp(0.5))
    assert predicted == pytest.approx([at_mean, 1 / (1 + math.exp(-5.5)), at_mean, 0.0], rel=1e-12)


def test_one_label_alone_is_nothing_to_learn_from():
    punctual = ROWS.set_column(6, "label", pa.array([[0.0]] * len(ROWS)))
    with pytest.raises(FitError, match=r"^logistic by single: every label .* is 0, so there is nothing to tell apart"):
        Logistic().fit(punctual, punctual, plan_for("logistic"), None)
