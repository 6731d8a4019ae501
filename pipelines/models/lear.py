"""Lassos that see a whole day at once: one for each step, over what is known of all its steps."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np
import pyarrow as pa
import safetensors.numpy

from pipelines.contracts.fits import FitError, FitPlan, FitResult, Frame, Recorder
from pipelines.contracts.names import DeclarationError
from pipelines.contracts.tasks import Forecast, ParamValue
from pipelines.models.base import Family, Param, Scorer, Signature
from pipelines.models.rows import CYCLES, LABEL, STEP, Values, lists

_METADATA = "headrace"
_TO_DEVIATION = 0.6745
"""The median absolute deviation of a normal distribution, in standard deviations."""
_FEWEST = 3
"""Cut-offs that a lasso is fitted on."""
_STILL = 1e-12
_MOST_TERMS = 150
"""Steps of the path of a lasso: none of the best by Akaike's criterion had as many (measured: day-ahead prices)."""


@dataclass(frozen=True)
class Input:
    """One column of the design. step: from 0, of a feature that has a value a step; None of one that has one a cut-off.
    value: whether the feature is this, for one whose number is a name; None for a number."""

    feature: str
    step: int | None
    value: float | None


@dataclass(frozen=True)
class Lassos:
    """The fitted lassos of one window of days, all steps side by side.

    middle, spread: (inputs,) of asinh((x - middle) / spread); mean, deviation: (inputs,) of what that gives;
    weights: (inputs, steps); intercept, label_middle, label_spread: (steps,).
    """

    middle: Values
    spread: Values
    mean: Values
    deviation: Values
    weights: Values
    intercept: Values
    label_middle: Values
    label_spread: Values

    def predicted(self, x: Values) -> Values:
        """(examples, steps). Input by input: a matrix product's last bits would depend on how many rows there are."""
        standard = _standard(x, self.middle, self.spread, self.mean, self.deviation)
        total = np.tile(self.intercept, (len(x), 1))
        for column, weights in zip(standard.T, self.weights, strict=True):
            if weights.any():
                total += column[:, None] * weights
        return np.sinh(total) * self.label_spread + self.label_middle


class Lear(Family):
    """The LASSO-estimated autoregression of day-ahead prices (LEAR: Lago et al. 2021; Uniejewski et al. 2016), for
    cut-offs that ask for all steps of a day at once.

    Each step has a lasso of its own, which sees the cut-off features and the features of every step: yesterday's last
    hours tell something of tonight's first, and tomorrow's wind at noon of its evening. Numbers are told in median
    absolute deviations from their median, spikes tamed by the inverse hyperbolic sine; the penalty is that of the least
    Akaike's criterion, n · log(mse) + 2 · terms. The forecast is the mean over the models of several
    windows: short ones follow a change, long ones know the seasons. The other quantiles are the point plus the training
    errors' quantiles at the same step. One model for all entities: fit it per entity where their levels differ.
    """

    name = "lear"
    tasks = (Forecast,)
    params = (
        Param("windows", str, "56,84,1092,1456", None, "newest cut-offs that a model is fitted on, one model a number"),
    )

    def settled(self, given: Mapping[str, ParamValue]) -> dict[str, ParamValue]:
        params = super().settled(given)
        _windows(params)
        return params

    def fit(self, train: pa.Table, validate: pa.Table, plan: FitPlan, recorder: Recorder) -> FitResult:
        """The validate span is not looked at: the criterion chooses the penalty."""
        steps = plan.frame.steps
        train = train.filter(pa.array(~np.isnan(lists(train, LABEL, steps)).any(axis=1)))
        if len(train) < _FEWEST:
            raise FitError(
                f"lear by {plan.engine}: {len(train)} cut-offs of the train span have a label at every step; it needs "
                f"{_FEWEST}"
            )
        inputs = _inputs(train, plan.frame)
        x, labels = _columns(inputs, train, steps), lists(train, LABEL, steps)
        cut_at = np.asarray(train["cut_at"].cast(pa.int64()))
        newest = np.unique(cut_at)[::-1]
        since = [newest[min(days, len(newest)) - 1] for days in _windows(self.settled(plan.params))]
        lassos = [_fitted(x[cut_at >= first], labels[cut_at >= first]) for first in dict.fromkeys(since)]
        errors = labels - _mean(lassos, x)
        shifts = np.stack([np.quantile(errors, q, axis=0) * (q != 0.5) for q in plan.quantiles])
        content = {"signature": Signature.of(plan).json(), "inputs": [asdict(each) for each in inputs]}
        arrays = {f"{name}{place}": part for place, of in enumerate(lassos) for name, part in vars(of).items()}
        model = safetensors.numpy.save(
            {**arrays, "shifts": shifts}, metadata={_METADATA: json.dumps(content, sort_keys=True)}
        )
        return FitResult(model=model, format="safetensors", importance=_importance(inputs, lassos))

    def scorer(self, model: bytes) -> Scorer:
        header = json.loads(model[8 : 8 + int.from_bytes(model[:8], "little")])
        content, arrays = json.loads(header["__metadata__"][_METADATA]), safetensors.numpy.load(model)
        names = [field.name for field in fields(Lassos)]
        count = (len(arrays) - 1) // len(names)
        lassos = [Lassos(**{name: arrays[f"{name}{place}"] for name in names}) for place in range(count)]
        inputs = [Input(**each) for each in content["inputs"]]
        return _LearScorer(Signature.read(content["signature"]), inputs, lassos, arrays["shifts"])


