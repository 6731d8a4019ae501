"""Which registered model a fit begins from: found when it is planned; an alias means one version from then on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pipelines.contracts.cards import sha256
from pipelines.contracts.fits import FitError, FitPlan, WarmStart
from pipelines.contracts.model_references import START_FROM, ModelReference
from pipelines.contracts.plan_text import PlanError, plan_text, read_plan
from pipelines.contracts.tasks import Task
from pipelines.runner.work import Context

_FOUND = "warm_start.json"


def warm_started(context: Context, task: Task, plan: FitPlan) -> FitPlan:
    """The plan with the model that its parameter start_from names, if it names one; the model is copied to where
    engines find it.

    The same plan gets the same version ever after, wherever its alias points by then: else a fit that begins from the
    champion and becomes it would have to be made once more, for ever.
    FitError where there is no such model, where it is another family's, or where it has seen what will judge this fit.
    """
    wanted = str(plan.params.get(START_FROM, ""))
    if not wanted:
        return plan
    if plan.family == task.promote.must_beat:
        raise _refused(plan, "it is the baseline, whose worth must not hang on another fit. Leave start_from out")
    note = context.folder("fits") / plan.domain / plan.task / f"{plan.family}-{plan.key[:16]}" / _FOUND
    begun = read_plan(note.read_text(encoding="utf-8")).warm_start if note.exists() else None
    if begun is None or not _is_there(begun):
        reference = ModelReference.read(wanted)
        begun = _found(context, plan, reference.name, begun.version if begun else reference.which)
    found = replace(plan, warm_start=begun)
    must_not_know_more(found)
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(plan_text(found), encoding="utf-8")
    return found


def begun_again(context: Context, plan: FitPlan) -> FitPlan:
    """A plan that was carried out before, with the model that it began from where that lies by now."""
    begun = plan.warm_start
    if begun is None:
        return plan
    return replace(plan, warm_start=_found(context, plan, begun.name, begun.version))


def must_not_know_more(plan: FitPlan) -> None:
    """FitError where the model that the plan begins from learnt from what comes after the plan's own validate span:
    that judges the fit, and would look better than it is."""
    for span in plan.warm_start.learnt_from if plan.warm_start else ():
        if type(span) is not type(plan.validate) or span.end > plan.validate.end:  # type: ignore[operator]
            raise _refused(
                plan,
                f"{plan.warm_start} learnt from {span}, and this fit is judged on what comes after {plan.validate}. "
                "Begin from a model of an earlier time",
            )


def _found(context: Context, plan: FitPlan, name: str, which: int | str) -> WarmStart:
    """The version, copied to beside the tables."""
    from pipelines.io.model_copies import ModelCopies
    from pipelines.io.registry import Registry
    from pipelines.io.tracking import Tracking

    registry = Registry(context.settings)
    found = registry.find(name, which)
    if found is None:
        raise _refused(plan, "MLflow has no such model. Register one first, or leave start_from out")
    model, card = registry.load(name, found.version)
    if card.family != plan.family:
        raise _refused(plan, f"version {found.version} is a model of the family {card.family}")
    recorded = Tracking(context.settings).recorded(found.mlflow_run_id)
    try:
        made = read_plan(recorded.plan)
    except PlanError as error:
        raise _refused(plan, f"what version {found.version} learnt from is not known: {error}") from error
    file = ModelCopies(context.folder("models")).keep(name, found.version, model, card)
    return WarmStart(
        name,
        found.version,
        card.sha256,
        learnt_from=(made.train, made.validate),
        model_id=recorded.model_id,
        file=str(file),
    )


def _is_there(begun: WarmStart) -> bool:
    file = Path(begun.file)
    return file.exists() and sha256(file.read_bytes()) == begun.sha256


def _refused(plan: FitPlan, why: str) -> FitError:
    return FitError(f"{plan.task}: {plan.family} cannot begin from {plan.params[START_FROM]}: {why}")
