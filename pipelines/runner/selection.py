"""The features that a task's budget buys: picked once on the training span, and kept beside the fits."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from pipelines.contracts.fits import FitError, FitPlan
from pipelines.contracts.tasks import Select, Task
from pipelines.runner.work import Work, fingerprint
from pipelines.stages.train import restricted

if TYPE_CHECKING:
    import numpy as np

    from pipelines.metrics.selection import Judgement

ROWS = 20_000
"""So many rows are drawn of a longer training span: what they cannot tell is not worth a feature."""


def selected(work: Work, task: Task, plan: FitPlan) -> tuple[Judgement, ...]:
    """What is found of a plan's features, from where it was kept or found now; nothing where no budget is declared."""
    from pipelines.metrics.selection import Judgement

    if task.select is None:
        return ()
    alike = replace(plan, family="", engine="", params={}, workers=1, device="")  # what a family adds decides nothing
    folder = work.context.folder("fits") / plan.domain / plan.task
    file = folder / f"selection-{fingerprint(task.select, alike.key)[:16]}.json"
    if file.exists():
        return tuple(Judgement(**one) for one in json.loads(file.read_text(encoding="utf-8")))
    judged = judge(plan, task.select)
    folder.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}")
    partial.write_text(json.dumps([asdict(one) for one in judged]), encoding="utf-8")
    partial.replace(file)
    return judged


def judge(plan: FitPlan, wanted: Select) -> tuple[Judgement, ...]:
    """Every feature of the plan, by its training span alone. FitError where nothing can be told or nothing is left."""
    from pipelines.metrics.selection import select

    features, label = _training_rows(plan)
    if not len(label):
        raise FitError(f"{plan.domain}/{plan.task}: no row of the train span has a label, so no feature can be picked")
    judged = select(features, label, budget=wanted.budget, class_count=plan.class_count, seed=plan.seed)
    if not any(one.is_kept for one in judged):
        reasons = "; ".join(f"{one.feature}: {one.why}" for one in judged[:5])
        raise FitError(
            f"{plan.domain}/{plan.task}: none of {len(judged)} features is worth keeping ({reasons}). "
            "Declare others, or leave out select"
        )
    return judged


def of_kept(plan: FitPlan, judged: tuple[Judgement, ...]) -> FitPlan:
    """The plan with no other features than the kept ones; as it is where nothing was judged."""
    if not judged:
        return plan
    return replace(plan, frame=restricted(plan.frame, {one.feature for one in judged if one.is_kept}))


def line(judged: tuple[Judgement, ...]) -> str:
    """A selection in one line: how many stay, how many go for which reason."""
    fates = [one.fate for one in judged if not one.is_kept]
    told = ", ".join(f"{fates.count(fate)} {fate}" for fate in dict.fromkeys(fates))
    kept = f"{sum(one.is_kept for one in judged)} of {len(judged)} features kept"
    return f"{kept}; dropped: {told}" if told else kept


def _training_rows(plan: FitPlan) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Labelled rows of the training span in time order, features by name; the step is none that could be dropped."""
    import numpy as np

    from pipelines.engines.shards import examples_of
    from pipelines.models.rows import LABEL, STEP, matrix
    from pipelines.transforms.examples import instants

    frame = replace(plan.frame, windows=(), images=())  # tabular families see none
    examples = examples_of(replace(plan, frame=frame), plan.train)
    names = [name for name in frame.features if name != STEP]
    values = matrix(examples, (*names, LABEL), frame.steps)
    known = np.flatnonzero(~np.isnan(values[:, -1]))
    drawn = np.sort(np.random.default_rng(plan.seed).permutation(known)[:ROWS])
    cut_at = np.repeat(instants(examples["cut_at"]), frame.steps)
    rows = values[drawn[np.argsort(cut_at[drawn], kind="stable")]]
    return dict(zip(names, rows[:, :-1].T.copy(), strict=True)), rows[:, -1]
