"""A linear system with a hidden state that did what was seen in training, and how far a thing strays from it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import numpy as np
import pyarrow as pa

from pipelines.contracts.features import lag_named
from pipelines.contracts.fits import FitError, FitPlan, FitResult, Recorder
from pipelines.contracts.tasks import Detect
from pipelines.models.base import Family, Param, Scorer, Signature
from pipelines.models.kalman import LinearSystem
from pipelines.models.labels import unlabelled
from pipelines.models.oddity import Ranks
from pipelines.models.rows import Values, matrix
from pipelines.models.subspace import identified, unknowns


@dataclass(frozen=True)
class Channel:
    """One column through a window: its features, oldest first, and how it is brought to mean 0 and deviation 1."""

    column: str
    features: tuple[str, ...]
    mean: float
    deviation: float
    is_input: bool


class StateSpace(Family):
    """x' = Ax + Bu + Cw for condition monitoring: identified from windows of the train span (subspace identification,
    N4SID), followed by a Kalman filter; odd is what its innovations in the last steps are too large for (Mehra and
    Peschon 1971).

    A window is read from the task's features that are Lags, at the same even distances for all columns; other features
    are left to other families. What drives the machine (a set point, the weather) is declared as `inputs`: it is not
    judged itself, only what the machine makes of it. A missing value is passed over; a window without any has no score.
    """

    name = "state_space"
    tasks = (Detect,)
    params = (
        Param("order", int, 4, (2, 4, 8), "number of states"),
        Param("judged_steps", int, 8, (1, 4, 8, 16), "last steps of a window whose innovations count; 0: all of them"),
        Param("inputs", str, "", None, "columns that drive the system, with commas between"),
    )

    def fit(self, train: pa.Table, validate: pa.Table, plan: FitPlan, recorder: Recorder) -> FitResult:
        params = self.settled(plan.params)
        values = unlabelled(train, plan, "train")
        columns = dict(zip(plan.frame.features, values.T, strict=True))
        inputs = [name.strip() for name in str(params["inputs"]).split(",") if name.strip()]
        channels = _channels(plan, columns, inputs)
        measured, given = _windows(channels, columns)
        whole = ~np.isnan(measured).any(axis=(1, 2))
        most = unknowns(measured.shape[1], measured.shape[2], given.shape[2])
        if whole.sum() <= 2 * most:
            raise FitError(
                f"{self.name} by {plan.engine}: {whole.sum()} rows of the train span have all their lags, and more "
                f"than {2 * most} are needed for so many; declare fewer lags or columns"
            )
        order = min(int(params["order"]), measured.shape[1] // 2 * measured.shape[2])
        system = identified(measured[whole], given[whole], order)
        judged = int(params["judged_steps"])
        oddities = _oddity(system, measured, given, judged)
        ranks = Ranks.of(oddities[~np.isnan(oddities)])
        content = {
            "signature": Signature.of(plan).json(),
            "channels": [asdict(channel) for channel in channels],
            "system": {name: matrix.tolist() for name, matrix in asdict(system).items()},
            "shapes": {name: matrix.shape for name, matrix in asdict(system).items()},
            "judged_steps": judged,
            **asdict(ranks),
        }
        return FitResult(model=json.dumps(content, sort_keys=True).encode(), format="json")

    def scorer(self, model: bytes) -> Scorer:
        content = json.loads(model)
        shapes = content["shapes"]
        system = LinearSystem(**{name: np.reshape(rows, shapes[name]) for name, rows in content["system"].items()})
        channels = [Channel(**channel) for channel in content["channels"]]
        ranks = Ranks(content["marks"], content["rows"])
        signature = Signature.read(content["signature"])
        return _StateSpaceScorer(signature, channels, system, ranks, content["judged_steps"])


class _StateSpaceScorer(Scorer):
    def __init__(
        self, signature: Signature, channels: list[Channel], system: LinearSystem, ranks: Ranks, judged_steps: int
    ) -> None:
        super().__init__(signature)
        self._channels, self._system, self._ranks, self._judged_steps = channels, system, ranks, judged_steps

    def outputs(self, examples: pa.Table) -> Values:
        values = matrix(examples, self.signature.features, self.signature.steps)
        columns = dict(zip(self.signature.features, values.T, strict=True))
        return self._ranks.score(_oddity(self._system, *_windows(self._channels, columns), self._judged_steps))


def _channels(plan: FitPlan, columns: dict[str, Values], inputs: list[str]) -> list[Channel]:
    """Every column with lags that varies over the train span; FitError where their windows do not fit together."""
    lags: dict[str, dict[float, str]] = {}
    for name in plan.frame.cut_off_features:
        if lag := lag_named(name):
            column, distance = lag
            lags.setdefault(column, {})[distance] = name
    where = f"{plan.family} by {plan.engine}"
    if not lags:
        raise FitError(
            f"{where}: the task needs a view with lags of what is measured, such as Lag('heat_c', (0, 1, 2))"
        )
    unknown = [name for name in inputs if name not in lags]
    if unknown:
        raise FitError(f"{where}: no lags of the input '{unknown[0]}'; there are some of: {', '.join(lags)}")
    hours = sorted(next(iter(lags.values())), reverse=True)
    steps = -np.diff(hours)
    if len(hours) < 4 or steps.max() > 1.01 * steps.min() or any(set(of) != set(hours) for of in lags.values()):
        raise FitError(f"{where}: the lags of all columns must be the same, four or more, at even distances")
    found = []
    for column, of in lags.items():
        features = tuple(of[each] for each in hours)
        values = np.stack([columns[name] for name in features])
        known = values[~np.isnan(values)]
        if len(known) and known.std() > 0.0:
            found.append(Channel(column, features, float(known.mean()), float(known.std()), column in inputs))
    if all(channel.is_input for channel in found):
        raise FitError(f"{where}: no column that is not an input varies over the train span")
    return found


def _windows(channels: list[Channel], columns: dict[str, Values]) -> tuple[Values, Values]:
    """(rows, times, measured channels), NaN where missing, and (rows, times, inputs), a missing one at its mean."""
    measured = _side_by_side([channel for channel in channels if not channel.is_input], columns)
    inputs = [channel for channel in channels if channel.is_input]
    given = np.nan_to_num(_side_by_side(inputs, columns)) if inputs else np.empty((*measured.shape[:2], 0))
    return measured, given


def _side_by_side(channels: list[Channel], columns: dict[str, Values]) -> Values:
    scaled = [
        np.stack([(columns[name] - channel.mean) / channel.deviation for name in channel.features], axis=1)
        for channel in channels
    ]
    return np.stack(scaled, axis=2)


def _oddity(system: LinearSystem, measured: Values, inputs: Values, judged_steps: int) -> Values:
    """By how many deviations the squared innovations of the last steps are above what they should be; NaN where none of
    these has a measurement."""
    squares, freedom = system.innovations(measured, inputs)
    total = np.zeros(len(squares))
    for column in squares.T[-judged_steps:]:
        total += column
    count = freedom[:, -judged_steps:].sum(axis=1).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count > 0, (total - count) / np.sqrt(2.0 * count), np.nan)
