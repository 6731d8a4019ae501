"""The end of a search as a table that a person reads, and how to put to use what it found."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pipelines.contracts.tasks import ParamValue
from pipelines.contracts.trials import Trial
from pipelines.metrics.losses import loss_name
from pipelines.models.base import families
from pipelines.runner.report import table_text
from pipelines.runner.tuning import Found
from pipelines.stages.rungs import saved
from pipelines.stages.tune import WITHIN


def summary(found: Found) -> str:
    """Best, declared, naive and the cheapest of the good ones."""
    metric, baseline = loss_name(found.task.promote.metric), found.task.promote.must_beat
    declared = found.declared.loss or 0.0

    def row(what: str, trial: Trial) -> list[str]:
        loss = trial.loss or 0.0
        others = {name: value for name, value in trial.params.items() if value != found.declared.params[name]}
        params = ", ".join(f"{name} {value}" for name, value in others.items()) or "as declared"
        return [what, params, str(trial.number), f"{loss:,.4g}", _against(loss, declared), f"{trial.core_seconds:.1f}"]

    head = [f"{found.task.name}: {found.family}", "parameters", "trial", metric, "to declared", "core-seconds"]
    rows = [
        row("best", found.best),
        row(f"cheapest within {WITHIN:.0%}", found.cheapest),
        row("declared", found.declared),
        ["naive", baseline, "", f"{found.naive:,.4g}", _against(found.naive, declared), ""],
    ]
    given_up = sum(trial.fate == "pruned" for trial in found.trials)
    failed = sum(trial.fate == "failed" for trial in found.trials)
    spared = sum(saved(trial, found.trials) for trial in found.trials)
    saving = f", about {spared:.0f} core-seconds saved" if spared else ""
    counted = [f"{len(found.trials)} trials", f"{given_up} given up{saving}", *([f"{failed} failed"] if failed else [])]
    told = f"  {', '.join(counted)}; {found.ended} (budget: {found.budget}); judged on {found.judged_on}"
    return "\n".join([*table_text(head, rows, left=2), told, f"  {_next(found)}"])


def _next(found: Found) -> str:
    if found.best.params == found.declared.params:
        return "No trial was better than what is declared. More trials: --trials"
    adopted = {**found.params, **found.best.params}
    by_default = {param.name: param.default for param in families()[found.family].params}
    told = {name: value for name, value in adopted.items() if value != by_default[name]}
    return (
        f'Next: in the declaration of {found.domain}, task {found.task.name}, params={{"{found.family}": '
        f"{_literal(told)}}}; then: headrace run --domain {found.domain}"
    )


def _literal(params: Mapping[str, ParamValue]) -> str:
    told = {name: json.dumps(value) if isinstance(value, str) else repr(value) for name, value in params.items()}
    return "{" + ", ".join(f'"{name}": {value}' for name, value in told.items()) + "}"


def _against(loss: float, declared: float) -> str:
    return f"{100 * (loss / declared - 1):+.1f} %" if declared else ""
