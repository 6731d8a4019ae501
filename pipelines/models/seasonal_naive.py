"""The value one season ago."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pyarrow as pa

from pipelines.contracts.features import History, Lag
from pipelines.contracts.fits import FitError, FitPlan, FitResult, Frame, Recorder
from pipelines.contracts.tasks import Forecast
from pipelines.models.base import Family, Param, Scorer, Signature
from pipelines.models.rows import LABEL, Values, lists


@dataclass(frozen=True)
class _Looks:
    """Where the label's past is found. lags: columns per season back; history: a window, its length in steps."""

    lags: dict[int, str]
    history: str
    history_steps: int
    season: int

    @property
    def seasons(self) -> int:
        return max((*self.lags, self.history_steps // self.season + 1))

    def back(self, examples: pa.Table, steps: int) -> Values:
        """(examples, steps): per target the value one season before, else of the nearest earlier one that has it."""
        found = np.full((len(examples), steps), np.nan)
        window = lists(examples, self.history, self.history_steps) if self.history else None
        for season in range(1, self.seasons + 1):
            if season in self.lags:
                found = np.where(np.isnan(found), lists(examples, self.lags[season], steps), found)
            elif window is not None:
                place = self.history_steps + np.arange(steps) - season * self.season
                within = (place >= 0) & (place < self.history_steps)  # not before the window, not after the cut-off
                earlier = np.where(within, window[:, np.where(within, place, 0)], np.nan)
                found = np.where(np.isnan(found), earlier, found)
        return found


class SeasonalNaive(Family):
    """The value one season ago: the baseline that every forecaster must beat (Hyndman and Athanasopoulos, ch. 5.2).

    It is read from the label's target lags at multiples of the season, else from the label's history. Where it is
    missing an earlier season takes its place, and the training mean where there is none; so with a season of one step
    and a history it is the last value known. The other quantiles are the point plus the training errors' quantiles.
    """

    name = "seasonal_naive"
    tasks = (Forecast,)
    params = (Param("season_steps", int, 48, None, "length of a season in steps"),)

    def fit(self, train: pa.Table, validate: pa.Table, plan: FitPlan, recorder: Recorder) -> FitResult:
        looks = self._looks(plan)
        labels = lists(train, LABEL, plan.frame.steps)
        if np.isnan(labels).all():
            raise FitError(f"{self.name} by {plan.engine}: no row of the train span has a label")
        mean = float(np.nanmean(labels))
        errors = labels - np.nan_to_num(looks.back(train, plan.frame.steps), nan=mean)
        content = {
            "signature": Signature.of(plan).json(),
            "lags": looks.lags,
            "history": looks.history,
            "history_steps": looks.history_steps,
            "season": looks.season,
            "mean": mean,
            "shifts": [0.0 if q == 0.5 else float(np.nanquantile(errors, q)) for q in plan.quantiles],
        }
        return FitResult(model=json.dumps(content, sort_keys=True).encode(), format="json")

    def scorer(self, model: bytes) -> Scorer:
        content = json.loads(model)
        lags = {int(season): name for season, name in content["lags"].items()}
        looks = _Looks(lags, content["history"], content["history_steps"], content["season"])
        return _SeasonalNaiveScorer(Signature.read(content["signature"]), looks, content["mean"], content["shifts"])

    def _looks(self, plan: FitPlan) -> _Looks:
        season = int(self.settled(plan.params)["season_steps"])
        frame = plan.frame
        season_hours = season * frame.step / timedelta(hours=1)
        lags, history, history_steps = {}, "", 0
        for feature in _features_of_label(frame):
            if isinstance(feature, Lag):
                for name, hours in zip(feature.names(), feature.hours, strict=True):
                    if hours % season_hours == 0:
                        lags[int(hours // season_hours)] = name
            else:
                steps = int(timedelta(hours=feature.hours) / frame.step)
                if steps > history_steps:
                    history, history_steps = feature.names()[0], steps
        if not lags and not history:
            raise FitError(
                f"{self.name}: no view of the task gives '{frame.label}' one season ago; add a target view with "
                f"Lag('{frame.label}', hours=({season_hours:g},)) or a window view with History('{frame.label}', …)"
            )
        return _Looks(lags, history, history_steps, season)


def _features_of_label(frame: Frame) -> list[Lag | History]:
    return [
        feature
        for group in (*frame.targets, *frame.windows)
        if group.series == frame.label_series
        for feature in group.features
        if isinstance(feature, Lag | History) and feature.column == frame.label
    ]


class _SeasonalNaiveScorer(Scorer):
    def __init__(self, signature: Signature, looks: _Looks, mean: float, shifts: list[float]) -> None:
        super().__init__(signature)
        self._looks, self._mean, self._shifts = looks, mean, np.array(shifts)

    def outputs(self, examples: pa.Table) -> Values:
        point = np.nan_to_num(self._looks.back(examples, self.signature.steps), nan=self._mean)
        return point.reshape(-1, 1) + self._shifts
