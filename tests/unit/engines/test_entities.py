"""A model of each entity: who gets one, who answers for the others, and the same bytes however they were made."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.contracts.features import Lag
from pipelines.contracts.fits import FitError, FitPlan, Frame, Shard, TargetFeatures, Workspace
from pipelines.contracts.tasks import Span
from pipelines.engines import fit
from pipelines.engines.by_entity import fit_entities, made
from pipelines.engines.kept import keep
from pipelines.engines.predictions import Model, StaleModel, predictions
from pipelines.engines.recorder import PARTS, FileRecorder
from pipelines.engines.shards import examples_of
from pipelines.models.base import families
from pipelines.models.bundles import Bundle, scorer_of

START, HOURS = datetime(2024, 1, 1, tzinfo=UTC), 24 * 40
INSTANT = pa.timestamp("us", tz="UTC")
LAWS = {"a": (2.0, 10.0), "b": (-3.0, 50.0), "c": (0.5, -20.0)}
"""By entity slope and level: what is read at hour h is level + slope · pressure at h."""
NEW, RARE = "new", "rare"
FRAME = Frame(
    entity="site_id",
    cut_offs="gold.cut_offs",
    cut_off_features=(),
    targets=(TargetFeatures("gold.pressure", "", (Lag("pressure_kpa", (6,)),)),),
    windows=(),
    label="flow",
    label_series="gold.flow",
    step=timedelta(hours=1),
    steps=3,
    label_known_after=timedelta(0),
)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def series(values: dict[str, list], at: list[datetime]) -> pa.Table:
    instants = pa.array(at, INSTANT)
    return pa.table({"at": instants, "known_at": instants, "known_until": pa.nulls(len(at), INSTANT), **values})


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Flows by three laws of one pressure, six hours before; `rare` has three days, `new` begins after the train span;
    both go by the first law. The opening never changes at b."""
    folder = tmp_path_factory.mktemp("gold")
    at = [START + timedelta(hours=hour) for hour in range(HOURS)]
    pressure = np.random.default_rng(3).normal(10.0, 4.0, HOURS)
    days = {site: range(1, 39) for site in LAWS} | {RARE: range(8, 11), NEW: range(30, 39)}
    flows, cuts = [], []
    for site, of in days.items():
        slope, level = LAWS.get(site, LAWS["a"])
        hours = [hour for hour in range(6, HOURS) if hour // 24 in of]
        flow = [level + slope * pressure[hour - 6] for hour in hours]
        flows.append(series({"site_id": [site] * len(hours), "flow": flow}, [at[hour] for hour in hours]))
        opening = [0.0 if site == "b" else float(n) for n in of]
        at_cuts = pa.array([day(n) for n in of], INSTANT)
        cuts.append(pa.table({"site_id": [site] * len(of), "cut_at": at_cuts, "opening_mm": opening}))
    made = {
        "gold.flow": pa.concat_tables(flows),
        "gold.cut_offs": pa.concat_tables(cuts),
        "gold.pressure": series({"pressure_kpa": pressure}, at),
    }
    for name, table in made.items():
        pq.write_table(table, folder / f"{name}.parquet")
    return {name: Shard(name, 1, (str(folder / f"{name}.parquet"),)) for name in made}


def plan_for(tables, engine="single", family="linear", scope="per_entity", workers=1, least_rows=20, **params):
    return FitPlan(
        domain="pumps",
        task="flow",
        family=family,
        engine=engine,
        params={"ridge": 1e-6} if family == "linear" else params,
        seed=7,
        frame=FRAME,
        quantiles=(0.1, 0.5, 0.9),
        train=Span(day(1), day(24)),
        validate=Span(day(24), day(30)),
        tables=tables,
        workers=workers,
        scope=scope,
        least_rows=least_rows if scope == "per_entity" else 0,
    )


def attempt(plan, folder, spark=None):
    workspace = Workspace(folder)
    return fit(plan, workspace, lambda: spark, FileRecorder(workspace))


@pytest.fixture(scope="module")
def alone(tables, tmp_path_factory):
    return attempt(plan_for(tables), tmp_path_factory.mktemp("alone"))


def errors(scorer, tables):
    """By entity the greatest error of the point forecast after the validate span."""
    examples = examples_of(plan_for(tables), Span(day(30), day(38)))
    told = scorer.predict(examples)
    off = np.abs(told["q50"].to_numpy() - pa.compute.list_flatten(examples["label"]).to_numpy())
    sites = np.asarray(told["site_id"]).astype(str)
    return {str(site): float(np.nanmax(off[sites == site])) for site in np.unique(sites)}


def test_each_entity_has_its_own_law_where_one_model_of_all_has_none(tables, alone, tmp_path):
    pooled = attempt(plan_for(tables, scope="global"), tmp_path).model
    of_all, own = (
        errors(scorer_of("linear", pooled, "global"), tables),
        errors(scorer_of("linear", alone.model, "per_entity"), tables),
    )
    assert min(of_all[site] for site in LAWS) > 5.0
    assert max(own[site] for site in LAWS) < 0.01


def test_who_was_never_seen_or_has_too_few_rows_is_answered_by_the_pooled_model(tables, alone):
    bundle = Bundle.read(alone.model)
    assert (sorted(bundle.own), bundle.few, bundle.rows) == (
        ["a", "b", "c"],
        (RARE,),
        {"a": 69, "b": 69, "c": 69, RARE: 9},
    )
    pooled = families()["linear"].scorer(bundle.pooled)
    examples = examples_of(plan_for(tables), Span(day(8), day(38)))
    told, by_pooled = (of.predict(examples) for of in (scorer_of("linear", alone.model, "per_entity"), pooled))
    for site, is_same in ((RARE, True), (NEW, True), ("a", False)):
        rows = pa.compute.equal(told["site_id"], site)
        assert told.filter(rows).equals(by_pooled.filter(rows)) is is_same, site


def test_a_row_scored_alone_equals_itself_in_a_batch(tables, alone):
    scorer = scorer_of("linear", alone.model, "per_entity")
    examples = examples_of(plan_for(tables), Span(day(8), day(38)))
    batch = scorer.predict(examples).to_pylist()
    for place in (0, 31, len(examples) - 1):
        assert scorer.predict(examples.slice(place, 1)).to_pylist() == batch[3 * place : 3 * place + 3]
    assert len(scorer.predict(examples.slice(0, 0))) == 0


@pytest.mark.parametrize("family", ["linear", "xgboost"])
def test_one_process_one_worker_and_two_make_the_same_bytes(spark, tables, family, tmp_path):
    few = {"rounds": 4}
    models = {
        (engine, workers): attempt(
            plan_for(tables, engine, family, workers=workers, **few), tmp_path / f"{engine}{workers}", spark
        )
        for engine, workers in (("single", 1), ("entities_spark", 1), ("entities_spark", 2))
    }
    assert len({result.model for result in models.values()}) == 1
    by_two = models["entities_spark", 2].workers
    assert sum(worker.rows for worker in by_two) == 2 * (3 * 23 + 3)  # each cut-off once for its own, once for all


def test_the_pooled_models_curves_stand_for_those_of_all_and_importance_is_their_mean(tables, tmp_path):
    result = attempt(plan_for(tables, family="xgboost", rounds=4), tmp_path)
    assert {point.name for point in result.curves} == {"pooled train/pinball", "pooled validate/pinball"}
    of_one = plan_for(tables, family="xgboost", scope="global", rounds=4)
    own = [attempt(replace(of_one, tables=only(tables, site, tmp_path)), tmp_path / site) for site in LAWS]
    mean = {name: np.mean([of.importance[name] for of in own]) for name in ("step", "pressure_kpa__lag_6h")}
    assert result.importance == pytest.approx(mean)
    assert [of.model for of in own] == [Bundle.read(result.model).own[site] for site in LAWS]


def only(tables, site, folder):
    """Gold without the other sites."""
    found = dict(tables)
    for name in ("gold.cut_offs", "gold.flow"):
        rows = pq.read_table(tables[name].files[0])
        path = folder / f"{name}-{site}.parquet"
        pq.write_table(rows.filter(pa.compute.equal(rows["site_id"], site)), path)
        found[name] = replace(tables[name], files=(str(path),))
    return found


def test_finished_models_are_not_made_again_after_a_kill_and_the_bundle_is_the_same(tables, alone, tmp_path):
    plan, workspace = plan_for(tables), Workspace(tmp_path)

    class Killed(BaseException):
        pass

    def until_two_are_made(parts):
        done = 0
        for number, part in enumerate(parts):
            for one in made(families()["linear"], plan, workspace, number, part):
                yield one
                done += not one.error
                if done == 2:
                    raise Killed

    with pytest.raises(Killed):
        fit_entities(plan, workspace, FileRecorder(workspace), 1, until_two_are_made)
    (workspace.path / "plan.key").write_text(plan.key)
    finished = {path: path.stat().st_mtime_ns for path in workspace.path.glob(f"{PARTS}/*/result.json")}
    assert len(finished) == 2
    assert attempt(plan, tmp_path).model == alone.model
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert len(list(workspace.path.glob(f"{PARTS}/*/result.json"))) == 4
    keep(alone, workspace)
    assert not (workspace.path / PARTS).exists()


def test_another_plan_in_the_workspace_takes_nothing_over(tables, alone, tmp_path):
    attempt(plan_for(tables, least_rows=5), tmp_path)
    assert attempt(plan_for(tables), tmp_path).model == alone.model


@pytest.mark.parametrize("engine", ["single", "entities_spark"])
def test_an_entity_that_cannot_be_fitted_is_named_with_the_reason_and_the_others_are_kept(
    spark, tables, engine, tmp_path
):
    frame = replace(FRAME, cut_off_features=("opening_mm",), targets=(), steps=1)
    plan = replace(plan_for(tables, engine), frame=frame)
    with pytest.raises(FitError) as failed:
        attempt(plan, tmp_path, spark)
    assert str(failed.value) == (
        f"linear by {engine}: no model of site_id 'b': no feature varies over the train span. "
        "Models that are finished are kept for the next run"
    )
    assert len(list(tmp_path.glob(f"{PARTS}/*/result.json"))) == 3


def test_a_model_of_another_scope_than_declared_does_not_score(spark, tables, alone):
    plan = plan_for(tables)
    with pytest.raises(StaleModel, match="has other features, outputs or scope than the task"):
        predictions(spark, Model("linear", alone.model, scope="per_entity"), replace(plan, scope="global"), {})


def test_an_engine_for_one_large_model_is_refused(tables, tmp_path):
    with pytest.raises(FitError) as refused:
        attempt(plan_for(tables, engine="spark_ml"), tmp_path)
    assert str(refused.value) == (
        "linear of each site_id cannot be fitted by 'spark_ml'; it can by: entities_spark, single"
    )


def test_the_plan_and_the_model_know_the_scope(tables, alone):
    assert len({plan_for(tables).key, plan_for(tables, scope="global").key, plan_for(tables, least_rows=5).key}) == 3
    assert scorer_of("linear", alone.model, "per_entity").signature.scope == "per_entity"
    assert json.loads(Bundle.read(alone.model).own["a"])["signature"].count('"scope": "global"') == 1
