"""The columns of a linear model's design: standardised numbers, and one column a value of a category."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipelines.contracts.fits import FitError, FitPlan, Frame
from pipelines.models.class_weights import WEIGHT
from pipelines.models.rows import Values

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_CALENDAR = ("calendar__time_of_day", "calendar__weekday")


@dataclass(frozen=True)
class Term:
    """One column of the design: a feature, or whether a categorical feature has a value; standardised.

    A missing feature counts as its training mean, which is 0 here.
    """

    feature: str
    value: float | None
    mean: float = 0.0
    deviation: float = 1.0
    coefficient: float = 0.0

    @property
    def name(self) -> str:
        return self.feature if self.value is None else f"{self.feature}={self.value:g}"

    def raw(self, column: Values) -> Values:
        return column if self.value is None else np.where(np.isnan(column), np.nan, column == self.value)

    def standardised(self, column: Values) -> Values:
        return np.nan_to_num((self.raw(column) - self.mean) / self.deviation)

    def raw_in_spark(self) -> Column:
        from pyspark.sql import functions as F

        column = F.col(f"`{self.feature}`")
        return column if self.value is None else (column == self.value).cast("double")

    def standardised_in_spark(self) -> Column:
        from pyspark.sql import functions as F

        return F.coalesce((self.raw_in_spark() - self.mean) / self.deviation, F.lit(0.0))


def _categorical(frame: Frame) -> list[str]:
    """Features whose number is a name: one column a value, so that a day's shape need not be a straight line.

    Events come at any minute, so their time of day is no name: it would have a column a minute.
    """
    names = {name for name, _ in frame.categories} | set(_CALENDAR if frame.step else _CALENDAR[1:])
    return [name for name in frame.features if name in names]


def standardising(columns: Mapping[str, Values], plan: FitPlan, weights: Values | None = None) -> list[Term]:
    """The terms that vary over the rows of `columns`, with their means and deviations; FitError if none does.

    weights: how often each row counts; None: once.
    """
    values = {name: columns[name] for name in _categorical(plan.frame)}
    terms = _terms(plan.frame.features, {name: np.unique(c[~np.isnan(c)]).tolist() for name, c in values.items()})
    raws = [term.raw(columns[term.feature]) for term in terms]
    moments = [_moments(raw, weights) for raw in raws]
    return _varying(terms, moments, plan)


def _moments(raw: Values, weights: Values | None) -> tuple[float, float]:
    """Mean and deviation of what is known, 0 where nothing is."""
    is_known = ~np.isnan(raw)
    if not is_known.any():
        return 0.0, 0.0
    if weights is None:
        return float(np.nanmean(raw)), float(np.nanstd(raw))
    mean = np.average(raw[is_known], weights=weights[is_known])
    return float(mean), math.sqrt(np.average((raw[is_known] - mean) ** 2, weights=weights[is_known]))


def average(column: Column, rows: DataFrame) -> Column:
    """The mean of what is known over all rows, which count as their column WEIGHT says, if they have one."""
    from pyspark.sql import functions as F

    if WEIGHT not in rows.columns:
        return F.avg(column)
    return F.sum(column * F.col(WEIGHT)) / F.sum(F.when(column.isNotNull(), F.col(WEIGHT)))


def standardising_in_spark(rows: DataFrame, plan: FitPlan) -> list[Term]:
    """As `standardising`, over all rows; those with a column WEIGHT count as it says."""
    from pyspark.sql import functions as F

    counts = {name: _counts(rows, name) for name, _ in plan.frame.categories}
    named = [name for name in _categorical(plan.frame) if name not in counts]
    seen = rows.agg(F.count("*"), *[F.sort_array(F.collect_set(f"`{name}`")) for name in named]).first()
    assert seen is not None, "an aggregate without groups has one row"
    values = {name: sorted(counted) for name, counted in counts.items()}
    terms = _terms(plan.frame.features, values | dict(zip(named, seen[1:], strict=True)))
    columns = [term.raw_in_spark() for term in terms if term.feature not in counts]
    if WEIGHT in rows.columns:
        others = iter(_weighted_moments(rows, columns))
    else:
        found = rows.agg(F.count("*"), *[F.struct(F.avg(column), F.stddev_pop(column)) for column in columns]).first()
        assert found is not None
        others = iter(found[1:])
    moments = []
    for term in terms:
        if term.value is not None and term.feature in counts:
            part = counts[term.feature][term.value] / sum(counts[term.feature].values())
            moments.append((part, math.sqrt(part * (1.0 - part))))
        else:
            mean, deviation = next(others)
            moments.append((mean or 0.0, deviation or 0.0))
    return _varying(terms, moments, plan)


def _weighted_moments(rows: DataFrame, columns: Sequence[Column]) -> list[tuple[float | None, float | None]]:
    """Two passes: squares less the squared mean would lose all figures of a large mean."""
    from pyspark.sql import functions as F

    means = rows.agg(F.count("*"), *[average(column, rows) for column in columns]).first()
    assert means is not None, "an aggregate without groups has one row"
    squares = [(column - mean) ** 2 for column, mean in zip(columns, means[1:], strict=True)]
    spread = rows.agg(F.count("*"), *[F.sqrt(average(square, rows)) for square in squares]).first()
    assert spread is not None
    return list(zip(means[1:], spread[1:], strict=True))


def _counts(rows: DataFrame, category: str) -> dict[float, float]:
    """How often each place occurs: a query for each category, since two aggregates for each of hundreds of places in
    one query took 100 s (measured: 365 terms, 50,000 rows)."""
    from pyspark.sql import functions as F

    column = F.col(f"`{category}`")
    number = F.sum(WEIGHT) if WEIGHT in rows.columns else F.count("*")
    counted = rows.where(column.isNotNull()).groupBy(column.alias("place")).agg(number.alias("rows")).collect()
    return {row["place"]: row["rows"] for row in counted}


def design(terms: Sequence[Term], columns: Mapping[str, Values]) -> Values:
    """(rows, terms)."""
    return np.stack([term.standardised(columns[term.feature]) for term in terms], axis=1)


def weighted(terms: Sequence[Term], weights: npt.NDArray[np.floating]) -> list[Term]:
    """The terms with their coefficients."""
    pairs = zip(terms, weights, strict=True)
    return [Term(term.feature, term.value, term.mean, term.deviation, float(weight)) for term, weight in pairs]


def weighted_sum(terms: Sequence[Term], intercept: float, columns: Mapping[str, Values]) -> Values:
    """(rows,), column by column: a matrix product's last bits would depend on how many rows are scored together."""
    total = np.full(len(next(iter(columns.values()))), intercept)
    for term in terms:
        total = total + term.coefficient * term.standardised(columns[term.feature])
    return total


def contributions(terms: Sequence[Term], features: Sequence[str], columns: Mapping[str, Values]) -> Values:
    """(rows, features): each feature's part of the sum, less what it is for a row like the training mean. For features
    that vary by themselves these are the sum's SHAP values (Lundberg and Lee 2017)."""
    found = np.zeros((len(next(iter(columns.values()))), len(features)))
    for term in terms:
        found[:, features.index(term.feature)] += term.coefficient * term.standardised(columns[term.feature])
    return found


def _terms(features: Sequence[str], categories: Mapping[str, list[float]]) -> list[Term]:
    """The first value of a category is the one that all others are measured against: it has no column."""
    return [
        Term(feature, value)
        for feature in features
        for value in (categories[feature][1:] if feature in categories else (None,))
    ]


def _varying(terms: Sequence[Term], moments: Sequence[tuple[float, float]], plan: FitPlan) -> list[Term]:
    pairs = zip(terms, moments, strict=True)
    varying = [Term(term.feature, term.value, mean, deviation) for term, (mean, deviation) in pairs if deviation > 0.0]
    if not varying:
        raise FitError(f"{plan.family} by {plan.engine}: no feature varies over the train span")
    return varying
