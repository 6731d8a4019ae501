"""What holds for every family, whichever is added: fitted on a tiny gold in this process."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tiny_gold import day, plan_for, write_gold

from pipelines.contracts.fits import FitError, Workspace
from pipelines.contracts.tasks import Forecast, Span
from pipelines.engines import fit
from pipelines.engines.recorder import FileRecorder
from pipelines.engines.shards import examples_of
from pipelines.metrics.point import mae
from pipelines.models.base import families
from pipelines.models.rows import lists

SMALL = {
    "seasonal_naive": {"season_steps": 24},
    "xgboost": {"rounds": 30, "learning_rate": 0.2},
    "random_forest": {"trees": 20},
    "lstm": {"epochs": 4, "hidden": 8, "origins_every": 4},
    "mlp": {"epochs": 30, "batch": 32},
    "dlinear": {"epochs": 4, "origins_every": 4},
    "nlinear": {"epochs": 4, "origins_every": 4},
    "cnn": {"epochs": 4, "hidden": 8, "origins_every": 4},
    "tcn": {"epochs": 4, "hidden": 8, "origins_every": 4},
    "patchtst": {"epochs": 4, "origins_every": 4},
}
FAMILIES = [name for name, family in families().items() if Forecast in family.tasks]


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return write_gold(tmp_path_factory.mktemp("gold"))


def fitted(name, tables, folder):
    workspace = Workspace(folder)
    plan = plan_for(name, tables, **SMALL.get(name, {}))
    return plan, fit(plan, workspace, None, FileRecorder(workspace))


@pytest.fixture(scope="module")
def fits(tables, tmp_path_factory):
    return {name: fitted(name, tables, tmp_path_factory.mktemp(name)) for name in FAMILIES}


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_learns_and_its_quantiles_ascend(name, fits, tables):
    plan, result = fits[name]
    examples = examples_of(plan, Span(day(34), day(39)))
    predicted = families()[name].scorer(result.model).predict(examples)
    assert predicted.column_names == ["region_id", "cut_at", "step", "target_at", "q10", "q50", "q90"]
    assert len(predicted) == 2 * 5 * 12
    quantiles = np.stack([predicted[q].to_numpy() for q in ("q10", "q50", "q90")])
    assert np.isfinite(quantiles).all()
    assert (np.diff(quantiles, axis=0) >= 0).all()
    labels = lists(examples, "label", 12).ravel()
    assert mae(labels, quantiles[1]) < 0.5 * mae(labels, np.full_like(labels, labels.mean()))


@pytest.mark.parametrize("name", FAMILIES)
def test_a_row_scored_alone_equals_itself_in_a_batch(name, fits):
    plan, result = fits[name]
    scorer = families()[name].scorer(result.model)
    examples = examples_of(plan, Span(day(8), day(28)))  # 40 examples: more than one block of the net
    batch = scorer.predict(examples).to_pylist()
    for i in (0, 17, 39):
        assert scorer.predict(examples.slice(i, 1)).to_pylist() == batch[12 * i : 12 * (i + 1)]
    assert len(scorer.predict(examples.slice(0, 0))) == 0


@pytest.mark.parametrize("name", FAMILIES)
def test_missing_features_do_not_stop_a_prediction(name, fits):
    plan, result = fits[name]
    examples = examples_of(plan, Span(day(34), day(35)))
    bare = examples.select(["region_id", "cut_at"])
    for column in examples.column_names[2:]:
        nothing = [None] * (48 if "history" in column else 12)
        values = [nothing if "mean" not in column else None] * len(examples)
        bare = bare.append_column(column, [values])
        bare = bare.set_column(bare.num_columns - 1, column, bare[column].cast(examples.schema.field(column).type))
    predicted = families()[name].scorer(result.model).predict(bare)
    assert [predicted[q].null_count for q in ("q10", "q50", "q90")] == [0, 0, 0]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_span_without_labels_is_named(name, tables, tmp_path):
    plan = plan_for(name, tables, **SMALL.get(name, {}))
    plan = replace(plan, train=Span(day(200), day(210)))
    with pytest.raises(FitError, match=r"train span|no cut-off to train on"):
        fit(plan, Workspace(tmp_path), None, FileRecorder(Workspace(tmp_path)))


@pytest.mark.parametrize("name", ["xgboost", "lstm", "mlp", "dlinear", "nlinear", "cnn", "tcn", "patchtst"])
def test_what_is_learnt_in_rounds_leaves_both_curves_in_the_labels_unit(name, fits):
    result = fits[name][1]
    curves = {
        which: [p.value for p in result.curves if p.name == f"{which}/pinball"] for which in ("train", "validate")
    }
    assert len(curves["train"]) == len(curves["validate"]) > result.best_step
    assert min(curves["validate"]) == curves["validate"][result.best_step]
    assert 0.5 < min(curves["validate"]) < 10.0


def test_importance_names_the_features(fits):
    plan, result = fits["xgboost"]
    assert set(result.importance) == set(plan.frame.features)
    assert max(result.importance, key=result.importance.get).startswith("load_mw__")
