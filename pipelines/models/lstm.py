"""A recurrent net that reads the past window and predicts all steps at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.contracts.calendar import Calendar
from pipelines.contracts.features import History, Lag
from pipelines.contracts.fits import FitError, FitPlan, FitResult, Frame, Recorder
from pipelines.contracts.tasks import Forecast, ParamValue
from pipelines.models.base import NetFamily, Param, Scorer, Signature
from pipelines.models.rows import CYCLES, LABEL, Values, lists

if TYPE_CHECKING:
    from pipelines.models.nets.crew import Crew
    from pipelines.models.nets.seq2seq import Seq2Seq

Inputs = npt.NDArray[np.float32]

_BLOCK = 32


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
        longest = -(-max(self.windows.values()) // self.patch) * self.patch
        past = np.zeros((len(examples), longest, len(self.windows)), np.float32)
        for channel, (name, length) in enumerate(self.windows.items()):
            past[:, longest - length :, channel] = self._scaled(examples, name, length)
        return past

    def future(self, examples: pa.Table) -> Inputs:
        """(examples, steps, features)."""
        columns = [self._scaled(examples, name, self.steps) for name in self.numbers]
        for name in self.cycles:
            angle = 2.0 * np.pi * lists(examples, name, self.steps) / CYCLES[name]
            columns += [np.nan_to_num(np.sin(angle)), np.nan_to_num(np.cos(angle))]
        return np.stack(columns, axis=2).astype(np.float32)

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


class LSTM(NetFamily):
    """Sequence to sequence with quantile outputs, trained on the pinball loss.

    Reads the windows and the features per step; cut-off features it leaves to the tabular families, since the origins
    between the cut-offs, on which it trains too, have none.
    """

    name = "lstm"
    engines = ("horovod", "single")
    tasks = (Forecast,)
    params = (
        Param("hidden", int, 48, (32, 48, 64), "width of the recurrent layers"),
        Param("patch", int, 6, (4, 6, 8), "steps of the past that are read at once"),
        Param("dropout", float, 0.1, (0.0, 0.1, 0.2), "part of the units left out in training"),
        Param("feature_dropout", float, 0.15, (0.0, 0.15, 0.3), "part of the steps' features hidden from an example"),
        Param("origins_every", int, 6, None, "a training origin every so many steps; 0 takes the cut-offs alone"),
        Param("epochs", int, 24, None, "most passes over the training rows"),
        Param("patience", int, 6, None, "epochs without a gain on the validate span before stopping"),
        Param("batch", int, 64, None, "examples a rank takes at a time"),
        Param("learning_rate", float, 4e-3, (2e-3, 4e-3, 8e-3), "peak of the learning rate"),
        Param("weight_decay", float, 1e-3, (0.0, 1e-3, 1e-2), "decay of the weights (AdamW)"),
        Param("memory", float, 0.99, None, "part of the running mean of the weights that a step keeps"),
    )

    def origins_every(self, params: Mapping[str, ParamValue]) -> int:
        return int(self.settled(params)["origins_every"])

    def fit(self, train: pa.Table, validate: pa.Table, plan: FitPlan, recorder: Recorder) -> FitResult:
        from pipelines.models.nets.crew import Solo

        return self.train(train, validate, plan, Solo(), recorder)

    def train(self, train: pa.Table, validate: pa.Table, plan: FitPlan, crew: Crew, recorder: Recorder) -> FitResult:
        import torch

        from pipelines.models.nets.devices import device_of
        from pipelines.models.nets.sealing import sealed
        from pipelines.models.nets.training import Batchable, Schedule, pinball, reproducible, train_network

        device = device_of(plan)
        params = self.settled(plan.params)
        channels = _channels(plan.frame, train, int(params["patch"]), crew)
        train_rows, validate_rows = (
            Batchable(
                (torch.from_numpy(channels.past(examples)), torch.from_numpy(channels.future(examples))),
                torch.from_numpy(channels.labels(examples)),
            )
            for examples in (train, validate)
        )
        schedule = Schedule(
            epochs=int(params["epochs"]),
            batch=int(params["batch"]),
            patience=int(params["patience"]),
            learning_rate=float(params["learning_rate"]),
            weight_decay=float(params["weight_decay"]),
            memory=float(params["memory"]),
            unit=channels.scales[LABEL][1],
        )
        with reproducible(plan.seed, device):
            shape = {
                "channels": len(channels.windows),
                "features": channels.features,
                "quantiles": len(plan.quantiles),
                "lags": [place for place, name in enumerate(channels.numbers) if name in channels.like_label],
                **_analogues(channels, plan.frame),
                "hidden": int(params["hidden"]),
                "patch": channels.patch,
                "dropout": float(params["dropout"]),
                "feature_dropout": float(params["feature_dropout"]),
            }
            network = _network(shape).to(device)
            loss = pinball(plan.quantiles)
            best = train_network(network, train_rows, validate_rows, loss, schedule, plan.seed, crew, recorder)
        content = {"signature": Signature.of(plan).json(), "channels": asdict(channels), "shape": shape}
        return FitResult(model=sealed(network, content), format="safetensors", best_step=best)

    def scorer(self, model: bytes) -> Scorer:
        from pipelines.models.nets.sealing import content_of, load_weights

        content = content_of(model)
        network = _network(content["shape"])
        load_weights(network, model)
        return _LSTMScorer(Signature.read(content["signature"]), Channels(**content["channels"]), network)


class _LSTMScorer(Scorer):
    def __init__(self, signature: Signature, channels: Channels, network: Seq2Seq) -> None:
        super().__init__(signature)
        self._channels, self._network = channels, network

    def outputs(self, examples: pa.Table) -> Values:
        from pipelines.models.nets.sealing import in_blocks

        past, future = self._channels.past(examples), self._channels.future(examples)
        predicted = in_blocks(self._network, (past, future), _BLOCK)
        return self._channels.unscaled(predicted, examples).reshape(-1, len(self.signature.quantiles))


def _network(shape: Mapping[str, Any]) -> Seq2Seq:
    from pipelines.models.nets.seq2seq import Seq2Seq

    return Seq2Seq(**shape)


def _analogues(channels: Channels, frame: Frame) -> dict[str, int]:
    """Where the net finds the label's past at the same time of day: its channel and the whole days, no shorter than the
    horizon, that its window holds. No analogues where there is no such window."""
    day = max(timedelta(days=1) // frame.step, 1)
    period = -(-frame.steps // day) * day
    if not channels.anchor:
        return {"label": 0, "analogues": 0, "period": period}
    label = list(channels.windows).index(channels.anchor)
    return {"label": label, "analogues": channels.windows[channels.anchor] // period, "period": period}


def _channels(frame: Frame, train: pa.Table, patch: int, crew: Crew) -> Channels:
    """The scales are those of all ranks' rows together."""
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
    if not windows or not (numbers or cycles):
        raise FitError("lstm: the task needs a view of windows (History) and a view at the target, such as a Calendar")
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
