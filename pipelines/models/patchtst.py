"""A Transformer over patches of the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.contracts.fits import FitError, FitPlan
from pipelines.models.base import Param
from pipelines.models.channels import Channels
from pipelines.models.sequences import Params, SequenceFamily, Shape, sizes, training_params

if TYPE_CHECKING:
    from pipelines.models.nets.patch_transformer import PatchTransformer


class PatchTST(SequenceFamily):
    """Attention between patches of a channel (Nie et al. 2023); the sizes are the published ones for small data."""

    name = "patchtst"
    params = (
        Param("width", int, 16, (16, 32, 64), "numbers that stand for a patch; a multiple of heads"),
        Param("heads", int, 4, (4, 8), "kinds of attention in a layer"),
        Param("layers", int, 3, (2, 3), "layers of attention"),
        Param("inner", int, 128, (64, 128), "width of what follows the attention in a layer"),
        Param("patch", int, 16, (8, 16, 24), "steps of a patch; no more than the window has are taken"),
        Param("stride", int, 8, (4, 8, 12), "steps from a patch to the next"),
        Param("dropout", float, 0.3, (0.1, 0.2, 0.3), "part of the units left out in training"),
        *training_params(epochs=24, patience=6, batch=64, learning_rate=2e-3),
    )

    def shape(self, channels: Channels, plan: FitPlan, params: Params) -> Shape:
        width, heads = int(params["width"]), int(params["heads"])
        if width % heads:
            raise FitError(f"{self.name}: width {width} is no multiple of heads {heads}")
        return {
            **sizes(channels, plan),
            "lags": channels.lags,
            "label": channels.label,
            "width": width,
            "heads": heads,
            "layers": int(params["layers"]),
            "inner": int(params["inner"]),
            "patch": min(int(params["patch"]), channels.longest),
            "stride": int(params["stride"]),
            "dropout": float(params["dropout"]),
        }

    def network(self, shape: Shape) -> PatchTransformer:
        from pipelines.models.nets.patch_transformer import PatchTransformer

        return PatchTransformer(**shape)
