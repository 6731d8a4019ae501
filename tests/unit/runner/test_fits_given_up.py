"""A fit that is behind at a rung ends there, on every engine, killed before or not, and is not kept."""

from __future__ import annotations

import pytest
from tiny_gold import plan_for, write_gold

from pipelines.contracts.fits import Workspace
from pipelines.engines import fit
from pipelines.engines.recorder import FileRecorder
from pipelines.runner import measured
from pipelines.runner.fits import GivenUp, fitted, workspace_of
from pipelines.runner.trials import Bench, Window, _Made
from pipelines.runner.work import Context, Work
from pipelines.stages.rungs import least_losses
from tests.house import settings_on
from tests.toy_domains.mill.domain import DOMAIN as MILL

FITS = {"mlp": {"epochs": 8, "batch": 64, "hidden": 8}, "xgboost": {"rounds": 16, "segment": 3}}
AT = 5


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return write_gold(tmp_path_factory.mktemp("gold"))


@pytest.fixture
def work(tmp_path):
    return Work(Context.opened(settings_on(tmp_path), lambda *_: None), MILL, "tune")


def whole(plan, folder):
    return fit(plan, Workspace(folder), None, FileRecorder(Workspace(folder)))


def up_to(curves, step):
    return tuple(point for point in curves if point.step <= step)


def behind(curves):
    """Limits that the fit keeps at step 2, and does not at AT."""
    return {2: least_losses(curves, (2,))[0], AT: least_losses(curves, (AT,))[0] - 1e-9}


@pytest.mark.parametrize("family", FITS)
def test_a_fit_that_is_behind_ends_at_that_step_and_is_not_kept(family, tables, work, tmp_path):
    plan = plan_for(family, tables, **FITS[family])
    curves = whole(plan, tmp_path / "whole").curves
    with pytest.raises(GivenUp) as ended:
        fitted(work, plan, behind(curves))
    assert (ended.value.step, ended.value.curves) == (AT, up_to(curves, AT))
    assert ended.value.core_seconds > 0
    place = workspace_of(work, plan)
    assert FileRecorder(place).points() == up_to(curves, AT), "it was not fitted further"
    assert measured.kept(place) is None and not (place.path / "result.json").exists()
    # what nobody gives up goes on from there, and is kept
    assert fitted(work, plan).curves == curves
    # and gives way to the same limits as if it had never been kept
    with pytest.raises(GivenUp) as again:
        fitted(work, plan, behind(curves))
    assert (again.value.step, again.value.curves) == (AT, up_to(curves, AT))
    assert fitted(work, plan, {2: curves[-1].value + 1e9}).curves == curves


class Killed(Exception):
    pass


class Dying(FileRecorder):
    """Keeps every checkpoint, and dies with the first."""

    def checkpoint(self, state):
        self._due_at_s = 0.0
        super().checkpoint(state)
        raise Killed


@pytest.mark.parametrize("family", FITS)
def test_a_fit_that_was_killed_is_given_up_where_it_would_have_been(family, tables, work, tmp_path):
    plan = plan_for(family, tables, **FITS[family])
    curves = whole(plan, tmp_path / "whole").curves
    place = workspace_of(work, plan)
    with pytest.raises(Killed):
        fit(plan, place, None, Dying(place, behind(curves)))
    assert FileRecorder(place).checkpointed()
    with pytest.raises(GivenUp) as ended:
        fitted(work, plan, behind(curves))
    assert (ended.value.step, ended.value.curves) == (AT, up_to(curves, AT))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "engine", "params"),
    [
        ("xgboost", "xgboost_spark", FITS["xgboost"]),
        ("lstm", "torch_ddp", {"epochs": 8, "hidden": 8, "origins_every": 7}),
        ("lstm", "horovod", {"epochs": 8, "hidden": 8, "origins_every": 7}),
    ],
)
def test_all_workers_end_at_the_same_step(family, engine, params, spark, tables, tmp_path):
    plan = plan_for(family, tables, engine=engine, workers=2, **params)
    folders = [Workspace(tmp_path / name) for name in ("whole", "ended")]
    curves = fit(plan, folders[0], lambda: spark, FileRecorder(folders[0])).curves
    ended = fit(plan, folders[1], lambda: spark, FileRecorder(folders[1], behind(curves)))
    assert ended.curves == up_to(curves, AT)
    assert len(ended.workers) == 2


class Scripted(Bench):
    """A bench of three windows, on the first of which a trial is judged, and given up on the second."""

    def __init__(self, plan, curves) -> None:
        span = plan.train
        self._plan, self._curves, self._windows = plan, curves, (Window(span, span, (), span),) * 3

    def _on(self, place, params, others):
        if place == 1:
            raise GivenUp(7, self._curves, 2.0)
        return _Made(4.0, 3.0, (8.0, 7.0))


def test_the_trial_says_where_it_was_given_up_and_what_it_had_come_to(tables, tmp_path):
    plan = plan_for("xgboost", tables, **FITS["xgboost"])
    curves = whole(plan, tmp_path / "whole").curves
    trial = Scripted(plan, curves).tried(9, {"learning_rate": 0.5}, [8.0, 8.0, 8.0], ())
    assert (trial.number, trial.fate, trial.loss, trial.course) == (9, "pruned", None, {1: 0.5})
    assert (trial.core_seconds, trial.why) == (5.0, "behind after 8 steps of fit 2 of 3")
    assert trial.rungs == ((8.0, 7.0), least_losses(curves, (7,))), "of the rungs 7 and 15"
