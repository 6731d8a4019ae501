"""register: which family's model becomes champion, and why; a verdict on evidence, carried out elsewhere."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.contracts.names import DeclarationError
from pipelines.contracts.tasks import Task
from pipelines.metrics.losses import LOSSES
from pipelines.stages.evaluate import Evidence


@dataclass(frozen=True)
class Verdict:
    """family: the new champion, "" if none may be. why: in words for the record."""

    family: str
    why: str


def verdict(evidence: Mapping[str, Evidence], task: Task) -> Verdict:
    """The family with the smallest gate metric among those that beat the baseline by the declared margin.

    Looks at the calibrate span alone. A family with a metric that is not a finite number is out. Raises
    DeclarationError where the task promotes by what its metrics do not hold, or by what is better when larger.
    """
    gate, baseline = task.promote, evidence[task.promote.must_beat].gate
    if gate.metric not in baseline or gate.metric not in LOSSES:
        known = ", ".join(loss for loss in LOSSES if loss in baseline)
        raise DeclarationError(f"task '{task.name}': cannot promote by '{gate.metric}'; there are: {known}")
    spans, margin = "on the calibrate span", f"{gate.must_beat} − {100 * gate.by:g}%"
    bar = baseline[gate.metric] * (1 - gate.by)
    metric = {family: seen.gate[gate.metric] for family, seen in evidence.items() if family != gate.must_beat}
    fit_for_use = {f: value for f, value in metric.items() if math.isfinite(value) and value <= bar}
    told = ", ".join(f"{family} {value:.4g}" for family, value in sorted(metric.items(), key=lambda item: item[1]))
    if not fit_for_use:
        return Verdict("", f"no family reaches {gate.metric} {bar:.4g} {spans} ({margin}): {told}")
    best = min(fit_for_use, key=lambda family: (fit_for_use[family], family))
    return Verdict(best, f"least {gate.metric} {spans}: {told}; bar {bar:.4g} ({margin})")
