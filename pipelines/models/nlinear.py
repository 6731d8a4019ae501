"""A linear map of the window, seen from its last value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.contracts.fits import FitPlan
from pipelines.models.channels import Channels
from pipelines.models.sequences import Params, SequenceFamily, Shape, sizes, training_params

if TYPE_CHECKING:
    from pipelines.models.nets.window_linear import NLinearNet


class NLinear(SequenceFamily):
    """What moves from the last value on, for series whose level drifts (Zeng et al. 2023)."""

    name = "nlinear"
    params = training_params(epochs=24, patience=6, batch=64, learning_rate=4e-3)

    def shape(self, channels: Channels, plan: FitPlan, params: Params) -> Shape:
        return {**sizes(channels, plan), "label": channels.label}

    def network(self, shape: Shape) -> NLinearNet:
        from pipelines.models.nets.window_linear import NLinearNet

        return NLinearNet(**shape)
