"""A linear map of the window, split into its running mean and the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.contracts.fits import FitPlan
from pipelines.models.base import Param
from pipelines.models.channels import Channels
from pipelines.models.sequences import Params, SequenceFamily, Shape, sizes, training_params

if TYPE_CHECKING:
    from pipelines.models.nets.window_linear import DLinearNet


class DLinear(SequenceFamily):
    """The linear net that long-horizon Transformers were found not to beat (Zeng et al. 2023). The label is told as
    differences from its window's mean, which the published one is not."""

    name = "dlinear"
    params = (
        Param("kernel", int, 25, (13, 25, 49), "steps of the running mean that is read apart from the rest"),
        *training_params(epochs=24, patience=6, batch=64, learning_rate=4e-3),
    )

    def shape(self, channels: Channels, plan: FitPlan, params: Params) -> Shape:
        return {**sizes(channels, plan), "lags": channels.lags, "kernel": int(params["kernel"])}

    def network(self, shape: Shape) -> DLinearNet:
        from pipelines.models.nets.window_linear import DLinearNet

        return DLinearNet(**shape)
