"""`headrace features` says of every feature where it comes from."""

from __future__ import annotations

import json

import pytest

from pipelines.cli import main
from pipelines.contracts.lineage import lineage
from pipelines.domains import domains


@pytest.mark.parametrize("name", sorted(domains()))
def test_the_lineage_names_every_feature_of_every_view_and_all_tasks_that_see_it(name):
    domain = domains()[name]
    found = lineage(domain)
    assert [(of.view, of.name) for of in found] == [(view.name, name) for view in domain.views for name in view.names()]
    seen = {(task.name, name) for task in domain.tasks for view in domain.views_of(task) for name in view.names()}
    assert {(task, of.name) for of in found for task in of.tasks} == seen
    for of in found:
        assert of.meaning and of.doc
        assert (of.table == "") == of.name.startswith("calendar__")


def test_a_feature_is_shown_with_meaning_look_back_and_lineage(capsys):
    assert main(["features", "show", "load_mw__mean_24h"]) == 0
    shown = capsys.readouterr().out
    for line in (
        "what        mean of load_mw over the 24 h before (MW)",
        "looks back  24 h",
        "lineage     silver.energy_load.load_mw ← field 'demand_gw' of the source meter_readings; code ",
        "owner       grid-analytics (domain energy)",
        "seen by     load_mw",
    ):
        assert line in shown


def test_the_list_can_be_of_one_task_and_for_programs(capsys):
    assert main(["features", "list", "--domain", "logistics", "--task", "delay_min", "--json"]) == 0
    found = {of["name"]: of for of in json.loads(capsys.readouterr().out)}
    assert found["seats__as_of"]["look_back_h"] is None  # for ever
    assert found["is_late__mean_672h"]["look_back_h"] == 672
    assert found["is_late__count_672h"]["unit"] == ""
    assert found["temp_c__as_of"]["unit"] == "°C" and found["temp_c__as_of"]["entity"] == ["origin_id"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["show", "load_mw__mean_25h"], "'load_mw__mean_25h'. Names like it: load_mw__history_168h, load_mw"),
        (["show", "nothing"], "no feature 'nothing'. headrace features list shows all"),
        (["list", "--task", "nothing"], "no task 'nothing' sees a feature. Tasks that do: delay_min, is_bad"),
        (["list", "--domain", "nothing"], "unknown domain 'nothing'"),
    ],
)
def test_a_name_that_is_none_is_told_with_those_that_are(capsys, words, told):
    assert main(["features", *words]) == 2
    assert told in capsys.readouterr().err
