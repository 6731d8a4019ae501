"""How long a fit will take and what it will cost, before it starts: from fits that were measured here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.contracts.fits import FitError, FitPlan
from pipelines.contracts.tasks import ParamValue
from pipelines.runner.measured import Measured, all_kept

_ROUNDS = ("rounds", "epochs", "trees")
_LEAST_FACTOR = 1.5  # seconds of the same fit differ so much from run to run on a machine that does other things too
_NEAREST = 5


@dataclass(frozen=True)
class Estimate:
    """seconds, core_seconds: None where no fit of this family by this engine was measured yet. factor: by how much the
    truth may be more or less; fits: how many measured ones it is made from. price: None where conf has none."""

    family: str
    engine: str
    rows: int
    features: int
    seconds: float | None = None
    core_seconds: float | None = None
    factor: float = 0.0
    fits: int = 0
    price: float | None = None


def estimate(plan: FitPlan, rows: int, folder: Path, price_per_core_hour: float) -> Estimate:
    """Seconds of a fit as the nearest measured ones of its family, scope, engine and device took them, in proportion to
    the work: rows × features × rounds. rows: as `rows_of` counts them; folder: of the fits' workspaces.

    A fit has a part that does not grow, so nothing is scaled down below what the smallest measured fit took.
    """
    features = len(plan.frame.features)
    alike = (plan.family, plan.scope, plan.engine, plan.device)
    same = [of for of in all_kept(folder) if (of.family, of.scope, of.engine, of.device) == alike]
    if not same:
        return Estimate(plan.family, plan.engine, rows, features)
    work = _work(rows, features, plan.params)
    same.sort(key=lambda of: (of.workers != plan.workers, _distance(work, of)))
    nearest = same[:_NEAREST]
    seconds = _weighted([of.usage.seconds * _scale(work, of) for of in nearest], work, nearest)
    core_seconds = _weighted([of.usage.core_seconds * _scale(work, of) for of in nearest], work, nearest)
    return Estimate(
        plan.family,
        plan.engine,
        rows,
        features,
        seconds,
        core_seconds,
        factor=_factor(work, nearest),
        fits=len(nearest),
        price=core_seconds / 3600 * price_per_core_hour if price_per_core_hour else None,
    )


def must_be_affordable(found: Estimate, plan: FitPlan, budget_minutes: int) -> None:
    """FitError for a fit that is estimated to take longer than the budget; 0 is no budget. What was never measured may
    be tried."""
    if budget_minutes and found.seconds is not None and found.seconds > 60 * budget_minutes:
        raise FitError(
            f"{plan.task}: the fit of {plan.family} is estimated at {told(found)}, over training.budget_minutes "
            f"{budget_minutes}. Raise it in conf, or run with --force"
        )


def told(found: Estimate) -> str:
    """The estimate in words."""
    if found.seconds is None:
        return "unknown: no fit of this family by this engine was measured here yet"
    price = "" if found.price is None else f", price {found.price:,.4g}"
    fits = "one measured fit" if found.fits == 1 else f"{found.fits} measured fits"
    return f"{_duration(found.seconds)}{price}, within a factor of {found.factor:.1f} (from {fits})"


def _work(rows: int, features: int, params: Mapping[str, ParamValue]) -> float:
    rounds = [int(value) for name, value in params.items() if name in _ROUNDS]
    return max(rows, 1) * max(features, 1) * max(rounds, default=1)


def _of(measured: Measured) -> float:
    return _work(measured.rows, measured.features, measured.params)


def _distance(work: float, of: Measured) -> float:
    return abs(math.log(work / _of(of)))


def _scale(work: float, of: Measured) -> float:
    return max(work / _of(of), 1.0)


def _weighted(values: Sequence[float], work: float, of: Sequence[Measured]) -> float:
    """Their geometric mean, the nearest counting most."""
    weights = [1.0 / (0.1 + _distance(work, one)) for one in of]
    logs = [weight * math.log(max(value, 1e-3)) for weight, value in zip(weights, values, strict=True)]
    return math.exp(sum(logs) / sum(weights))


def _factor(work: float, nearest: Sequence[Measured]) -> float:
    """As far as the measured fits differ once they are scaled, and further the further the work is from them."""
    scaled = [of.usage.seconds * _scale(work, of) for of in nearest]
    spread = math.sqrt(max(scaled) / max(min(scaled), 1e-3))
    return max(_LEAST_FACTOR, spread) * math.exp(_distance(work, nearest[0]) / 2)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:,.0f} min"
