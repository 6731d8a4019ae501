from __future__ import annotations

import pyarrow as pa

from pipelines.contracts.fits import Calibration
from pipelines.transforms.intervals import shifted


def after(shifts: dict[float, float], **columns: list[float | None]) -> dict[str, list[float | None]]:
    table = pa.table({name: pa.array(values, pa.float64()) for name, values in columns.items()})
    return shifted(table, Calibration(shifts, "January")).to_pydict()


def test_each_quantile_moves_by_its_shift_and_the_point_stays():
    moved = after({0.1: -1.0, 0.5: 0.0, 0.9: 2.0}, q10=[8.0], q50=[10.0], q90=[12.0], actual=[3.0])
    assert moved == {"q10": [7.0], "q50": [10.0], "q90": [14.0], "actual": [3.0]}


def test_a_quantile_that_would_cross_stops_at_the_next_one_towards_the_point():
    shifts = {0.05: 3.0, 0.1: 1.0, 0.5: 0.0, 0.9: 0.0, 0.95: -4.0}
    moved = after(shifts, q5=[7.0], q10=[8.0], q50=[10.0], q90=[12.0], q95=[13.0])
    assert moved == {"q5": [9.0], "q10": [9.0], "q50": [10.0], "q90": [12.0], "q95": [12.0]}


def test_where_each_step_has_shifts_of_its_own_a_row_moves_by_those_of_its_step():
    rows = pa.table({"step": pa.array([2, 1], pa.int32()), "q50": [10.0, 10.0], "q90": [12.0, 12.0]})
    moved = shifted(rows, Calibration({0.5: 0.0, 0.9: 9.0}, "January", {0.5: (0.0, 0.0), 0.9: (1.0, -5.0)}))
    assert moved.to_pydict() == {"step": [2, 1], "q50": [10.0, 10.0], "q90": [10.0, 13.0]}


def test_nothing_known_stays_nothing():
    assert after({0.5: 0.0, 0.9: 2.0}, q50=[None, 1.0], q90=[None, 2.0]) == {"q50": [None, 1.0], "q90": [None, 4.0]}


def test_without_shifts_predictions_stay_as_they_are():
    assert after({}, probability=[0.25, None]) == {"probability": [0.25, None]}
