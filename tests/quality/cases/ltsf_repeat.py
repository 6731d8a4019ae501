"""The repeat-last row of the long-horizon benchmark on ETTh1, from our own examples, naive family and metrics."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv

from pipelines.contracts.features import History
from pipelines.contracts.fits import CurvePoint, FitPlan, Frame, TargetFeatures
from pipelines.contracts.tasks import Span
from pipelines.metrics.point import mae, rmse
from pipelines.models.rows import LABEL, lists
from pipelines.models.seasonal_naive import SeasonalNaive
from pipelines.transforms.examples import INSTANT, examples
from tests.quality.figure import Figure

DATA = "energy/ett/ETTh1.csv.gz"
QUICK_HORIZONS, HORIZONS = (96, 192), (96, 192, 336, 720)
TRAIN_ROWS, TEST_FIRST, TEST_END = 8640, 11520, 14400  # 12, 4 and 4 months of 30 days
BATCH = 32  # the published figures left out the last, incomplete batch of test windows
HOUR = timedelta(hours=1)
PROTOCOL = (
    "LTSF ETTh1, seven channels: z-score by the train rows' mean and population deviation, windows of stride 1 over "
    "the test rows 11520 to 14399, their number cut to a multiple of 32, error on z-scored values"
)

Values = npt.NDArray[np.float64]


def figures(data: Path, reference: Mapping[str, Any], quick: bool) -> Iterator[Figure]:
    """MSE and MAE per horizon; equal to the published ones to their three decimals, or a promise is broken."""
    started_at, channels = read(data / DATA)
    published = reference["ltsf"]["rows"]["ETTh1"]
    for horizon in QUICK_HORIZONS if quick else HORIZONS:
        started = time.monotonic()
        windows = (TEST_END - TEST_FIRST - horizon + 1) // BATCH * BATCH
        mse, mean_absolute = repeat_last(standardised(channels), started_at, horizon, TEST_FIRST, windows)
        seconds = time.monotonic() - started
        for name, ours, wanted in zip(
            ("MSE", "MAE"), (mse, mean_absolute), published[str(horizon)]["Repeat"], strict=True
        ):
            yield Figure(
                what=f"ETTh1, repeat last, horizon {horizon}: {name}",
                ours=ours,
                reference=wanted,
                goal=wanted,
                first_mark=wanted,
                protocol=PROTOCOL,
                seed=0,
                samples=windows * len(channels),
                seconds=seconds,
                holds=round(ours, 3) == wanted,
            )


def read(path: Path) -> tuple[datetime, dict[str, Values]]:
    """The instant of the first row and the hourly values of each channel."""
    with gzip.open(path) as file:
        rows = csv.read_csv(pa.py_buffer(file.read()))
    first = rows["date"][0].as_py().replace(tzinfo=UTC)
    return first, {name: rows[name].to_numpy() for name in rows.column_names if name != "date"}


def standardised(channels: Mapping[str, Values]) -> dict[str, Values]:
    """Each channel by the mean and the population deviation of its train rows."""
    return {n: (v - v[:TRAIN_ROWS].mean()) / v[:TRAIN_ROWS].std() for n, v in channels.items()}


def repeat_last(
    channels: Mapping[str, Values], first: datetime, horizon: int, origin: int, windows: int
) -> tuple[float, float]:
    """MSE and MAE of the last known value, repeated, over `windows` origins from row `origin` on, all channels.

    A channel at a time: 7 × 2,144 windows of 720 steps and their history at once would be 400 MB.
    """
    frame, family = _frame(horizon), SeasonalNaive()
    actual, predicted = [], []
    for name, values in channels.items():
        at = [first + HOUR * row for row in range(len(values))]
        series = pa.table(
            {
                "channel": [name] * len(at),
                "at": pa.array(at, INSTANT),
                "known_at": pa.array([moment + HOUR for moment in at], INSTANT),
                "known_until": pa.nulls(len(at), INSTANT),
                "value": values,
            }
        )
        fit_on = examples(_cut_offs(name, at[origin - horizon : origin - horizon + 1]), {"series": series}, frame)
        test = examples(_cut_offs(name, at[origin : origin + windows]), {"series": series}, frame)
        model = family.fit(fit_on, fit_on, _plan(frame, at, origin), _NoCurve()).model
        predicted.append(np.asarray(family.scorer(model).predict(test)["q50"]))
        actual.append(lists(test, LABEL, horizon).ravel())
    everything = np.concatenate(actual), np.concatenate(predicted)
    return rmse(*everything) ** 2, mae(*everything)


class _NoCurve:
    """A naive model has no learning curve."""

    def record(self, name: str, step: int, value: float) -> None:
        raise AssertionError(f"unexpected point of a curve: {name}")

    def points(self) -> tuple[CurvePoint, ...]:
        return ()


def _frame(horizon: int) -> Frame:
    # With a season of one step, step s finds the last value s seasons back: the window must reach over the horizon.
    window = TargetFeatures("series", "channel", (History("value", hours=horizon),))
    return Frame(
        entity="channel",
        cut_offs="origins",
        cut_off_features=(),
        targets=(),
        windows=(window,),
        label="value",
        label_series="series",
        step=HOUR,
        steps=horizon,
        label_known_after=HOUR,
    )


def _plan(frame: Frame, at: list[datetime], origin: int) -> FitPlan:
    return FitPlan(
        domain="ltsf",
        task="value",
        family=SeasonalNaive.name,
        engine="single",
        params={"season_steps": 1},
        seed=0,
        frame=frame,
        quantiles=(0.5,),
        train=Span(at[0], at[origin - 1]),
        validate=Span(at[origin - 1], at[origin]),
        tables={},
    )


def _cut_offs(channel: str, at: list[datetime]) -> pa.Table:
    return pa.table({"channel": [channel] * len(at), "cut_at": pa.array(at, INSTANT)})
