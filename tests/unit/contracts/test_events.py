"""What is refused of a question about events, each with the reason."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from pipelines.contracts.features import AsOf, Category, FeatureView, Hashed, History, Lag, Own, Rolling, TargetMean
from pipelines.contracts.names import DeclarationError
from pipelines.contracts.tasks import (
    ByEntity,
    ByHash,
    Classify,
    Estimate,
    Events,
    Forecast,
    Promote,
    Share,
    Span,
    Spine,
    utc,
)
from pipelines.domains import domain
from pipelines.runner.catalog import catalog

ENERGY, LOGISTICS, FINANCE = domain("energy"), domain("logistics"), domain("finance")
LOAD = ENERGY.task("load_mw")
IS_LATE, DELAY, IS_BAD = LOGISTICS.task("is_late"), LOGISTICS.task("delay_min"), FINANCE.task("is_bad")


def refused(words: str):
    return pytest.raises(DeclarationError, match=re.escape(words))


def with_view(of, task, view: FeatureView):
    """The domain with one task that has one view more."""
    return replace(of, views=(*of.views, view), tasks=(replace(task, views=(*task.views, view.name)),))


def test_the_spines_entity_must_be_the_key_of_its_table():
    task = replace(IS_LATE, spine=Events("schedule", entity="plane_id"))
    with refused("domain 'logistics', task 'is_late': 'plane_id' is not the key of 'schedule'"):
        replace(LOGISTICS, tasks=(task,))


def test_an_event_has_one_answer():
    task = replace(IS_BAD, column="amount_usd", table="payments")
    with refused("task 'amount_usd': 'loan_id' is not the key of 'payments', so it may have several answers"):
        replace(FINANCE, tasks=(task,))


def test_without_an_event_time_there_is_no_split_by_time_and_no_lead():
    with refused("domain 'finance', task 'is_bad': 'applications' has no event time, so its split must be ByHash"):
        replace(FINANCE, tasks=(replace(IS_BAD, split=FINANCE.task("is_fraud").split),))
    with refused("task 'is_bad': 'applications' has no event time that a lead could be before"):
        replace(FINANCE, tasks=(replace(IS_BAD, spine=replace(IS_BAD.spine, lead=timedelta(hours=1))),))


def test_without_times_nothing_may_be_read_from_the_table_with_the_answer():
    answer = FeatureView("answer", table="loan_outcomes", entity="loan_id", features=(AsOf("is_bad", ttl_hours=1.0),))
    with refused("task 'is_bad': without times, a feature from 'loan_outcomes' would be the answer itself"):
        with_view(FINANCE, IS_BAD, answer)


def test_a_model_of_its_own_is_for_what_is_asked_about_more_than_once():
    with refused("task 'is_late': each 'leg_id' is asked about once, so there is nothing to make a model of its own"):
        replace(IS_LATE, scope="per_entity")
    with refused("task 'load_mw': no scope 'per_region'; there are: global, per_entity"):
        replace(LOAD, scope="per_region")
    with refused("task 'load_mw': least_rows is 0; it must be 1 or more"):
        replace(LOAD, scope="per_entity", least_rows=0)
    of_each = replace(LOAD, scope="per_entity")
    assert [of_each.scope_of(family) for family in ("seasonal_naive", "linear")] == ["global", "per_entity"]
    assert "forecast for each `region_id` by a model of its own, tested on" in catalog(
        [replace(ENERGY, tasks=(of_each,))]
    )


def test_views_are_joined_by_what_the_asked_rows_say():
    by_wind = FeatureView("wind", table="weather", entity="observed_at", features=(Lag("temp_c", hours=(1,)),))
    with refused("feature view 'wind': no column of the spine 'observed_at'; there are: leg_id, scheduled_departure"):
        with_view(LOGISTICS, IS_LATE, by_wind)
    days = FeatureView("days", table="workdays", entity="day_starts_at", features=(Lag("is_workday", hours=(24,)),))
    with refused("feature view 'days': no column of the spine 'day_starts_at'; there are: region_id"):
        with_view(ENERGY, LOAD, days)


@pytest.mark.parametrize(
    "feature", [Own("seats"), Category("model", among=("737",)), Hashed("model", 8), TargetMean("model")]
)
def test_only_of_the_asked_row_itself_is_there_an_own_value(feature):
    own = FeatureView("own", table="planes", entity="plane_id", features=(feature,))
    words = f"feature view 'own' asks for a row's own '{feature.column}', which only events of the same table have"
    with refused(words):
        with_view(LOGISTICS, IS_LATE, own)


def test_at_regular_cut_offs_there_is_no_asked_row():
    own = FeatureView("own", table="load", entity="region_id", features=(Own("load_mw"),))
    with refused("feature view 'own' asks for a row's own 'load_mw', which only events of the same table have"):
        with_view(ENERGY, LOAD, own)


@pytest.mark.parametrize(
    ("feature", "kind"),
    [
        (Own("destination_id"), "string"),
        (Category("distance_mi", among=("1",)), "double"),
        (Hashed("distance_mi", 8), "double"),
        (TargetMean("distance_mi"), "double"),
    ],
)
def test_a_number_is_taken_as_it_is_and_a_text_by_its_place(feature, kind):
    own = FeatureView("own", table="schedule", entity="leg_id", features=(feature,))
    with refused(f"'{feature.column}' is of type {kind}; Own is for numbers, the others for strings"):
        with_view(LOGISTICS, IS_LATE, own)


def test_a_view_uses_columns_that_its_table_has():
    rain = FeatureView("rain", table="weather", entity="origin_id", features=(AsOf("rain_mm", ttl_hours=6.0),))
    with refused("domain 'logistics', feature view 'rain': no column of 'weather' 'rain_mm'; there are: origin_id, "):
        replace(LOGISTICS, views=(*LOGISTICS.views, rain))
    there = replace(rain, entity="destination_id", features=())
    with refused("domain 'logistics', feature view 'rain': no column of 'weather' 'destination_id'"):
        replace(LOGISTICS, views=(*LOGISTICS.views, there))


def test_a_category_lists_a_value_once():
    with refused("category 'grade': a value is listed twice"):
        Category("grade", among=("A", "B", "A"))


@pytest.mark.parametrize(
    ("moment", "feature"),
    [("target", Own("load_mw")), ("target", Rolling("load_mw", "mean", hours=1)), ("cut_off", History("load_mw", 24))],
)
def test_a_feature_belongs_to_a_moment(moment, feature):
    with refused(f"{type(feature).__name__} cannot be had at the moment '{moment}'"):
        FeatureView("load", table="load", entity="region_id", features=(feature,), moment=moment)


def test_a_step_is_looked_up_of_one_entity():
    with refused("feature view 'way': the moment 'target' allows one entity alone"):
        FeatureView(
            "way", table="t", entity=("origin_id", "destination_id"), features=(Lag("x", (1,)),), moment="target"
        )


def test_kinds_of_tasks_differ_in_what_they_predict():
    assert (Forecast, Estimate, Classify) == (type(LOAD), type(DELAY), type(IS_LATE))
    with refused("task 'is_late': a probability has no quantiles"):
        replace(IS_LATE, quantiles=(0.1, 0.5))
    with refused("task 'is_late': capacity is a share of all rows, above 0 and up to 1"):
        replace(IS_LATE, capacity=0.0)
    with refused("task 'delay_min': an estimate needs quantiles"):
        replace(DELAY, quantiles=())
    for part in ({"quantiles": ()}, {"step": timedelta(0)}, {"steps": 0}):
        with refused("task 'load_mw': a forecast needs quantiles, a step and steps"):
            replace(LOAD, **part)


@pytest.mark.parametrize("quantiles", [(0.1, 0.9), (0.5, 0.1), (0.1, 0.5, 0.5)])
def test_quantiles_ascend_and_hold_the_median(quantiles):
    with refused("task 'delay_min': quantiles must ascend and hold 0.5"):
        replace(DELAY, quantiles=quantiles)


def test_families_are_named_where_they_are_used():
    with refused("task 'is_late': the baseline 'naive' is not in families"):
        replace(IS_LATE, promote=Promote("log_loss", must_beat="naive", by=0.0))
    with refused("task 'is_late': params for ['lstm'], which are not in families"):
        replace(IS_LATE, params={"lstm": {}})


def test_no_label_reaches_into_the_next_span():
    with refused("task 'is_late': the split's gap lets a label reach into the next span"):
        replace(IS_LATE, label_known_after=timedelta(hours=41))
    with refused("reaches into the span from 2013-08-25"):
        replace(IS_LATE.split, calibrate=Span(utc("2013-08-25"), utc("2013-09-01")))


def test_rows_are_split_by_what_they_say():
    split = ByEntity(*[Share(n / 4, (n + 1) / 4) for n in range(4)], entity="plane_id")
    by_plane = replace(LOGISTICS, tasks=(replace(IS_LATE, split=split),))
    assert by_plane.task("is_late").hashed_by == "plane_id"
    assert "classify for each `leg_id`, split by hash of plane_id |" in catalog([by_plane])
    told = "by hash of plane_id: its figures are of others than were learnt from, not of a future"
    assert (str(split), str(IS_LATE.split)) == (told, "by time")
    assert (IS_BAD.hashed_by, IS_LATE.hashed_by) == ("loan_id", "")
    with refused("domain 'logistics', task 'is_late': no column of 'schedule' 'pilot_id'; there are: leg_id"):
        replace(LOGISTICS, tasks=(replace(IS_LATE, split=replace(split, entity="pilot_id")),))


def test_shares_lie_in_order_between_none_and_all():
    with refused("split: share 0 – 0.6 by hash reaches into share 0.5 – 0.7 by hash"):
        ByHash(Share(0.0, 0.6), Share(0.5, 0.7), Share(0.7, 0.8), Share(0.8, 1.0))
    for start, end in ((-0.1, 0.5), (0.5, 0.5), (0.6, 0.5), (0.5, 1.1)):
        with refused("needs 0 ≤ start < end ≤ 1"):
            Share(start, end)


@pytest.mark.parametrize("spine", [Spine("load", "region_id", timedelta(days=1)), Events("load", "region_id")])
def test_a_tables_name_is_checked_whatever_the_spine(spine):
    with refused("task 'load_mw': no table 'loads'"):
        replace(ENERGY, tasks=(replace(LOAD, spine=replace(spine, table="loads")),))