class _LearScorer(Scorer):
    def __init__(self, signature: Signature, inputs: list[Input], lassos: list[Lassos], shifts: Values) -> None:
        super().__init__(signature)
        self._inputs, self._lassos, self._shifts = inputs, lassos, shifts

    def outputs(self, examples: pa.Table) -> Values:
        predicted = _mean(self._lassos, _columns(self._inputs, examples, self.signature.steps))
        return np.asarray(predicted[:, :, None] + self._shifts.T).reshape(-1, len(self.signature.quantiles))


def _windows(params: Mapping[str, ParamValue]) -> list[int]:
    told = str(params["windows"])
    days = [int(text) if text.strip().isdecimal() else 0 for text in told.split(",")]
    if min(days) < _FEWEST:
        raise DeclarationError(f"family 'lear': 'windows' are numbers of {_FEWEST} or more with commas, not {told!r}")
    return days


def _inputs(train: pa.Table, frame: Frame) -> list[Input]:
    """All columns of the design; of a calendar's name, what it is at the first step: the others follow from it."""
    counts = dict(frame.categories)
    inputs = []
    for name in frame.features:
        if name == STEP:
            continue
        if name in counts:
            inputs += [Input(name, None, float(place)) for place in range(1, counts[name] + 1)]
        elif name in CYCLES:
            first = lists(train, name, frame.steps)[:, 0]
            inputs += [Input(name, 0, value) for value in np.unique(first[~np.isnan(first)]).tolist()]
        elif pa.types.is_list(train.schema.field(name).type):
            inputs += [Input(name, step, None) for step in range(frame.steps)]
        else:
            inputs.append(Input(name, None, None))
    return inputs


def _columns(inputs: Sequence[Input], examples: pa.Table, steps: int) -> Values:
    """(examples, inputs), missing as NaN; of a name 1 where it is the value."""
    held: dict[str, Values] = {}
    found = np.empty((len(examples), len(inputs)))
    for place, each in enumerate(inputs):
        if each.feature not in held:
            is_number = each.step is None
            column = examples[each.feature].cast(pa.float64()).to_numpy()[:, None] if is_number else None
            held[each.feature] = lists(examples, each.feature, steps) if column is None else column
        raw = held[each.feature][:, each.step or 0]
        found[:, place] = raw if each.value is None else np.where(np.isnan(raw), np.nan, raw == each.value)
    return found


def _fitted(x: Values, labels: Values) -> Lassos:
    middle, spread = _middle_and_spread(x)
    mean, deviation = np.zeros(x.shape[1]), np.ones(x.shape[1])
    numbers = _standard(x, middle, spread, mean, deviation)
    mean, deviation = numbers.mean(axis=0), numbers.std(axis=0)
    deviation = np.where(deviation > _STILL, deviation, np.inf)
    design = (numbers - mean) / deviation
    label_middle, label_spread = _middle_and_spread(labels)
    answers = np.arcsinh((labels - label_middle) / label_spread)
    intercept = answers.mean(axis=0)
    answers = answers - intercept
    gram = design.T @ design
    weights = np.stack([_of_least_criterion(gram, design, answer) for answer in answers.T], axis=1)
    return Lassos(middle, spread, mean, deviation, weights, intercept, label_middle, label_spread)


def _of_least_criterion(gram: Values, design: Values, answer: Values) -> Values:
    """(inputs,): the weights on the lasso's path where n · log(mse) + 2 · terms is least."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import lars_path_gram

    total = float(answer @ answer)
    if total <= _STILL:
        return np.zeros(len(gram))
    with warnings.catch_warnings():
        # inputs that repeat each other are left out on the way, of which it would tell
        warnings.simplefilter("ignore", ConvergenceWarning)
        _, _, path = lars_path_gram(
            design.T @ answer,
            gram,
            n_samples=len(answer),
            max_iter=min(_MOST_TERMS, len(answer) // 2),
            method="lasso",
        )
    squares = total - 2.0 * (design.T @ answer) @ path + np.einsum("ij,ij->j", path, gram @ path)
    criterion = len(answer) * np.log(np.maximum(squares / total, _STILL)) + 2.0 * (path != 0.0).sum(axis=0)
    return np.asarray(path[:, np.argmin(criterion)])


def _middle_and_spread(values: Values) -> tuple[Values, Values]:
    """Median and median absolute deviation a column, as a normal distribution's; the deviation of one that is mostly
    one value, and 1 of one that never varies."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a column without any value
        middle = np.nan_to_num(np.nanmedian(values, axis=0))
        spread = np.nan_to_num(np.nanmedian(np.abs(values - middle), axis=0)) / _TO_DEVIATION
        deviation = np.nan_to_num(np.nanstd(values, axis=0))
    spread = np.where(spread > _STILL, spread, deviation)
    return middle, np.where(spread > _STILL, spread, 1.0)


def _standard(x: Values, middle: Values, spread: Values, mean: Values, deviation: Values) -> Values:
    """What is missing counts as the median."""
    told = np.nan_to_num(np.arcsinh((x - middle) / spread))
    return np.asarray((told - mean) / deviation)


def _mean(lassos: Sequence[Lassos], x: Values) -> Values:
    return np.asarray(sum(of.predicted(x) for of in lassos) / len(lassos))


def _importance(inputs: Sequence[Input], lassos: Sequence[Lassos]) -> dict[str, float]:
    """Mean absolute weight over steps and windows, summed over the inputs of a feature."""
    found: dict[str, float] = {}
    for place, each in enumerate(inputs):
        weight = float(np.mean([np.abs(of.weights[place]).mean() for of in lassos]))
        found[each.feature] = found.get(each.feature, 0.0) + weight
    return found
