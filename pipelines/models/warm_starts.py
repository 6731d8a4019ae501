"""Whether a fit can begin from a model: it must ask the same of the same inputs."""

from __future__ import annotations

from pipelines.contracts.fits import FitError, FitPlan
from pipelines.models.base import Signature


def must_be_alike(plan: FitPlan, there: Signature) -> None:
    """FitError unless a model of this signature reads and answers just what the plan's will."""
    here = Signature.of(plan)
    if there.features != here.features:
        lost = [name for name in there.features if name not in here.features]
        new = [name for name in here.features if name not in there.features]
        told = f"only it has {_listed(lost)}, only this fit has {_listed(new)}" if lost or new else "in another order"
        raise unlike(plan, f"it reads other features: {told}")
    if there.outputs != here.outputs:
        raise unlike(plan, f"it answers with {_listed(there.outputs)}, not {_listed(here.outputs)}")
    if (there.steps, there.step) != (here.steps, here.step):
        raise unlike(plan, f"it answers for {there.steps} steps of {there.step}, not {here.steps} of {here.step}")


def unlike(plan: FitPlan, why: str) -> FitError:
    return FitError(
        f"{plan.family} by {plan.engine}: the fit cannot begin from {plan.warm_start}: {why}. Begin from a model of "
        "the same kind, or leave start_from out"
    )


def _listed(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(names) or "none"
