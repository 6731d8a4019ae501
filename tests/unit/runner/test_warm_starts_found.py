"""Which registered model a fit begins from, and what MLflow is told of it: a real store, real models."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import mlflow
import pytest
from tiny_gold import day, plan_for, write_gold

from pipelines.contracts.cards import ModelCard, sha256
from pipelines.contracts.fits import Calibration, FitError, Workspace
from pipelines.contracts.plan_text import plan_text, read_plan
from pipelines.contracts.tasks import Span
from pipelines.engines import fit
from pipelines.engines.recorder import FileRecorder
from pipelines.engines.shards import examples_of
from pipelines.io.registry import Registry
from pipelines.io.run_records import FitReport
from pipelines.io.spool import Spool
from pipelines.io.tracking import PLAN_FILE, Tracking
from pipelines.models.base import families
from pipelines.runner.warm_starts import begun_again, must_not_know_more, warm_started
from pipelines.runner.work import Context
from tests.house import settings_on
from tests.toy_domains.mill.domain import DOMAIN as MILL

SMALL = {"nlinear": {"epochs": 2, "origins_every": 6}, "xgboost": {"rounds": 3}}
TASK = MILL.tasks[0]


def fitted(plan, folder):
    return fit(plan, Workspace(folder), None, FileRecorder(Workspace(folder)))


class House:
    """A store with what is registered in it."""

    def __init__(self, folder):
        self.folder, self.tables = folder, write_gold(folder)
        self.settings = settings_on(folder)
        self.context = Context.opened(self.settings, lambda *_: None)
        self.registry, self.tracking = Registry(self.settings), Tracking(self.settings)
        self.client = mlflow.MlflowClient(self.settings.mlflow.tracking_uri)

    def plan(self, family, **params):
        return plan_for(family, self.tables, **SMALL[family], **params)

    def logged(self, id, plan):
        """The run of the plan's fit; its model is not registered yet."""
        result, examples = fitted(plan, self.folder / id), examples_of(plan, Span(day(34), day(35))).drop(["label"])
        report = FitReport(
            id=id,
            parent="",
            as_of=datetime(2024, 2, 9, tzinfo=UTC),
            plan=plan,
            result=result,
            calibration=Calibration({0.1: 0.0, 0.5: 0.0, 0.9: 0.0}, "nothing"),
            metrics={},
            tables=[],
            example=examples,
            prediction=families()[plan.family].scorer(result.model).predict(examples),
            documents={PLAN_FILE: plan_text(plan)},
        )
        spool = Spool(self.folder / "spool" / id)
        spool.add(1, report.write)
        for entry in spool.entries():
            self.tracking.log(entry.folder)
        return self.tracking.logged(id)

    def registered(self, name, id, plan):
        return self.registry.register(self.logged(id, plan), name, {})


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """tiny-load_mw: two versions of nlinear; tiny-trees: one of xgboost; tiny-later: learnt from what came later."""
    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    found = House(tmp_path_factory.mktemp("house"))
    for id, name, plan in (
        ("first", "tiny-load_mw", found.plan("nlinear")),
        ("second", "tiny-load_mw", found.plan("nlinear", weight_decay=0.0)),
        ("trees", "tiny-trees", found.plan("xgboost")),
        ("later", "tiny-later", replace(found.plan("nlinear"), validate=Span(day(29), day(36)))),
    ):
        found.registered(name, id, plan)
    found.registry.point_alias("tiny-load_mw", "champion", 1)
    yield found
    mlflow.set_tracking_uri(before[0])
    mlflow.set_registry_uri(before[1])


def test_a_version_is_found_with_what_it_learnt_from(house):
    plan = house.plan("nlinear", start_from="models:/tiny-load_mw/2")
    begun = warm_started(house.context, TASK, plan).warm_start
    assert (str(begun), begun.learnt_from) == ("tiny-load_mw/2", (plan.train, plan.validate))
    model, card = house.registry.load("tiny-load_mw", 2)
    assert begun.sha256 == card.sha256
    assert Path(begun.file).read_bytes() == model


def test_a_plan_without_a_model_stays_as_it_is(house):
    plan = house.plan("nlinear")
    assert warm_started(house.context, TASK, plan) is plan


