"""The registered model that a fit begins from, brought to where the fit is carried out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pipelines.contracts.cards import sha256
from pipelines.contracts.fits import FitError, FitPlan
from pipelines.contracts.model_references import START_FROM


def with_warm_start(plan: FitPlan) -> FitPlan:
    """The plan with the bytes of the model that it begins from, which ranks elsewhere get with it; FitError where they
    are gone or others."""
    begun = plan.warm_start
    if begun is None:
        if wanted := plan.params.get(START_FROM):
            raise FitError(f"{plan.family} by {plan.engine}: the plan does not say which model {wanted} was")
        return plan
    try:
        content = Path(begun.file).read_bytes()
    except OSError as error:
        raise FitError(f"{plan.family} by {plan.engine}: {begun}, from which the fit begins: {error}") from error
    if sha256(content) != begun.sha256:
        raise FitError(f"{plan.family} by {plan.engine}: {begun.file} is not what was registered as {begun}; delete it")
    return replace(plan, warm_start=replace(begun, content=content))
