"""A convolutional net over the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.contracts.fits import FitPlan
from pipelines.models.base import Param
from pipelines.models.channels import Channels
from pipelines.models.sequences import Params, SequenceFamily, Shape, sizes, training_params

if TYPE_CHECKING:
    from pipelines.models.nets.convolutions import ConvNet


class CNN(SequenceFamily):
    """Short shapes first, longer ones of these, then all of the window at once."""

    name = "cnn"
    params = (
        Param("hidden", int, 48, (32, 48, 64), "width of the layers"),
        Param("layers", int, 3, (2, 3, 4), "convolutions, each of which halves the window"),
        Param("kernel", int, 5, (3, 5, 7), "steps that a convolution sees at once"),
        Param("dropout", float, 0.1, (0.0, 0.1, 0.2), "part of the units left out in training"),
        *training_params(epochs=24, patience=6, batch=64, learning_rate=4e-3),
    )

    def shape(self, channels: Channels, plan: FitPlan, params: Params) -> Shape:
        return {
            **sizes(channels, plan),
            "lags": channels.lags,
            "hidden": int(params["hidden"]),
            "layers": int(params["layers"]),
            "kernel": int(params["kernel"]),
            "dropout": float(params["dropout"]),
        }

    def network(self, shape: Shape) -> ConvNet:
        from pipelines.models.nets.convolutions import ConvNet

        return ConvNet(**shape)
