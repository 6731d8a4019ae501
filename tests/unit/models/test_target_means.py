"""Target means: learnt on the train span alone, never from a row's own label, and kept in the model."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

from pipelines.contracts.fits import Encoding, FitPlan, Frame, Workspace
from pipelines.engines import fit
from pipelines.engines.recorder import FileRecorder
from pipelines.engines.shards import examples_of, with_encodings
from pipelines.models.base import Signature, families
from pipelines.models.encodings import encoded, encoded_out_of_fold, learnt
from tests.tiny_events import FRAME, TEST, TRAIN, examples, plan_for, within, write_gold

BOATS = replace(FRAME, entity="boat_id", cut_off_features=("quay__target_mean",), encoded=(("quay__target_mean", 2.0),))
SMOOTH = (("carrier__place", 10.0), ("distance_km__own", 10.0))
"""The carrier says much; the distance, which no other row has, says nothing."""
ENCODED = replace(FRAME, categories=(), encoded=SMOOTH)


def boats(*rows: tuple[str, float | None, float | None]) -> pa.Table:
    """(name, code of the quay, label)."""
    names, codes, labels = zip(*rows, strict=True)
    lists = pa.array([[label] for label in labels], pa.list_(pa.float64()))
    return pa.table({"boat_id": list(names), "quay__target_mean": pa.array(codes, pa.float64()), "label": lists})


def means(rows: pa.Table) -> list[float | None]:
    return rows["quay__target_mean"].to_pylist()


def test_a_mean_is_pulled_to_that_of_all_and_what_training_had_not_is_the_mean_of_all():
    train = boats(("a", 7.0, 1.0), ("b", 7.0, 1.0), ("c", 3.0, 0.0), ("d", None, 0.0), ("e", 7.0, None))
    (encoding,) = learnt(train, BOATS).whole
    # all: 2 of 4; quay 3: (0 + 2 · 0.5) / (1 + 2); quay 7: (2 + 2 · 0.5) / (2 + 2), the unknown label not counted
    assert encoding == Encoding("quay__target_mean", (3.0, 7.0), (1 / 3, 0.75), 0.5)
    asked = boats(("x", 3.0, None), ("y", 7.0, None), ("z", 5.0, None), ("u", 9e15, None), ("v", None, None))
    assert means(encoded(asked, [encoding])) == [1 / 3, 0.75, 0.5, 0.5, None]


def test_a_training_row_is_given_what_the_other_folds_say():
    rows = [(f"boat {n}", float(n % 3), float(n % 2)) for n in range(60)]
    told = encoded_out_of_fold(boats(*rows), learnt(boats(*rows), BOATS), "boat_id")
    for n in range(60):
        name, code, label = rows[n]
        turned = [*rows[:n], (name, code, 1.0 - label), *rows[n + 1 :]]
        again = encoded_out_of_fold(boats(*turned), learnt(boats(*turned), BOATS), "boat_id")
        assert means(again)[n] == means(told)[n]  # its own label is not in it
        assert means(again) != means(told)  # others' are
    twins = boats(*rows, ("boat 7", 1.0, 0.0))  # asked about again: the same answer, so the same fold
    told = means(encoded_out_of_fold(twins, learnt(twins, BOATS), "boat_id"))
    assert told[7] == told[60]


def test_folds_are_the_same_in_every_shard_and_of_like_size():
    rows = boats(*[(f"boat {n}", float(n), 1.0) for n in range(1_000)])
    of_all = encoded_out_of_fold(rows, learnt(rows, BOATS), "boat_id")
    part = encoded_out_of_fold(rows.slice(300, 50), learnt(rows, BOATS), "boat_id")
    assert means(part) == means(of_all)[300:350]
    sizes = [1_000 - len(without[0].codes) for without in learnt(rows, BOATS).without]
    assert len(sizes) == 5 and sum(sizes) == 1_000 and min(sizes) > 150


def plan_on(folder, family: str, frame: Frame = ENCODED, **given) -> FitPlan:
    return replace(plan_for(family, tables=write_gold(folder), **given), frame=frame)


def test_no_label_from_outside_the_train_span_is_in_a_mean(tmp_path):
    """The global target encoding, planted: were it learnt from all labels, other answers later would change it."""
    (tmp_path / "poisoned").mkdir()
    plans = [plan_on(tmp_path, "logistic"), plan_on(tmp_path / "poisoned", "logistic")]
    train = set(within(examples(), TRAIN)["leg_id"].to_pylist())
    (file,) = plans[1].tables["gold.tiny_outcomes"].files
    outcomes = pq.read_table(file)
    is_later = pc.invert(pc.is_in(outcomes["leg_id"], pa.array(sorted(train))))
    answers = pc.if_else(is_later, 1.0, outcomes["is_late"])
    pq.write_table(outcomes.set_column(outcomes.schema.get_field_index("is_late"), "is_late", answers), file)
    assert examples_of(plans[0], TEST)["label"] != examples_of(plans[1], TEST)["label"]
    assert with_encodings(plans[0]).encodings == with_encodings(plans[1]).encodings
    assert plans[0].key == replace(plans[1], tables=plans[0].tables).key != plan_for("logistic").key


@pytest.mark.parametrize("family", ["logistic", "xgboost", "mlp", "constant"])
def test_a_model_carries_its_means_and_scores_codes_by_itself(family, tmp_path):
    params = {"xgboost": {"rounds": 40, "learning_rate": 0.2}, "mlp": {"epochs": 6, "batch": 64, "hidden": 16}}
    plan = plan_on(tmp_path, family, **params.get(family, {}))
    workspace = Workspace(tmp_path / "fit")
    scorer = families()[family].scorer(fit(plan, workspace, None, FileRecorder(workspace)).model)
    assert scorer.signature.encodings == with_encodings(plan).encodings.whole
    asked = examples_of(plan, TEST)  # codes as gold has them
    predicted = scorer.predict(asked)["probability"].to_numpy()
    label = np.array([row[0] for row in asked["label"].to_pylist()], np.float64)
    known = ~np.isnan(label)
    if family != "constant":
        assert roc_auc_score(label[known], predicted[known]) > 0.8
        as_text = asked.set_column(2, "carrier__place", pa.array([1e15] * len(asked)))
        assert (scorer.predict(as_text)["probability"].to_numpy() != predicted).any()


def test_a_name_that_no_other_row_has_teaches_a_model_nothing(tmp_path):
    """Encoded with its own label, the distance would be the answer in training: the worst that a target mean can do."""
    plan = with_encodings(plan_on(tmp_path, "xgboost"))
    train = examples_of(plan, TRAIN)
    label = np.array([row[0] for row in train["label"].to_pylist()], np.float64)
    known = ~np.isnan(label)
    naive = encoded(examples_of(plan_on(tmp_path, "xgboost"), TRAIN), plan.encodings.whole)
    skill = {
        name: roc_auc_score(label[known], rows["distance_km__own"].to_numpy()[known])
        for name, rows in (("out of fold", train), ("naive", naive))
    }
    assert skill["naive"] == 1.0 and 0.4 < skill["out of fold"] < 0.6


def test_two_shards_fit_on_what_one_process_fits_on(tmp_path):
    plan = with_encodings(plan_on(tmp_path, "mlp"))
    halves = pa.concat_tables([examples_of(plan, TRAIN, shard, 2) for shard in (0, 1)])
    assert halves.to_pylist() == examples_of(plan, TRAIN).to_pylist()


def test_workers_on_spark_learn_from_the_same_means(spark, tmp_path):
    found = {}
    for engine, workers in (("spark_ml", 2), ("single", 1)):
        plan, workspace = plan_on(tmp_path, "logistic", engine=engine, workers=workers), Workspace(tmp_path / engine)
        result = fit(plan, workspace, lambda: spark, FileRecorder(workspace))
        found[engine] = json.loads(result.model)
    assert found["spark_ml"]["signature"] == found["single"]["signature"]
    there, here = (
        [term["coefficient"] for term in found[engine]["sums"][0]["terms"]] for engine in ("spark_ml", "single")
    )
    assert len(here) == 4 and there == pytest.approx(here, abs=1e-4)


def test_a_signature_without_means_is_that_of_an_earlier_model():
    signature = Signature.of(plan_for("logistic"))
    assert Signature.read(signature.json()) == signature
    assert Signature.read(signature.json().replace('"encodings": [], ', "")) == signature
