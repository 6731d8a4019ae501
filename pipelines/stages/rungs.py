"""rungs: how far the fits of a search have come at steps that compare, and which one is given up on its way."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median

from pipelines.contracts.fits import CurvePoint
from pipelines.contracts.trials import Trial
from pipelines.metrics.losses import direction

_LEAST_JUDGED = 8
"""No fit is given up before so many trials were judged to the end: a quarter of fewer is but one."""
_PERCENTILE = 75.0
"""Fits worse than so many percent of the judged ones are given up. Of 40 trials of XGBoost that were carried out to the
end, those would have been 9, none among the best 20, and 18 % of all rounds; by the median 16, two among the best 6."""
_JUDGES = "validate/"


def least_losses(curves: Sequence[CurvePoint], rungs: Sequence[int]) -> tuple[float, ...]:
    """The least loss on the validate span by each of these steps, of a fit that ended sooner that of its end; infinite
    where there is none. Of a curve that rises, the negative counts."""
    losses = _losses(curves)
    return tuple(min((loss for step, loss in losses if step <= rung), default=math.inf) for rung in rungs)


def limits(rungs: Sequence[int], place: int, tried: Sequence[Trial]) -> dict[int, float]:
    """By rung the loss above which a fit on the window at `place` is given up, by the judged trials' losses there.

    This is Optuna's PercentilePruner as numbers, which every rank of a fit can be given; it has no study to ask.
    rungs: steps of the fit. Nothing while too few trials were judged.
    """
    import numpy as np

    judged = [trial.rungs[place] for trial in tried if trial.fate == "judged" and len(trial.rungs) > place]
    if not rungs or len(judged) < _LEAST_JUDGED:
        return {}
    at_rungs = zip(rungs, np.percentile(np.array(judged), _PERCENTILE, axis=0).tolist(), strict=True)
    return dict(at_rungs)


def given_up_at(curves: Sequence[CurvePoint], limits: Mapping[int, float]) -> int | None:
    """The first rung that a fit reached with more than its limit; None where it is never behind."""
    reached = max((step for step, _ in _losses(curves)), default=-1)
    rungs = sorted(rung for rung in limits if rung <= reached)
    behind = (rung for rung, loss in zip(rungs, least_losses(curves, rungs), strict=True) if loss > limits[rung])
    return next(behind, None)


def saved(given_up: Trial, tried: Sequence[Trial]) -> float:
    """About how many core-seconds it spared to give a trial up: what it lacks of the median of the judged ones."""
    judged = [trial.core_seconds for trial in tried if trial.fate == "judged"]
    return max(median(judged) - given_up.core_seconds, 0.0) if judged and given_up.fate == "pruned" else 0.0


def _losses(curves: Sequence[CurvePoint]) -> list[tuple[int, float]]:
    """By step the loss on the validate span; a value that is no number is no loss."""
    return [
        (point.step, direction(point.name.removeprefix(_JUDGES)) * point.value)
        for point in curves
        if point.name.startswith(_JUDGES) and not math.isnan(point.value)
    ]
