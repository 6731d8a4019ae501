"""What a run says of a bundle: who has a model of its own, and for whom the pooled one answers."""

from __future__ import annotations

import csv
from dataclasses import replace

import pyarrow as pa

from pipelines.models.base import Signature
from pipelines.models.bundles import Bundle
from pipelines.runner.entities import by_entity, by_which_model, told_pooled
from pipelines.stages.evaluate import evaluate
from tests.toy_domains.mill.domain import DOMAIN
from tests.unit.stages.test_evaluate import LINEAR, NAIVE, TASK

SIGNATURE = Signature("station_id", ("step",), 3600.0, 2, (0.1, 0.5, 0.9), scope="per_entity")
BUNDLE = Bundle(SIGNATURE, 40, b"pooled", {"a": b"own", "b": b"own"}, {"a": 90, "b": 70, "c": 12})


def test_the_pooled_models_entities_are_counted_and_named():
    assert by_which_model(BUNDLE) == (
        "2 of 3 station_id have a model of their own; 1 (c) with fewer than 40 labelled rows, or none to validate on, "
        "and all others are answered by the pooled model"
    )
    everyone = replace(BUNDLE, rows={"a": 90, "b": 70})
    assert by_which_model(everyone) == (
        "2 of 2 station_id have a model of their own; all others are answered by the pooled model"
    )
    assert told_pooled(BUNDLE, ["b", "c", "d"]) == "the pooled model answered for 2 (c, d) of 3 station_id"
    assert told_pooled(BUNDLE, ["b"]) == "each station_id was answered by its own model"


def test_each_entity_of_the_test_span_is_a_line_beside_its_model():
    def at(station: str, rows: pa.Table) -> pa.Table:
        return rows.set_column(0, "station_id", pa.array([station] * len(rows)))

    stations = ("a", "c", "d")
    naive, linear = (pa.concat_tables([at(name, rows) for name in stations]) for rows in (NAIVE, LINEAR))
    seen = evaluate({"seasonal_naive": naive, "linear": linear}, TASK)
    told = by_entity(BUNDLE, seen["linear"], seen["seasonal_naive"], DOMAIN.tasks[0])
    rows = list(csv.DictReader(told.documents["entities.csv"].splitlines()))
    assert [(row["station_id"], row["model"], row["train_rows"], row["skill"]) for row in rows] == [
        ("a", "own", "90", "0.5"),
        ("c", "pooled", "12", "0.5"),
        ("d", "pooled", "0", "0.5"),
    ]
    assert told.metrics == {
        "entities/own": 2.0,
        "entities/too_few_rows": 1.0,
        "entities/unseen": 1.0,
        "entities/no_better_than_naive": 0.0,
    }
