"""Predicted quantiles after calibration."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.contracts.fits import Calibration
from pipelines.contracts.tasks import quantile_column


def shifted(predictions: pa.Table, calibration: Calibration) -> pa.Table:
    """Move each quantile by its calibrated shift. The point forecast stays where it is, and no quantile crosses it or
    another: one that would is moved onto its neighbour on the point's side. Without shifts, as for a probability, all
    stays as it is.

    predictions: a double column per quantile of the calibration, 0.5 among them (`quantile_column`), and `step`, from
    1, where each step has shifts of its own; other columns stay as they are. Null stays null for a whole row.
    """
    if not calibration.shifts:
        return predictions
    quantiles = tuple(sorted(calibration.shifts))
    if calibration.by_step:
        shifts = np.array([calibration.by_step[quantile] for quantile in quantiles])
        return moved_by(predictions, quantiles, shifts[:, predictions["step"].to_numpy() - 1])
    return moved_by(predictions, quantiles, np.array([[calibration.shifts[quantile]] for quantile in quantiles]))


def moved_by(predictions: pa.Table, quantiles: tuple[float, ...], shifts: npt.NDArray[np.float64]) -> pa.Table:
    """The same, each row by its own shifts. quantiles: ascending; shifts: (quantiles, rows), or (quantiles, 1)."""
    names = [quantile_column(quantile) for quantile in quantiles]
    moved = np.stack([predictions[name].to_numpy().astype(np.float64) for name in names]) + shifts
    point = quantiles.index(0.5)
    moved[: point + 1] = np.minimum.accumulate(moved[point::-1])[::-1]
    moved[point:] = np.maximum.accumulate(moved[point:])
    for name, values in zip(names, moved, strict=True):
        predictions = predictions.set_column(
            predictions.schema.get_field_index(name), name, pa.array(values, pa.float64(), from_pandas=True)
        )
    return predictions
