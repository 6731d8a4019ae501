"""register: which family's model becomes champion, and why; a verdict on evidence, carried out elsewhere."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.contracts.names import DeclarationError
from pipelines.contracts.tasks import Task
from pipelines.metrics.losses import GAINS, LOSSES, direction
from pipelines.stages.evaluate import Evidence


@dataclass(frozen=True)
class Verdict:
    """family: the new champion, "" if none may be. why: in words for the record."""

    family: str
    why: str


def verdict(evidence: Mapping[str, Evidence], task: Task) -> Verdict:
    """The family with the best gate metric among those that beat the baseline by the declared margin.

    Looks at the calibrate span alone. A family with a metric that is not a finite number is out, and so is one that
    treats the groups of a protected column more differently than is declared. Raises
    DeclarationError where the task promotes by what its metrics do not hold, or by what is neither loss nor gain.
    """
    gate, baseline = task.promote, evidence[task.promote.must_beat].gate
    if gate.metric not in baseline or gate.metric not in LOSSES + GAINS:
        known = ", ".join(name for name in LOSSES + GAINS if name in baseline)
        raise DeclarationError(f"task '{task.name}': cannot promote by '{gate.metric}'; there are: {known}")
    sign = direction(gate.metric)
    spans, margin = "on the calibrate span", f"{gate.must_beat} {'−' if sign > 0 else '+'} {100 * gate.by:g}%"
    bar = baseline[gate.metric] * (1 - sign * gate.by)
    metric = {family: seen.gate[gate.metric] for family, seen in evidence.items() if family != gate.must_beat}
    good = {f: value for f, value in metric.items() if math.isfinite(value) and sign * value <= sign * bar}
    unfair = {family: told for family in good if (told := _unfair(evidence[family], task))}
    fit_for_use = {family: value for family, value in good.items() if family not in unfair}
    told = ", ".join(
        f"{family} {value:.4g}" for family, value in sorted(metric.items(), key=lambda item: sign * item[1])
    )
    if not good:
        return Verdict("", f"no family reaches {gate.metric} {bar:.4g} {spans} ({margin}): {told}")
    kept_out = "".join(f"; {family} is kept out: {why}" for family, why in sorted(unfair.items()))
    if not fit_for_use:
        return Verdict("", f"no family is fair enough {spans}{kept_out}; {gate.metric}: {told}")
    best = min(fit_for_use, key=lambda family: (sign * fit_for_use[family], family))
    return Verdict(
        best, f"{'least' if sign > 0 else 'most'} {gate.metric} {spans}: {told}; bar {bar:.4g} ({margin}){kept_out}"
    )


def _unfair(seen: Evidence, task: Task) -> str:
    """What differs too much between groups of a protected column, in words; "" where nothing does."""
    most = {(of.column, name): size for of in task.protected for name, size in of.most.items()}
    return ", ".join(
        f"{gap.of} differs by {gap.size:.3g} between {gap.column} {gap.low} and {gap.high} (at most "
        f"{most[gap.column, gap.of]:g})"
        for gap in seen.gaps("calibrate")
        if gap.size > most.get((gap.column, gap.of), 1.0)
    )