def test_an_alias_means_one_version_for_as_long_as_the_plan_is_the_same(house):
    """Else a champion that began from the champion would have a successor in every run."""
    plan = house.plan("nlinear", start_from="models:/tiny-load_mw@champion", learning_rate=1e-3)
    assert warm_started(house.context, TASK, plan).warm_start.version == 1
    house.registry.point_alias("tiny-load_mw", "champion", 2)
    again = warm_started(house.context, TASK, plan)
    newer = {**house.tables, "gold.tiny_load": replace(house.tables["gold.tiny_load"], version=4)}
    other = warm_started(house.context, TASK, replace(plan, tables=newer))
    house.registry.point_alias("tiny-load_mw", "champion", 1)
    assert (again.warm_start.version, other.warm_start.version) == (1, 2)
    Path(again.warm_start.file).write_bytes(b"damaged")
    mended = warm_started(house.context, TASK, plan).warm_start
    assert mended == again.warm_start
    assert Path(mended.file).read_bytes() == house.registry.load("tiny-load_mw", 1)[0]


@pytest.mark.parametrize("named", ["models:/tiny-none/1", "models:/tiny-load_mw/9", "models:/tiny-load_mw@no_such"])
def test_a_model_that_is_not_there_is_named(house, named):
    with pytest.raises(FitError) as refused:
        warm_started(house.context, TASK, house.plan("nlinear", start_from=named))
    assert str(refused.value) == (
        f"load_mw: nlinear cannot begin from {named}: MLflow has no such model. Register one first, or leave "
        "start_from out"
    )


def test_a_model_of_another_family_is_refused(house):
    with pytest.raises(FitError, match=r"from models:/tiny-trees/1: version 1 is a model of the family xgboost$"):
        warm_started(house.context, TASK, house.plan("nlinear", start_from="models:/tiny-trees/1"))


def test_a_model_that_has_seen_what_judges_the_fit_is_refused(house):
    plan = house.plan("nlinear", start_from="models:/tiny-later/1")
    said = (
        r"tiny-later/1 learnt from 2024-01-30T00:00Z – 2024-02-06T00:00Z, and this fit is judged on what comes after "
        r"2024-01-30T00:00Z – 2024-02-04T00:00Z\. Begin from a model of an earlier time$"
    )
    with pytest.raises(FitError, match=said):
        warm_started(house.context, TASK, plan)


def test_a_fold_is_judged_by_what_the_model_never_saw(house):
    plan = warm_started(house.context, TASK, house.plan("nlinear", start_from="models:/tiny-load_mw/1"))
    must_not_know_more(plan)
    with pytest.raises(FitError, match=r"tiny-load_mw/1 learnt from 2024-01-09T00:00Z – 2024-01-29T00:00Z, and"):
        must_not_know_more(replace(plan, train=Span(day(8), day(20)), validate=Span(day(20), day(24))))


def test_the_baseline_begins_anew(house):
    alone = replace(TASK, families=("nlinear",), params={}, promote=replace(TASK.promote, must_beat="nlinear"))
    with pytest.raises(FitError, match=r"it is the baseline, whose worth must not hang on another fit\. Leave"):
        warm_started(house.context, alone, house.plan("nlinear", start_from="models:/tiny-load_mw/1"))


def test_mlflow_is_told_what_a_fit_began_from_and_it_can_be_made_again(house, tmp_path):
    plan = warm_started(house.context, TASK, house.plan("nlinear", start_from="models:/tiny-load_mw@champion"))
    logged = house.logged("warm", plan)
    run = house.client.get_run(logged.mlflow_run_id)
    assert run.data.params["start_from"] == "models:/tiny-load_mw@champion"
    assert run.data.params["warm_start"] == "tiny-load_mw/1"
    assert run.data.tags["headrace.warm_start"] == "models:/tiny-load_mw/1"
    assert run.data.tags["headrace.warm_start_sha256"] == plan.warm_start.sha256
    began_from = house.tracking.logged("first").model_uri
    assert [f"models:/{of.model_id}" for of in run.inputs.model_inputs] == [began_from]
    recorded = read_plan(house.tracking.recorded("warm").plan)
    assert recorded == plan
    elsewhere = replace(recorded, warm_start=replace(recorded.warm_start, file="gone"))
    again = begun_again(house.context, elsewhere)
    assert again == plan
    assert sha256(fitted(again, tmp_path).model) == ModelCard.read(house.tracking.recorded("warm").card).sha256
