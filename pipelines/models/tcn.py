"""A temporal convolutional net: dilated convolutions that see the whole window from its last step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.contracts.fits import FitPlan
from pipelines.models.base import Param
from pipelines.models.channels import Channels
from pipelines.models.sequences import Params, SequenceFamily, Shape, sizes, training_params

if TYPE_CHECKING:
    from pipelines.models.nets.convolutions import CausalConvNet


class TCN(SequenceFamily):
    """Reads long windows in few layers, where a recurrent net has to pass everything on from step to step."""

    name = "tcn"
    params = (
        Param("hidden", int, 32, (16, 32, 48), "width of the layers"),
        Param("kernel", int, 3, (2, 3, 5), "steps that a convolution sees at once; 2 or more"),
        Param("dropout", float, 0.1, (0.0, 0.1, 0.2), "part of the units left out in training"),
        *training_params(epochs=24, patience=6, batch=64, learning_rate=4e-3),
    )

    def shape(self, channels: Channels, plan: FitPlan, params: Params) -> Shape:
        return {
            **sizes(channels, plan),
            "lags": channels.lags,
            "hidden": int(params["hidden"]),
            "kernel": int(params["kernel"]),
            "dropout": float(params["dropout"]),
        }

    def network(self, shape: Shape) -> CausalConvNet:
        from pipelines.models.nets.convolutions import CausalConvNet

        return CausalConvNet(**shape)
