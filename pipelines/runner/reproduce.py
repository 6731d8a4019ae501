"""A fit made once more from what its run recorded: the same plan on the same table versions, whatever came since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from pipelines.contracts.cards import ModelCard, sha256
from pipelines.contracts.fits import FitPlan, Workspace
from pipelines.domains import domain as domain_named
from pipelines.io.tracking import Recorded, Tracking
from pipelines.runner.recorded import recorded_plan
from pipelines.runner.warm_starts import begun_again
from pipelines.runner.work import Context, Stopwatch
from pipelines.settings import Settings


@dataclass(frozen=True)
class Reproduced:
    """What came of a fit made again. differences: by metric of the test span what was recorded and what is now; empty
    where the bytes are the same, since then all else is."""

    run: str
    family: str
    recorded_sha256: str
    sha256: str
    differences: Mapping[str, tuple[float, float]]
    seconds: float

    @property
    def is_same(self) -> bool:
        return self.sha256 == self.recorded_sha256


def reproduce(settings: Settings, run_id: str) -> Reproduced:
    """Make the fit of a run again and compare. run_id: MLflow's, or ours. Nothing is published or logged.

    Raises TrackingError where MLflow has no such fit, WarehouseError where a version is gone, FitError where the fit
    fails.
    """
    from pipelines.engines import fit
    from pipelines.engines.recorder import FileRecorder

    watch = Stopwatch()
    context = Context.opened(settings, watch.say)
    recorded = Tracking(settings).recorded(run_id)
    plan = begun_again(context, recorded_plan(recorded, run_id))
    told = ", ".join(f"{name} at version {table.version}" for name, table in plan.tables.items())
    watch.say(plan.domain, "reproduce", f"{plan.task}: {plan.family} by {plan.engine} on {told} …")
    with TemporaryDirectory(prefix="headrace-reproduce-") as folder:
        workspace = Workspace(Path(folder))
        result = fit(plan, workspace, context.spark, FileRecorder(workspace))
    found, card = sha256(result.model), ModelCard.read(recorded.card)
    is_same = found == card.sha256
    differences = {} if is_same else _differences(context, plan, result.model, card, recorded)
    return Reproduced(run_id, plan.family, card.sha256, found, differences, watch.seconds)


def _differences(
    context: Context, plan: FitPlan, model: bytes, card: ModelCard, recorded: Recorded
) -> dict[str, tuple[float, float]]:
    """The metrics of the new model on the span that the old one was judged on, beside those that were recorded."""
    from pipelines.engines.predictions import Model, predictions
    from pipelines.stages.evaluate import judge

    task = domain_named(plan.domain).task(plan.task)
    alone = replace(task, families=(plan.family,), params={}, promote=replace(task.promote, must_beat=plan.family))
    of = Model(plan.family, model, card.calibration, plan.scope)
    rows = predictions(context.spark(), of, plan, {"test": task.split.spans["test"]}).toArrow()
    metrics = judge({plan.family: rows}, alone, "the test span")[plan.family]
    named = {name: value for name, value in metrics.items() if not name.startswith("naive_") and name != "skill"}
    return {name: (recorded.metrics[name], value) for name, value in named.items() if name in recorded.metrics}


def summary(of: Reproduced) -> str:
    """What came of it, for people."""
    if of.is_same:
        return f"{of.family}: the same bytes, sha256 {of.sha256[:16]}…; {of.seconds:.1f} s in all"
    lines = [f"{of.family}: other bytes: sha256 {of.sha256[:16]}…, recorded {of.recorded_sha256[:16]}…"]
    lines += [
        f"  {name}: {now:.6g}, recorded {before:.6g}, {now - before:+.3g}"
        for name, (before, now) in of.differences.items()
    ]
    return "\n".join([*lines, f"{of.seconds:.1f} s in all"])
