"""By which columns errors are shown, and what stands in them."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from pipelines.contracts.names import DeclarationError
from pipelines.contracts.tasks import utc
from pipelines.domains import domain
from pipelines.transforms.slices import features_of_slices, sliced

ENERGY, LOGISTICS = domain("energy"), domain("logistics")
LOAD, DELAY = ENERGY.task("load_mw"), LOGISTICS.task("delay_min")


def test_a_task_is_sliced_by_all_that_it_has_unless_it_says_by_what():
    assert list(ENERGY.slices(LOAD)) == ["step", "region_id", "hour_of_day"]
    assert list(LOGISTICS.slices(DELAY)) == ["hour_of_day", "departure_hour", "carrier_id", "origin_id"]
    assert list(ENERGY.slices(replace(LOAD, slices=("step",)))) == ["step"]
    assert not LOGISTICS.slices(replace(DELAY, slices=()))


def test_a_slice_that_the_task_does_not_have_is_named_with_those_that_it_has():
    with pytest.raises(DeclarationError, match="task 'load_mw': no slice 'season'; there are: step, region_id, hour"):
        replace(ENERGY, tasks=(replace(LOAD, slices=("step", "season")),))


def test_categories_are_told_by_their_text_and_hours_by_the_clock_of_people():
    assert features_of_slices(LOGISTICS, DELAY) == ("departure_hour__place", "carrier_id__place", "origin_id__place")
    predictions = pa.table(
        {
            "leg_id": ["a", "b"],
            "target_at": pa.array([utc("2013-07-01 12:30"), utc("2013-12-01 12:30")], pa.timestamp("us", tz="UTC")),
            "departure_hour__place": [9.0, 8.0],
            "carrier_id__place": [2.0, 0.0],
            "origin_id__place": [1.0, None],
        }
    )
    assert sliced(predictions, LOGISTICS, DELAY).drop_columns(["target_at"]).to_pylist() == [
        {"leg_id": "a", "hour_of_day": 8, "departure_hour": "8", "carrier_id": "AA", "origin_id": "EWR"},
        {"leg_id": "b", "hour_of_day": 7, "departure_hour": "7", "carrier_id": "other", "origin_id": "other"},
    ]
