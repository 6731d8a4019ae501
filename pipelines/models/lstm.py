"""A recurrent net that reads the past window and predicts all steps at once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pipelines.contracts.fits import FitError, FitPlan, Frame
from pipelines.models.base import Param
from pipelines.models.channels import Channels
from pipelines.models.sequences import Params, SequenceFamily, Shape, training_params

if TYPE_CHECKING:
    from pipelines.models.nets.seq2seq import Seq2Seq


class LSTM(SequenceFamily):
    """Sequence to sequence, with attention to the same time on earlier days."""

    name = "lstm"
    params = (
        Param("hidden", int, 48, (32, 48, 64), "width of the recurrent layers"),
        Param("patch", int, 6, (4, 6, 8), "steps of the past that are read at once"),
        Param("dropout", float, 0.1, (0.0, 0.1, 0.2), "part of the units left out in training"),
        Param("feature_dropout", float, 0.15, (0.0, 0.15, 0.3), "part of the steps' features hidden from an example"),
        *training_params(epochs=24, patience=6, batch=64, learning_rate=4e-3),
    )

    def read_at_once(self, params: Params) -> int:
        return int(params["patch"])

    def shape(self, channels: Channels, plan: FitPlan, params: Params) -> Shape:
        if not channels.features:
            raise FitError(f"{self.name}: the task needs a view at the target, such as a Calendar, which it decodes")
        return {
            "channels": len(channels.windows),
            "features": channels.features,
            "quantiles": len(plan.quantiles),
            "lags": channels.lags,
            **_analogues(channels, plan.frame),
            "hidden": int(params["hidden"]),
            "patch": channels.patch,
            "dropout": float(params["dropout"]),
            "feature_dropout": float(params["feature_dropout"]),
        }

    def network(self, shape: Shape) -> Seq2Seq:
        from pipelines.models.nets.seq2seq import Seq2Seq

        return Seq2Seq(**shape)


def _analogues(channels: Channels, frame: Frame) -> dict[str, int]:
    """Where the net finds the label's past at the same time of day: its channel and the whole days, no shorter than the
    horizon, that its window holds. No analogues where there is no such window."""
    day = max(timedelta(days=1) // frame.step, 1)
    period = -(-frame.steps // day) * day
    if channels.label is None:
        return {"label": 0, "analogues": 0, "period": period}
    return {"label": channels.label, "analogues": channels.windows[channels.anchor] // period, "period": period}
