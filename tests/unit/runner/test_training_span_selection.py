"""Nothing outside the training span, and no label that came too late, has a say in which features are kept."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pipelines.contracts.features import AsOf, Calendar, Lag
from pipelines.contracts.fits import FitError, FitPlan
from pipelines.contracts.names import DeclarationError
from pipelines.contracts.tasks import Select, Span
from pipelines.runner.selection import judge, line, of_kept
from tests.tiny_events import FRAME, INSTANT, TRAIN, VALIDATE, hour, plan_for, write_gold
from tests.tiny_gold import FRAME as FRAME_OF_STEPS
from tests.tiny_gold import plan_for as plan_of_steps
from tests.tiny_gold import write_gold as write_gold_of_steps


def poisoned(plan: FitPlan) -> FitPlan:
    """The same gold, but every feature outside the training span and every label known after it is turned about."""
    for name, at in (("gold.tiny_legs", "cut_at"), ("gold.tiny_outcomes", "known_at")):
        (file,) = plan.tables[name].files
        rows = pq.read_table(file)
        is_train = pc.less(rows[at], pa.scalar(TRAIN.end, INSTANT))
        for place, column in enumerate(rows.column_names):
            if pa.types.is_floating(rows.schema.field(column).type):
                other = pc.subtract(1.0, rows[column]) if column == "is_late" else pc.multiply(rows[column], -1e6)
                rows = rows.set_column(place, column, pc.if_else(is_train, rows[column], other))
        pq.write_table(rows, file)
    return plan


def test_the_rest_of_time_may_say_what_it_likes(tmp_path):
    plan = replace(plan_for("logistic", tables=write_gold(tmp_path)), purge=((TRAIN, VALIDATE.start),))
    before = judge(plan, Select(budget=2))
    assert [one.feature for one in before if one.is_kept] == ["inbound_delay_min__as_of", "carrier__place"]
    assert judge(poisoned(plan), Select(budget=2)) == before
    # and it would be seen: without the purge, labels that came late have their say
    assert judge(replace(plan, purge=()), Select(budget=2)) != before


def test_a_plan_is_left_with_what_is_kept(tmp_path):
    plan = plan_for("logistic", tables=write_gold(tmp_path))
    judged = judge(plan, Select(budget=1))
    assert line(judged) == "1 of 4 features kept; dropped: 1 beyond the budget, 2 useless"
    frame = of_kept(plan, judged).frame
    assert (frame.features, frame.categories) == (("inbound_delay_min__as_of",), ())
    assert of_kept(plan, ()) == plan
    assert plan.frame == FRAME  # what is declared stays


def test_columns_that_are_looked_up_go_one_by_one(tmp_path):
    plan = plan_of_steps("linear", write_gold_of_steps(tmp_path))
    judged = judge(plan, Select(budget=2))
    # midnight after midnight, but a step is about its own hour
    assert {one.feature for one in judged} == {name for name in FRAME_OF_STEPS.features if name != "step"}
    wanted = {"load_mw__lag_24h", "load_mw__lag_168h", "calendar__weekday"}
    left = of_kept(plan, tuple(replace(one, is_kept=one.feature in wanted) for one in judged)).frame
    assert [feature for group in left.targets for feature in group.features] == [
        Lag("load_mw", (24, 168)),
        Calendar(("weekday",)),
    ]
    assert left.features == ("step", "load_mw__lag_24h", "load_mw__lag_168h", "calendar__weekday")
    assert (left.windows, left.label) == (plan.frame.windows, plan.frame.label)
    assert not any(isinstance(feature, AsOf) for group in left.targets for feature in group.features)


def test_nothing_to_learn_from_or_to_keep_is_an_error_that_says_so(tmp_path):
    plan = plan_for("logistic", tables=write_gold(tmp_path))
    with pytest.raises(FitError, match="tiny/is_late: no row of the train span has a label"):
        judge(replace(plan, train=Span(hour(9000), hour(9001))), Select(budget=2))
    useless = replace(plan.frame, cut_off_features=("calendar__time_of_day", "distance_km__own"), categories=())
    with pytest.raises(FitError, match=r"none of 2 features is worth keeping .*: useless: .* or leave out select"):
        judge(replace(plan, frame=useless), Select(budget=2))
    with pytest.raises(DeclarationError, match="select: a budget of 0 features; it must be 1 or more"):
        Select(budget=0)
