"""What a table's columns hold, in figures: how much is missing, how it is spread, what goes with what."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Values = npt.NDArray[np.float64]

EXAMPLES = 3


def profile(rows: pd.DataFrame) -> pd.DataFrame:
    """One line a column: `missing` (share), `distinct`, `least`, `low` (5 %), `median`, `high` (95 %), `greatest`,
    `examples`. What a column's type does not have is None."""
    return pd.DataFrame([_line(rows[name]) for name in rows.columns], index=pd.Index(rows.columns, name="column"))


def _line(column: pd.Series[Any]) -> dict[str, Any]:
    known = column.dropna()
    line: dict[str, Any] = {"missing": float(column.isna().mean()) if len(column) else None}
    line["distinct"] = int(known.nunique())
    spread: dict[str, Any] = dict.fromkeys(("least", "low", "median", "high", "greatest"))
    if len(known) and (is_numeric(column) or pd.api.types.is_datetime64_any_dtype(column)):
        spread = dict(zip(spread, known.quantile([0.0, 0.05, 0.5, 0.95, 1.0], interpolation="nearest"), strict=True))
    return line | spread | {"examples": known.drop_duplicates().head(EXAMPLES).tolist()}


def is_numeric(column: pd.Series[Any]) -> bool:
    """Whether a column holds numbers; flags are none."""
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def numeric(rows: pd.DataFrame) -> pd.DataFrame:
    """The columns with at least two different numbers, as double."""
    names = [name for name in rows.columns if is_numeric(rows[name]) and rows[name].nunique() > 1]
    return rows[names].astype(float)


def strongest(rows: pd.DataFrame, label: str, most: int) -> list[tuple[str, float]]:
    """The numeric columns that go most with `label`, strongest first, with Pearson's correlation."""
    numbers = numeric(rows[rows[label].notna()])
    if label not in numbers:
        return []
    together = numbers.drop(columns=label).corrwith(numbers[label]).dropna()
    order = together.abs().sort_values(ascending=False, kind="stable").index[:most]
    return [(str(name), float(together[name])) for name in order]


def line_through(x: Values, y: Values) -> tuple[float, float]:
    """Intercept and slope of the least-squares line; x must hold two different values."""
    slope, intercept = np.polyfit(x, y, 1)
    return float(intercept), float(slope)
