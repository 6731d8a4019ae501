"""Twenty features by mlforecast's preprocess on two threads, over rows that Polars reads, sorts and writes.

It has no sum and no count; its user has them from the mean and the place in the series, as nothing is missing.
"""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
from mlforecast import MLForecast
from mlforecast.lag_transforms import ExponentiallyWeightedMean, RollingMax, RollingMean, RollingMin, RollingStd

from tests.bench.domains.meters import domain as meters
from tests.bench.sides.twice import counted

OF = {"mean": RollingMean, "std": RollingStd, "min": RollingMin, "max": RollingMax}
NAMED = {
    **{meters.rolling(op, hours): OF[op](hours, min_samples=1) for hours in meters.SPANS_H for op in meters.OPS},
    meters.LAST: RollingMean(meters.LAST_ROWS, min_samples=1),
    **{
        name: ExponentiallyWeightedMean(alpha=1 - 0.5 ** (1 / half_life_h))
        for name, half_life_h in zip(meters.EWMS, meters.HALF_LIVES_H, strict=True)
    },
}


def work(read: Path, written: Path) -> None:
    written.mkdir(parents=True)
    rows = pl.read_parquet(read / "readings", columns=["meter_id", "read_at", meters.LOAD]).sort("meter_id", "read_at")
    lags = {f"lag{hours + meters.LEAD_H}": name for name, hours in zip(meters.LAGS, meters.LAGS_H, strict=True)}
    forecast = MLForecast(
        models=[],
        freq="1h",
        lags=[hours + meters.LEAD_H for hours in meters.LAGS_H],
        lag_transforms={meters.LEAD_H: list(NAMED.values())},
        lag_transforms_namer=lambda transform, *_: next(name for name, of in NAMED.items() if of is transform),
        num_threads=2,
    )
    found = forecast.preprocess(
        rows,
        id_col="meter_id",
        time_col="read_at",
        target_col=meters.LOAD,
        static_features=[],
        dropna=False,
        validate_data=False,
    )
    count = pl.int_range(pl.len()).over("meter_id").clip(0, meters.TOTAL_H)
    mean = pl.col(meters.rolling("mean", meters.TOTAL_H))
    found = found.rename(lags).with_columns(count.alias(meters.COUNT), (mean * count).alias(meters.TOTAL))
    found.select("meter_id", "read_at", *meters.RECENT.names()).write_parquet(written / "found.parquet")


if __name__ == "__main__":
    counted(work, *sys.argv[1:])
