"""The repeat-last rows of the long-horizon benchmark, from gold by our own examples, naive family, metrics."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.contracts.features import History
from pipelines.contracts.fits import CurvePoint, FitPlan, Frame, TargetFeatures
from pipelines.contracts.tasks import Span
from pipelines.metrics.point import mae, rmse
from pipelines.models.rows import LABEL, lists
from pipelines.models.seasonal_naive import SeasonalNaive
from pipelines.transforms.examples import examples
from tests.quality.ett import ETTH1, ETTM1, cut_offs, from_gold, instants, standardised
from tests.quality.figure import Figure

DATA, HOUR = "energy/ett", timedelta(hours=1)
QUICK, ALL = {ETTH1: (96, 192)}, {ETTH1: (96, 192, 336, 720), ETTM1: (96, 192)}


def figures(data: Path, reference: Mapping[str, Any], quick: bool) -> Iterator[Figure]:
    """MSE and MAE per set and horizon; equal to the published ones to their three decimals, or a promise is broken."""
    for of, horizons in (QUICK if quick else ALL).items():
        channels = standardised(from_gold(of, data), of.train_rows)
        published = reference["ltsf"]["rows"][of.name]
        for horizon in horizons:
            started = time.monotonic()
            windows = of.windows_tested(horizon)
            errors = repeat_last(channels, of.step, horizon, of.first_tested, windows)
            seconds = time.monotonic() - started
            for name, ours, wanted in zip(("MSE", "MAE"), errors, published[str(horizon)]["Repeat"], strict=True):
                yield Figure(
                    what=f"{of.name}, repeat last, horizon {horizon}: {name}",
                    ours=ours,
                    reference=wanted,
                    goal=None,
                    first_mark=None,
                    protocol=of.protocol,
                    seed=0,
                    samples=windows * len(channels),
                    seconds=seconds,
                    holds=round(ours, 3) == wanted,
                )


def repeat_last(
    channels: Mapping[str, pa.Table], step: timedelta, horizon: int, origin: int, windows: int
) -> tuple[float, float]:
    """MSE and MAE of the last known value, repeated, over `windows` origins from row `origin` on, all channels.

    channels: as `from_gold` gives them. A channel at a time: 7 × 2,144 windows of 720 steps and their history at once
    would be 400 MB.
    """
    frame, family = _frame(step, horizon), SeasonalNaive()
    actual, predicted = [], []
    for name, series in channels.items():
        at = instants(series)
        fit_on = examples(cut_offs(name, at[origin - horizon : origin - horizon + 1]), {"series": series}, frame)
        test = examples(cut_offs(name, at[origin : origin + windows]), {"series": series}, frame)
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


def _frame(step: timedelta, horizon: int) -> Frame:
    # With a season of one step, step s finds the last value s seasons back: the window must reach over the horizon.
    window = TargetFeatures("series", "channel", (History("value", hours=horizon * (step / HOUR)),))
    return Frame(
        entity="channel",
        cut_offs="origins",
        cut_off_features=(),
        targets=(),
        windows=(window,),
        label="value",
        label_series="series",
        step=step,
        steps=horizon,
        label_known_after=step,
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
