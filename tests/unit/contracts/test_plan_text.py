"""A plan as text and back: the same plan, with the same key."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tiny_gold import FRAME, day, plan_for

from pipelines.contracts.calendar import Calendar
from pipelines.contracts.fits import Encoding, Encodings, Shard, TargetFeatures
from pipelines.contracts.plan_text import PlanError, plan_text, read_plan
from pipelines.contracts.tasks import Share

TABLES = {name: Shard(name, 3, ("/data/a.parquet",), content=2) for name in ("gold.tiny_load", "gold.tiny_cut_offs")}


def test_a_plan_comes_back_as_it_was():
    plan = plan_for("xgboost", TABLES, rounds=5, learning_rate=0.1, loss="squared", fast=True)
    encodings = Encodings((Encoding("route", (1.0, 2.0), (0.5, 0.25), 0.4),))
    plan = replace(
        plan, encodings=encodings, purge=((plan.train, day(30)),), frame=replace(FRAME, categories=(("k", 3),))
    )
    again = read_plan(plan_text(plan))
    assert (again, again.key) == (plan, plan.key)


def test_shares_come_back_too():
    plan = replace(plan_for("constant", TABLES), train=Share(0.0, 0.5), validate=Share(0.5, 0.6), quantiles=())
    assert read_plan(plan_text(plan)) == plan


def test_another_edition_of_a_library_is_not_the_same_plan():
    holidays = replace(FRAME, targets=(TargetFeatures("", "", (Calendar(("is_holiday",), country="AT"),)),))
    text = plan_text(replace(plan_for("linear", TABLES), frame=holidays))
    edition = Calendar(("is_holiday",), country="AT").edition
    assert edition and read_plan(text).frame == holidays
    with pytest.raises(PlanError, match=r"Calendar.edition was 'of old' then, here it is"):
        read_plan(text.replace(edition, "of old"))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"kind": "Gone"}', '{"kind": "Share", "start": 0.0, "end": 0.5}'])
def test_what_is_no_plan_is_said_to_be_none(text):
    with pytest.raises(PlanError, match="no plan of a fit"):
        read_plan(text)
