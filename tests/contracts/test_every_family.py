"""What holds for every family that is found, for each kind of question it answers: a new one is tested as it is."""

from __future__ import annotations

import io
import pickle
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from pipelines.contracts.fits import Workspace
from pipelines.contracts.names import DeclarationError
from pipelines.contracts.tasks import Classify, Detect, Estimate, Forecast, Rank
from pipelines.engines import fit
from pipelines.engines.kept import keep, kept
from pipelines.engines.recorder import CHECKPOINT, FileRecorder
from pipelines.engines.shards import examples_of
from pipelines.models.base import families
from tests import tiny_events, tiny_gold, tiny_queries

FAMILIES = families()
ANSWERS = [(name, kind) for name, family in FAMILIES.items() for kind in family.tasks]
FEW = {"epochs": 3, "rounds": 12, "segment": 3, "trees": 8, "hidden": 8, "batch": 64, "origins_every": 4, "width": 8}
"""Of a family's parameters those that make a fit long."""
STOP_EARLY = [answer for answer in ANSWERS if "patience" in {param.name for param in FAMILIES[answer[0]].params}]
QUANTILES = (0.1, 0.5, 0.9)


def each(answers):
    return pytest.mark.parametrize(("name", "kind"), answers, ids=[f"{name}-{kind.__name__}" for name, kind in answers])


@pytest.fixture(scope="module")
def gold(tmp_path_factory):
    of_series, of_events, of_queries = (tmp_path_factory.mktemp("gold") for _ in range(3))
    events = tiny_events.write_gold(of_events)
    return {
        Forecast: tiny_gold.write_gold(of_series),
        Estimate: events,
        Classify: events,
        Detect: events,
        Rank: tiny_queries.write_gold(of_queries),
    }


def plan_for(name, kind, gold):
    few = {param.name: FEW[param.name] for param in FAMILIES[name].params if param.name in FEW}
    if kind is Forecast:
        return tiny_gold.plan_for(name, gold[kind], **few)
    if kind is Rank:
        return tiny_queries.plan_for(name, tables=gold[kind], **few)
    quantiles = QUANTILES if kind is Estimate else ()
    plan = tiny_events.plan_for(name, quantiles=quantiles, tables=gold[kind], **few)
    return replace(plan, is_unlabelled=True, frame=tiny_events.WITH_LAGS) if kind is Detect else plan


def attempt(plan, folder, recorder=FileRecorder):
    return fit(plan, Workspace(folder), None, recorder(Workspace(folder)))


@pytest.fixture(scope="module")
def fits(gold, tmp_path_factory):
    """By family and kind: the plan, the folder of its fit and what came of it."""
    found = {}
    for name, kind in ANSWERS:
        plan, folder = plan_for(name, kind, gold), tmp_path_factory.mktemp(f"{name}-{kind.__name__}")
        found[name, kind] = plan, folder, attempt(plan, folder)
    return found


@each(ANSWERS)
def test_tiny_data_give_a_model_whose_answers_are_of_the_kind_that_was_asked_for(name, kind, fits):
    plan, _, result = fits[name, kind]
    asked = examples_of(plan, plan.validate)
    told = FAMILIES[name].scorer(result.model).predict(asked)
    answers = np.stack([told[column].to_numpy() for column in plan.outputs], axis=1)
    assert len(answers) == len(asked) * plan.frame.steps > 0
    assert np.isfinite(answers).all()
    if plan.quantiles:
        assert answers.shape[1] == 3 and (np.diff(answers, axis=1) >= 0).all()
    elif kind is not Rank:
        assert ((answers >= 0.0) & (answers <= 1.0)).all()


@each(ANSWERS)
def test_a_kept_model_answers_the_same_and_no_pickle_is_in_it(name, kind, fits, tmp_path, monkeypatch):
    plan, _, result = fits[name, kind]
    asked = examples_of(plan, plan.validate)
    told = FAMILIES[name].scorer(result.model).predict(asked)
    keep(result, Workspace(tmp_path))
    found = kept(Workspace(tmp_path))
    assert found.format in ("json", "safetensors", "ubj")
    with pytest.raises((pickle.UnpicklingError, ValueError, KeyError, EOFError)):  # by its first bytes
        pickle.loads(found.model)
    assert not zipfile.is_zipfile(io.BytesIO(found.model)), "what torch.save writes is a zip of pickles"

    def refuse(*_, **__):
        raise AssertionError("a scorer unpickled something")

    for way in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, way, refuse)
    assert FAMILIES[name].scorer(found.model).predict(asked).equals(told)


@pytest.mark.parametrize("name", FAMILIES)
def test_an_unknown_parameter_is_refused_before_anything_is_read(name, tmp_path):
    plan = tiny_gold.plan_for(name, {}, no_such=1)
    with pytest.raises(DeclarationError, match=f"^family '{name}': unknown parameter 'no_such'; known: "):
        attempt(plan, tmp_path)


@each(ANSWERS)
def test_the_same_seed_gives_the_same_bytes(name, kind, fits, tmp_path):
    plan, _, result = fits[name, kind]
    assert attempt(plan, tmp_path).model == result.model


class Killed(Exception):
    pass


class Dying(FileRecorder):
    """Keeps every checkpoint, however short the time, and dies with the second."""

    kept = 0

    def checkpoint(self, state):
        self._due_at_s = 0.0
        super().checkpoint(state)
        self.kept += 1
        if self.kept == 2:
            raise Killed


class Watching(FileRecorder):
    """Says from which step on it was recorded."""

    first = None

    def record(self, name, step, value):
        Watching.first = step if Watching.first is None else min(Watching.first, step)
        super().record(name, step, value)


@each(STOP_EARLY)
def test_a_killed_fit_goes_on_and_ends_with_the_bytes_of_an_undisturbed_one(name, kind, fits, tmp_path, monkeypatch):
    plan, _, undisturbed = fits[name, kind]
    with pytest.raises(Killed):
        attempt(plan, tmp_path, Dying)
    monkeypatch.setattr(Watching, "first", None)
    resumed = attempt(plan, tmp_path, Watching)
    assert Watching.first > 0, "it began anew"
    assert (resumed.model, resumed.curves, resumed.best_step) == (
        undisturbed.model,
        undisturbed.curves,
        undisturbed.best_step,
    )


def test_just_the_fits_that_stop_early_leave_checkpoints(fits):
    assert [answer for answer, (_, folder, _) in fits.items() if (folder / CHECKPOINT).exists()] == STOP_EARLY
