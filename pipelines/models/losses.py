"""Which error a family is fitted on where numbers are asked for: pinball loss of quantiles, or squared error."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.contracts.fits import FitError, FitPlan
from pipelines.contracts.names import DeclarationError
from pipelines.contracts.tasks import ParamValue
from pipelines.models.base import Param

_PINBALL, _SQUARED = "pinball", "squared"
LOSS = Param("loss", str, _PINBALL, None, "pinball: quantiles; squared: the mean, in place of the one quantile 0.5")


def check_loss(family: str, params: Mapping[str, ParamValue]) -> None:
    """DeclarationError where the parameter says neither."""
    if params[LOSS.name] not in (_PINBALL, _SQUARED):
        raise DeclarationError(f"family '{family}': 'loss' must be {_PINBALL} or {_SQUARED}, not {params[LOSS.name]!r}")


def is_mean(plan: FitPlan, params: Mapping[str, ParamValue]) -> bool:
    """Whether the mean is asked for; FitError where it would have to stand for anything but the one quantile 0.5."""
    if params[LOSS.name] != _SQUARED:
        return False
    if plan.quantiles != (0.5,):
        asked = ", ".join(f"{quantile:g}" for quantile in plan.quantiles) or (
            "an order" if plan.frame.query else "a probability"
        )
        raise FitError(f"{plan.family}: the loss '{_SQUARED}' gives a mean for the quantile 0.5 alone, not for {asked}")
    return True
