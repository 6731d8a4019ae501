"""Series made up by a seed, as parquet files: prices quoted at odd times, and meters that are read every hour.

Both are written in no order, neither of key nor of time, and as `known` of gold gives them: with the instants from when
and to when (null: to this day) each row may be used.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

ROWS_EACH = 150
FILES = 4
HOT = 0.2
_FIRST = np.datetime64("2024-01-01T00:00:00", "s")
_SPAN_S = 90 * 86_400


def quotes(folder: Path, rows: int, seed: int) -> None:
    """`quotes`: so many, at whole seconds within 90 days, never two of an item at once; `asked`: a third as many
    questions about the same items. Every 150 quotes bring an item more, but the first item has a fifth of all."""
    draw = np.random.default_rng(seed)
    items = max(2, rows // ROWS_EACH)
    hot, asked = round(rows * HOT), rows // 3
    # item and second as one number, drawn without putting back, so that none comes twice
    others = draw.choice((items - 1) * _SPAN_S, rows - hot, replace=False) + _SPAN_S
    both = draw.permutation(np.concatenate([draw.choice(_SPAN_S, hot, replace=False), others]))
    frame = pl.DataFrame(
        {
            "item_id": _names("item", both // _SPAN_S),
            "quoted_at": _instants(both % _SPAN_S),
            "price_usd": draw.integers(0, 100_000, rows) / 100,
            "stock": draw.integers(0, 1_000, rows).astype(float),
        }
    )
    _write(_known(frame, "quoted_at"), folder / "quotes")
    of = np.where(draw.random(asked) < HOT, 0, draw.integers(1, items, asked))
    at = draw.integers(0, _SPAN_S, asked)
    _write(pl.DataFrame({"item_id": _names("item", of), "cut_at": _instants(at)}), folder / "asked")


def readings(folder: Path, rows: int, seed: int) -> None:
    """`readings`: 150 hours without a gap of each meter, a daily wave with noise."""
    draw = np.random.default_rng(seed)
    number = draw.permutation(rows)
    meter, hour = number // ROWS_EACH, number % ROWS_EACH
    frame = pl.DataFrame(
        {
            "meter_id": _names("meter", meter),
            "read_at": _instants(hour * 3_600),
            "load_kw": 20.0 + 5.0 * np.sin(2 * np.pi * hour / 24) + draw.normal(0.0, 2.0, rows),
        }
    )
    _write(_known(frame, "read_at"), folder / "readings")


def _known(frame: pl.DataFrame, at: str) -> pl.DataFrame:
    never = pl.lit(None, pl.Datetime("us", "UTC"))
    return frame.with_columns(pl.col(at).alias("available_at"), never.alias("known_until"))


def _names(of: str, numbers: np.ndarray) -> pl.Series:
    return pl.select(pl.format(of + "-{}", pl.Series(numbers))).to_series()


def _instants(seconds: np.ndarray) -> pl.Series:
    return pl.Series((_FIRST + seconds).astype("datetime64[us]")).dt.replace_time_zone("UTC")


def _write(frame: pl.DataFrame, folder: Path) -> None:
    folder.mkdir(parents=True)
    for number, start in enumerate(range(0, len(frame), each := -(-len(frame) // FILES))):
        frame.slice(start, each).write_parquet(folder / f"{number}.parquet")
