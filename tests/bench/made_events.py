"""Events made up by a seed, as gold holds them: thirty numbers known at each cut-off, and what came of it later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.contracts.tasks import Span

FEATURES = tuple(f"reading_{number:02d}" for number in range(30))
LABEL = "is_late"
JUDGED = 10
"""The validate span and the test span have this part of the train span's rows each."""
FILES = 4
_FIRST = datetime(2024, 1, 1, tzinfo=UTC)


def events(folder: Path, train_rows: int, seed: int) -> None:
    """`asked`: an id, an instant and the numbers, one in ten of which are missing; `outcomes`: whether it was late, a
    fifth of all. One event a second: so many to train on, then those to validate and to test on."""
    draw = np.random.default_rng(seed)
    rows = train_rows + 2 * (train_rows // JUDGED)
    readings = draw.normal(size=(rows, len(FEATURES)))
    wave = np.sin(2.0 * readings[:, :5]).sum(axis=1) + readings[:, 5:10] @ np.linspace(0.2, 0.6, 5)
    log_odds = -2.2 + wave + readings[:, 10] * readings[:, 11] + 1.5 * (readings[:, 12] > 1.0)
    is_late = draw.random(rows) < 1.0 / (1.0 + np.exp(-log_odds))
    readings[draw.random(readings.shape) < 0.1] = np.nan
    id_ = pl.select(pl.format("event-{}", pl.Series(np.arange(rows)).cast(pl.String).str.zfill(8))).to_series()
    at = pl.Series(np.arange(rows) * 1_000_000).cast(pl.Datetime("us")).dt.offset_by("54y").dt.replace_time_zone("UTC")
    columns = {name: pl.Series(readings[:, j]).fill_nan(None) for j, name in enumerate(FEATURES)}
    never = pl.Series([None] * rows, dtype=pl.Datetime("us", "UTC"))
    outcomes = {"event_id": id_, "at": at, "known_at": at, "known_until": never, LABEL: is_late.astype(float)}
    _write(pl.DataFrame({"event_id": id_, "cut_at": at} | columns), folder / "asked")
    _write(pl.DataFrame(outcomes), folder / "outcomes")


def spans(train_rows: int) -> tuple[Span, Span, Span]:
    """To train, to validate and to test on."""
    ends = [timedelta(seconds=train_rows + part * (train_rows // JUDGED)) for part in range(3)]
    train, validate, test = (_FIRST + end for end in ends)
    return Span(_FIRST, train), Span(train, validate), Span(validate, test)


def _write(frame: pl.DataFrame, folder: Path) -> None:
    folder.mkdir(parents=True)
    for number, start in enumerate(range(0, len(frame), each := -(-len(frame) // FILES))):
        frame.slice(start, each).write_parquet(folder / f"{number}.parquet")
