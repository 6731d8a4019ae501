"""What is told of a fit, from what is known of it: evidence, figures, texts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

import pandas as pd

from pipelines.contracts.fits import CurvePoint, FitPlan
from pipelines.contracts.plan_text import plan_text
from pipelines.contracts.tasks import Task
from pipelines.domains import policy_if_any
from pipelines.engines.predictions import Model, mean_contributions
from pipelines.engines.shards import examples_of
from pipelines.io.environment import environment
from pipelines.io.run_records import FitReport, TableRead
from pipelines.io.tracking import PLAN_FILE
from pipelines.models.bundles import scorer_of
from pipelines.runner.entities import bundle_of, by_entity
from pipelines.runner.explanations import Explanations, explanations
from pipelines.runner.fits import fitted, usage_of
from pipelines.runner.model_card import model_card
from pipelines.runner.pictures import pictures
from pipelines.runner.work import Work
from pipelines.stages.evaluate import Evidence
from pipelines.transforms.intervals import shifted

EXAMPLES_SHOWN = 2
ENVIRONMENT_FILE, CARD_FILE = "environment.json", "model_card.md"
SLICES_FILE, GROUPS_FILE, INTERVALS_FILE = "metrics_by_slice.csv", "fairness.csv", "intervals_by_step.csv"


def fit_report(
    work: Work,
    task: Task,
    plan: FitPlan,
    seen: Evidence,
    naive: Evidence,
    *,
    id: str,
    parent: str,
    as_of: datetime,
    metrics: Mapping[str, float],
    points: tuple[CurvePoint, ...],
) -> FitReport:
    """All there is to tell of a family's fit. metrics, points: besides those of the evidence and the fit itself."""
    policy = policy_if_any(work.domain, task.decide)
    result, usage, made_with = fitted(work, plan), usage_of(work, plan), environment()
    examples = examples_of(plan, task.split.spans["test"])
    example = examples.slice(0, EXAMPLES_SHOWN).drop_columns(["label"])
    scorer = scorer_of(plan.family, result.model, plan.scope)
    prediction = shifted(scorer.predict(example), seen.calibration)
    is_baseline = plan.family == task.promote.must_beat
    explained = Explanations()
    if not is_baseline:
        model, test = Model(plan.family, result.model, scope=plan.scope), task.split.spans["test"]
        means = partial(mean_contributions, work.context.spark(), model, plan, test)
        explained = explanations(task, plan, result, scorer, examples, means)
    bundle = bundle_of(plan, result)
    of_each = by_entity(bundle, seen, naive, task) if bundle else None
    gate = {f"gate/{name}": value for name, value in seen.gate.items()}
    gate |= {f"gate/fairness/{gap.column}/{gap.of}_gap": gap.size for gap in seen.gaps("calibrate")}
    gaps = {f"fairness/{gap.column}/{gap.of}_gap": gap.size for gap in seen.gaps("test")}
    share = {} if result.trained_share is None else {"trained_share": result.trained_share}
    by_step = (
        *[CurvePoint("mae_by_step", step, float(mae)) for step, mae in enumerate(seen.mae_by_step, 1)],
        *[CurvePoint(f"coverage_by_step/{of['way']}", int(of["step"]), float(of["coverage"])) for of in seen.by_step],
    )
    tables = [TableRead(name, work.path(name), shard.version, work.count(name)) for name, shard in plan.tables.items()]
    card = model_card(work.domain, task, plan, seen, naive, tables, as_of, made_with["code"], bundle)
    return FitReport(
        id=id,
        parent=parent,
        as_of=as_of,
        plan=plan,
        result=replace(result, curves=(*result.curves, *by_step, *points)),
        calibration=seen.calibration,
        metrics={
            **seen.metrics,
            **gate,
            **gaps,
            **metrics,
            **share,
            "fit_seconds": result.seconds,
            **(of_each.metrics if of_each else {}),
        },
        tables=tables,
        example=example,
        prediction=prediction,
        samples=usage.samples if usage else (),
        figures={
            **pictures(work.domain, task, seen, naive, result),
            **explained.figures,
            **(of_each.figures if of_each else {}),
        },
        documents={
            **explained.documents,
            **(of_each.documents if of_each else {}),
            CARD_FILE: card,
            PLAN_FILE: plan_text(plan),
            ENVIRONMENT_FILE: json.dumps(made_with, indent=1) + "\n",
            SLICES_FILE: pd.DataFrame(seen.slices).to_csv(index=False),
            **({INTERVALS_FILE: pd.DataFrame(seen.by_step).to_csv(index=False)} if seen.by_step else {}),
            **({GROUPS_FILE: pd.DataFrame(seen.groups["test"]).to_csv(index=False)} if seen.groups else {}),
        },
        tags={
            "headrace.attempt": str(work.attempt.number),
            "headrace.split": str(task.split),
            **({"headrace.unit_of_worth": policy.unit} if policy else {}),
            "headrace.lock_sha256": made_with["lock_sha256"],
            "mlflow.source.git.commit": made_with["code"],
            "mlflow.note.content": card,  # shown as the run's description
        },
    )
