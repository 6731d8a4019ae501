"""What holds for every family that puts the rows of a query in order, fitted on examples made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import xgboost

from pipelines.contracts.fits import FitError, Workspace
from pipelines.contracts.tasks import Rank
from pipelines.engines import fit
from pipelines.engines.kept import keep, kept
from pipelines.engines.recorder import FileRecorder
from pipelines.engines.shards import examples_of
from pipelines.metrics.orders import Orders
from pipelines.models.base import families
from pipelines.models.query_groups import numbers, teaches
from pipelines.models.rows import matrix
from tests.tiny_queries import FRAME, TEST, TRAIN, VALIDATE, examples, plan_for, within, write_gold

SMALL = {"xgboost": {"rounds": 40, "learning_rate": 0.2}}
FAMILIES = [name for name, family in families().items() if Rank in family.tasks]
ROWS = examples()


def fitted(name, folder, train=None, **params):
    family, recorder = families()[name], FileRecorder(Workspace(folder))
    train = within(ROWS, TRAIN) if train is None else train
    result = family.fit(train, within(ROWS, VALIDATE), plan_for(name, **SMALL.get(name, {}), **params), recorder)
    return replace(result, curves=recorder.points())


@pytest.fixture(scope="module")
def fits(tmp_path_factory):
    return {name: fitted(name, tmp_path_factory.mktemp(name)) for name in FAMILIES}


def scorer(name, result):
    return families()[name].scorer(result.model)


def label(rows):
    return np.array([row[0] for row in rows["label"].to_pylist()], np.float64)


def with_label(rows, value):
    place = rows.schema.get_field_index("label")
    return rows.set_column(place, "label", pa.array([[value]] * len(rows), pa.list_(pa.float64())))


def ndcg(of, rows):
    """The mean over the queries with a relevant row, of all places."""
    known = ~np.isnan(label(rows))
    score = of.predict(rows)["score"].to_numpy()[known]
    _, query = np.unique(np.asarray(rows["request_id"])[known].astype(str), return_inverse=True)
    found = Orders.of(label(rows)[known], score, query)
    return found.mean(found.ndcg(100))


def test_there_is_a_baseline_and_boosting():
    assert sorted(FAMILIES) == ["in_order", "xgboost"]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_scores_each_row_of_a_query(name, fits):
    rows = within(ROWS, TEST)
    predicted = scorer(name, fits[name]).predict(rows)
    assert predicted.column_names == ["offer_id", "cut_at", "step", "target_at", "score", "request_id"]
    assert predicted["request_id"] == rows["request_id"]
    assert predicted["score"].null_count == 0


def test_what_is_wanted_is_put_first(fits, tmp_path):
    rows = within(ROWS, TEST)
    by_place = scorer("in_order", fitted("in_order", tmp_path, by="place__own"))
    reached = [
        ndcg(of, rows) for of in (scorer("in_order", fits["in_order"]), by_place, scorer("xgboost", fits["xgboost"]))
    ]
    assert reached[0] < reached[1] < reached[2] - 0.1 and reached[2] > 0.9


@pytest.mark.parametrize("name", FAMILIES)
def test_a_row_scored_alone_equals_itself_in_a_batch(name, fits):
    of, rows = scorer(name, fits[name]), within(ROWS, TEST)
    batch = of.predict(rows).to_pylist()
    assert [of.predict(rows.slice(i, 1)).to_pylist()[0] for i in range(0, len(rows), 9)] == batch[::9]
    assert len(of.predict(rows.slice(0, 0))) == 0


@pytest.mark.parametrize("name", FAMILIES)
def test_a_kept_model_predicts_the_same_without_a_feature(name, fits, tmp_path):
    keep(fits[name], Workspace(tmp_path))
    rows = within(ROWS, TEST)
    for feature in FRAME.features:
        rows = rows.set_column(rows.schema.get_field_index(feature), feature, pa.nulls(len(rows), pa.float64()))
    found = scorer(name, kept(Workspace(tmp_path))).predict(rows)
    assert found.equals(scorer(name, fits[name]).predict(rows)) and found["score"].null_count == 0


def test_rows_in_another_order_make_the_same_model(fits, tmp_path):
    train = within(ROWS, TRAIN)
    mixed = train.take(pa.array(np.random.default_rng(3).permutation(len(train))))
    assert fitted("xgboost", tmp_path, mixed).model == fits["xgboost"].model


def test_queries_in_which_nothing_is_wanted_teach_nothing(fits, tmp_path):
    train = within(ROWS, TRAIN)
    taught = teaches(label(train), numbers(train["request_id"]))
    assert 0 < taught.sum() < 0.9 * len(train)
    assert fitted("xgboost", tmp_path, train.filter(pa.array(taught))).model == fits["xgboost"].model


def test_the_curve_is_the_ndcg_of_its_span_and_the_model_ends_where_it_is_highest(fits):
    result, rows = fits["xgboost"], within(ROWS, VALIDATE)
    validate = [point.value for point in result.curves if point.name == "validate/ndcg"]
    assert {point.name for point in result.curves} == {"train/ndcg", "validate/ndcg"}
    assert max(validate) == validate[result.best_step]
    assert ndcg(scorer("xgboost", result), rows) == pytest.approx(max(validate), abs=1e-6)


def test_contributions_sum_to_the_score(fits):
    of, rows = scorer("xgboost", fits["xgboost"]), within(ROWS, TEST).slice(0, 50)
    shares, score = of.contributions(rows), of.predict(rows)["score"].to_numpy()
    rest = score - shares.sum(axis=1)
    assert shares.shape == (50, 3) and rest == pytest.approx(rest[0], abs=1e-5)
    assert np.abs(shares).mean(axis=0).argmax() == 0


def test_a_feature_that_is_not_there_gives_no_order(tmp_path):
    with pytest.raises(
        FitError, match=r"^in_order: no feature 'rank' to put 'relevance' in order by; there are: price__own, "
    ):
        fitted("in_order", tmp_path, by="rank")


def test_an_unknown_value_stands_with_the_last(fits, tmp_path):
    of = scorer("in_order", fitted("in_order", tmp_path, by="place__own"))
    rows = within(ROWS, TEST).slice(0, 3)
    place = pa.array([2.0, None, 6.0])
    rows = rows.set_column(rows.schema.get_field_index("place__own"), "place__own", place)
    assert of.predict(rows)["score"].to_pylist() == [-2.0, -6.0, -6.0]


def test_labels_that_are_no_relevance_are_named(tmp_path):
    train = within(ROWS, TRAIN)
    for value in (None, 0.0):
        with pytest.raises(FitError, match=r"^xgboost by single: no query of the train span has a relevant row$"):
            fitted("xgboost", tmp_path, with_label(train, value))
    for value in (1.5, -1.0, 32.0):
        said = f"^xgboost by single: 'relevance' says how relevant a row is, .* from 0 to 31; found {value:g}"
        with pytest.raises(FitError, match=said):
            fitted("xgboost", tmp_path, pa.concat_tables([train, with_label(train.slice(0, 1), value)]))


@pytest.mark.parametrize(
    ("param", "said"),
    [({"loss": "squared"}, "not for an order"), ({"class_weight": "balanced"}, "is for probabilities")],
)
def test_what_is_for_numbers_or_classes_alone_is_refused(param, said, tmp_path):
    with pytest.raises(FitError, match=said):
        fitted("xgboost", tmp_path, **param)


def test_a_family_of_another_kind_refuses(tmp_path):
    with pytest.raises(FitError, match=r"^constant answers .* tasks, 'relevance' is of the kind Rank$"):
        fit(plan_for("constant"), Workspace(tmp_path), None, FileRecorder(Workspace(tmp_path)))


def test_shards_hold_whole_queries_each_once(tmp_path):
    plan = plan_for("xgboost", tables=write_gold(tmp_path))
    parts = [examples_of(plan, TRAIN, shard, 7) for shard in range(7)]
    names = [set(part["request_id"].to_pylist()) for part in parts]
    assert sum(map(len, names)) == len(set().union(*names)) == 180
    made, wanted = pa.concat_tables(parts), within(ROWS, TRAIN)
    for column in made.column_names:
        assert made[column].to_pylist() == wanted[column].to_pylist(), column
    workspace = Workspace(tmp_path / "fit")
    by_engine = fit(replace(plan, params=SMALL["xgboost"]), workspace, None, FileRecorder(workspace))
    booster = xgboost.Booster(model_file=bytearray(by_engine.model))
    rows = xgboost.DMatrix(matrix(wanted, FRAME.features, 1), feature_names=list(FRAME.features))
    scored = scorer("xgboost", by_engine).predict(wanted)["score"].to_numpy()
    assert (scored == booster.predict(rows).astype(np.float64)).all()


def test_a_query_larger_than_a_shard_leaves_the_next_one_empty(tmp_path):
    plan = plan_for("xgboost", tables=write_gold(tmp_path))
    one_hour = replace(TRAIN, end=TRAIN.start.replace(hour=1))
    assert [len(examples_of(plan, one_hour, shard, 3)) for shard in range(3)] == [0, 0, 6]


def test_numbers_rise_where_another_query_begins():
    assert numbers(pa.chunked_array([["a", "a", "b"], ["b", "c"]]), 4).tolist() == [4, 4, 5, 5, 6]
    assert numbers(pa.array([], pa.string())).tolist() == []


def test_rows_teach_where_a_row_beside_them_is_relevant():
    unknown = float("nan")
    labels = np.array([0.0, 2.0, unknown, 0.0, 0.0, unknown, 1.0])
    found = teaches(labels, np.array([3, 3, 3, 4, 4, 5, 6]))
    assert found.tolist() == [True, True, False, False, False, False, True]
