"""A small gold layer as parquet files and plans over it: hourly load of two regions, daily cut-offs, 12 steps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.contracts.calendar import Calendar
from pipelines.contracts.features import AsOf, History, Lag
from pipelines.contracts.fits import FitPlan, Frame, Shard, TargetFeatures
from pipelines.contracts.tasks import ParamValue, Span

START = datetime(2024, 1, 1, tzinfo=UTC)
INSTANT = pa.timestamp("us", tz="UTC")
DAYS = 40
FRAME = Frame(
    entity="region_id",
    cut_offs="gold.tiny_cut_offs",
    cut_off_features=("load_mw__mean_24h",),
    targets=(
        TargetFeatures("gold.tiny_load", "region_id", (Lag("load_mw", (24, 48, 168)),)),
        TargetFeatures("", "", (Calendar(("time_of_day", "weekday")),)),
        TargetFeatures("gold.tiny_holidays", "", (AsOf("is_workday", 24),)),
    ),
    windows=(TargetFeatures("gold.tiny_load", "region_id", (History("load_mw", 48),)),),
    label="load_mw",
    label_series="gold.tiny_load",
    step=timedelta(hours=1),
    steps=12,
    label_known_after=timedelta(hours=1),
)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def write_gold(folder: Path) -> dict[str, Shard]:
    """A daily wave with a weekly one and noise, one file a region; the values of region b are twice those of a."""
    noise = np.random.default_rng(1).normal(0.0, 4.0, (2, 24 * DAYS))
    hours = np.arange(24 * DAYS)
    wave = 100.0 + 30.0 * np.sin(2 * np.pi * hours / 24) + 10.0 * np.sin(2 * np.pi * hours / 168)
    at = [START + timedelta(hours=int(hour)) for hour in hours]
    cuts = [day(number) for number in range(1, DAYS)]
    load_files, cut_off_rows = [], []
    for region, scale, wobble in (("a", 1.0, noise[0]), ("b", 2.0, noise[1])):
        load = scale * (wave + wobble)
        known = [moment + timedelta(hours=1) for moment in at]
        load_files.append(
            _write(folder / f"load_{region}.parquet", _series(region, at, known, "load_mw", load.tolist()))
        )
        means = [float(load[24 * (number - 1) : 24 * number].mean()) for number in range(1, DAYS)]
        cut_off_rows.append(
            pa.table({"region_id": [region] * len(cuts), "cut_at": pa.array(cuts, INSTANT), "load_mw__mean_24h": means})
        )
    days = [day(number) for number in range(DAYS + 1)]
    workdays = [float(moment.weekday() < 5) for moment in days]
    holidays = _series("", days, [START - timedelta(days=365)] * len(days), "is_workday", workdays).drop(["region_id"])
    return {
        "gold.tiny_load": Shard("gold.tiny_load", 3, tuple(load_files)),
        "gold.tiny_cut_offs": Shard(
            "gold.tiny_cut_offs", 3, (_write(folder / "cut_offs.parquet", pa.concat_tables(cut_off_rows)),)
        ),
        "gold.tiny_holidays": Shard("gold.tiny_holidays", 1, (_write(folder / "holidays.parquet", holidays),)),
    }


def plan_for(
    family: str,
    tables: dict[str, Shard],
    engine: str = "single",
    workers: int = 1,
    seed: int = 7,
    **params: ParamValue,
) -> FitPlan:
    """Trains on days 8–27, validates on days 29–33."""
    return FitPlan(
        domain="tiny",
        task="load_mw",
        family=family,
        engine=engine,
        params=params,
        seed=seed,
        frame=FRAME,
        quantiles=(0.1, 0.5, 0.9),
        train=Span(day(8), day(28)),
        validate=Span(day(29), day(34)),
        tables=tables,
        workers=workers,
    )


def _series(region: str, at: list[datetime], known: list[datetime], name: str, values: list[float]) -> pa.Table:
    return pa.table(
        {
            "region_id": [region] * len(at),
            "at": pa.array(at, INSTANT),
            "known_at": pa.array(known, INSTANT),
            "known_until": pa.nulls(len(at), INSTANT),
            name: pa.array(values, pa.float64()),
        }
    )


def _write(path: Path, rows: pa.Table) -> str:
    pq.write_table(rows, path)
    return str(path)
