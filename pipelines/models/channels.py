"""What nets for sequences read: windows of the past and the features per step, all brought to one scale."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.contracts.calendar import Calendar
from pipelines.contracts.features import History, Lag
from pipelines.contracts.fits import Frame
from pipelines.models.rows import CYCLES, LABEL, Values, lists

if TYPE_CHECKING:
    from pipelines.models.nets.crew import Crew

Inputs = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Channels:
    """Which columns the net reads and how they are brought to one scale, all learnt on training rows.

    windows: columns with their lengths in steps; numbers: per-step columns; cycles: per-step columns that come round,
    as sine and cosine. scales: mean and deviation per column. like_label: columns that share the label's unit; they,
    and the label, are told as differences from the window's own mean, so that the level of a season seldom seen is
    nothing new. A missing value is 0, the mean.
    """

    windows: dict[str, int]
    numbers: tuple[str, ...]
    cycles: tuple[str, ...]
    like_label: tuple[str, ...]
    anchor: str
    scales: dict[str, tuple[float, float]]
    patch: int
    steps: int

    @property
    def features(self) -> int:
        return len(self.numbers) + 2 * len(self.cycles)

    @property
    def longest(self) -> int:
        """The length of `past` in steps, a multiple of `patch`."""
        return -(-max(self.windows.values()) // self.patch) * self.patch

    @property
    def label(self) -> int | None:
        """The label's place among the windows."""
        return list(self.windows).index(self.anchor) if self.anchor else None

    @property
    def lags(self) -> list[int]:
        """Which of the features are the label's own past."""
        return [place for place, name in enumerate(self.numbers) if name in self.like_label]

    def anchors(self, examples: pa.Table) -> Values:
        """(examples, 1): the mean of the label's window; the label's training mean where there is no such window."""
        mean = self.scales[LABEL][0]
        if not self.anchor:
            return np.full((len(examples), 1), mean)
        window = lists(examples, self.anchor, self.windows[self.anchor])
        known = ~np.isnan(window)
        count = known.sum(axis=1, keepdims=True)
        total = np.where(known, window, 0.0).sum(axis=1, keepdims=True)
        return np.divide(total, count, out=np.full((len(examples), 1), mean), where=count > 0)

    def past(self, examples: pa.Table) -> Inputs:
        """(examples, time, windows), oldest first; shorter windows are filled up in front."""
        past = np.zeros((len(examples), self.longest, len(self.windows)), np.float32)
        for channel, (name, length) in enumerate(self.windows.items()):
            past[:, self.longest - length :, channel] = self._scaled(examples, name, length)
        return past

    def future(self, examples: pa.Table) -> Inputs:
        """(examples, steps, features)."""
        columns = [self._scaled(examples, name, self.steps) for name in self.numbers]
        for name in self.cycles:
            angle = 2.0 * np.pi * lists(examples, name, self.steps) / CYCLES[name]
            columns += [np.nan_to_num(np.sin(angle)), np.nan_to_num(np.cos(angle))]
        future = np.empty((len(examples), self.steps, self.features), np.float32)
        for feature, column in enumerate(columns):
            future[:, :, feature] = column
        return future

    def labels(self, examples: pa.Table) -> Inputs:
        """(examples, steps), NaN where unknown."""
        scaled = (lists(examples, LABEL, self.steps) - self.anchors(examples)) / self.scales[LABEL][1]
        return scaled.astype(np.float32)

    def unscaled(self, predicted: npt.NDArray[np.floating], examples: pa.Table) -> Values:
        """(examples, steps, quantiles) back in the label's unit."""
        return predicted * self.scales[LABEL][1] + self.anchors(examples)[:, :, None]

    def _scaled(self, examples: pa.Table, name: str, length: int) -> Values:
        values = lists(examples, name, length)
        if name in self.like_label:
            return np.nan_to_num((values - self.anchors(examples)) / self.scales[LABEL][1])
        mean, deviation = self.scales[name]
        return np.nan_to_num((values - mean) / deviation)


def learnt_channels(frame: Frame, train: pa.Table, patch: int, crew: Crew) -> Channels:
    """The frame's windows and features; the scales are those of all ranks' rows together."""
    windows: dict[str, int] = {}
    numbers: list[str] = []
    cycles: list[str] = []
    like_label: list[str] = []
    for group in (*frame.targets, *frame.windows):
        for feature in group.features:
            names = feature.names()
            if isinstance(feature, History):
                windows[names[0]] = timedelta(hours=feature.hours) // frame.step
            else:
                cycles += [name for name in names if name in CYCLES]
                numbers += [name for name in names if name not in CYCLES]
            is_label = not isinstance(feature, Calendar) and feature.column == frame.label
            if is_label and isinstance(feature, Lag | History) and group.series == frame.label_series:
                like_label += names
    anchor = next((name for name in like_label if name in windows), "")
    scales = {}
    for name in (*windows, *numbers, LABEL):
        values = lists(train, name, windows.get(name, frame.steps))
        known = values[~np.isnan(values)]
        count, total = crew.total(np.array([len(known), known.sum()], np.float64))
        mean = total / count if count else 0.0
        (squares,) = crew.total(np.array([((known - mean) ** 2).sum()], np.float64))
        scales[name] = (float(mean), float(np.sqrt(squares / count)) if squares > 0.0 else 1.0)
    return Channels(windows, tuple(numbers), tuple(cycles), tuple(like_label), anchor, scales, patch, frame.steps)
