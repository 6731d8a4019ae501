"""The repeat-last row of the long-horizon benchmark on ETTh1, from gold by our own examples, naive family, metrics."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from pipelines.contracts.features import History
from pipelines.contracts.fits import CurvePoint, FitPlan, Frame, TargetFeatures
from pipelines.contracts.tasks import Span
from pipelines.metrics.point import mae, rmse
from pipelines.models.rows import LABEL, lists
from pipelines.models.seasonal_naive import SeasonalNaive
from pipelines.transforms.examples import INSTANT, examples
from tests.quality.figure import Figure
from tests.quality.through_gold import through_gold

DATA = "energy/ett/ETTh1.csv.gz"
QUICK_HORIZONS, HORIZONS = (96, 192), (96, 192, 336, 720)
TRAIN_ROWS, TEST_FIRST, TEST_END = 8640, 11520, 14400  # 12, 4 and 4 months of 30 days
BATCH = 32  # the published figures left out the last, incomplete batch of test windows
HOUR = timedelta(hours=1)
PROTOCOL = (
    "LTSF ETTh1, seven channels through land, bronze, silver and gold: z-score by the train rows' mean and population "
    "deviation, windows of stride 1 over the test rows 11520 to 14399, their number cut to a multiple of 32, error on "
    "z-scored values"
)


def figures(data: Path, reference: Mapping[str, Any], quick: bool) -> Iterator[Figure]:
    """MSE and MAE per horizon; equal to the published ones to their three decimals, or a promise is broken."""
    with tempfile.TemporaryDirectory() as folder:
        channels = standardised(from_gold(data / DATA, Path(folder)))
    published = reference["ltsf"]["rows"]["ETTh1"]
    for horizon in QUICK_HORIZONS if quick else HORIZONS:
        started = time.monotonic()
        windows = (TEST_END - TEST_FIRST - horizon + 1) // BATCH * BATCH
        mse, mean_absolute = repeat_last(channels, horizon, TEST_FIRST, windows)
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


def from_gold(raw: Path, folder: Path) -> dict[str, pa.Table]:
    """The series of each channel as gold has it, in the order of time, from one landed file."""
    pins = through_gold("etth1", {"hours/2018-06-27.csv.gz": raw.read_bytes()}, folder)
    pin = pins["gold.etth1_readings_series"]
    rows = (
        DeltaTable(pin.path, version=pin.version)
        .to_pyarrow_table()
        .sort_by([("channel", "ascending"), ("at", "ascending")])
    )
    return {name: rows.filter(pc.equal(rows["channel"], name)) for name in rows["channel"].unique().to_pylist()}


def standardised(channels: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """Each channel by the mean and the population deviation of its train rows."""
    found = {}
    for name, rows in channels.items():
        values = rows["value"].to_numpy()
        scaled = (values - values[:TRAIN_ROWS].mean()) / values[:TRAIN_ROWS].std()
        found[name] = rows.set_column(rows.schema.get_field_index("value"), "value", pa.array(scaled))
    return found


def repeat_last(channels: Mapping[str, pa.Table], horizon: int, origin: int, windows: int) -> tuple[float, float]:
    """MSE and MAE of the last known value, repeated, over `windows` origins from row `origin` on, all channels.

    channels: as `from_gold` gives them. A channel at a time: 7 × 2,144 windows of 720 steps and their history at once
    would be 400 MB.
    """
    frame, family = _frame(horizon), SeasonalNaive()
    actual, predicted = [], []
    for name, series in channels.items():
        at = [moment.astimezone(UTC) for moment in series["at"].to_pylist()]
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
