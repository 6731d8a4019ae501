"""STAGES is the map of the system: every name in it leads somewhere, and the way goes one way."""

from __future__ import annotations

import importlib
import inspect
from itertools import groupby
from pathlib import Path

import pytest

import pipelines.stages
from pipelines.runner import TASK_UNITS
from pipelines.stages import STAGES, UNITS

WORDS_OF_STAGES = {"__init__", "changes", "refusal"}  # what stages give and raise
# asked for besides, or a part of one
ASIDE = {"leakcheck", "recalibrate", "renewal", "replay", "rungs", "single", "tune"}


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_the_core_of_a_stage_is_a_documented_function_in_this_room(stage):
    module, name = stage.core.split(".")
    core = getattr(importlib.import_module(f"pipelines.stages.{module}"), name)
    assert inspect.isfunction(core) and core.__module__ == f"pipelines.stages.{module}"
    assert inspect.getdoc(core)
    assert module == stage.name


def test_every_module_of_the_room_is_a_stage():
    modules = {path.stem for path in Path(pipelines.stages.__file__).parent.glob("*.py")}
    assert modules - WORDS_OF_STAGES - ASIDE == {stage.name for stage in STAGES}


def test_units_are_contiguous_and_each_has_its_runner():
    assert tuple(unit for unit, _ in groupby(STAGES, key=lambda stage: stage.unit)) == UNITS
    assert ("ingest", *TASK_UNITS) == UNITS


def test_a_stage_reads_what_an_earlier_one_or_it_writes():
    written = {"drops"}
    for stage in STAGES:
        written |= set(stage.writes)
        assert set(stage.reads) <= written, stage.name
