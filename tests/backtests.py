"""Tasks about works, and predictions of them as a backtest gives them to evaluate."""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa

from pipelines.contracts.tasks import ByHash, Classify, Estimate, Events, Promote, Share, utc

EVENTS = {
    "table": "works",
    "spine": Events("works", entity="work_id"),
    "views": (),
    "families": ("base_rate", "linear"),
    "split": ByHash(Share(0.0, 0.5), Share(0.5, 0.6), Share(0.6, 0.8), Share(0.8, 1.0)),
    "decide": "repair",
}
IS_LATE = Classify(column="is_late", promote=Promote("log_loss", "base_rate", by=0.05), **EVENTS)
DAYS = Estimate(column="days", quantiles=(0.1, 0.5, 0.9), promote=Promote("mae", "base_rate", by=0.05), **EVENTS)
CUT = utc("2024-01-30")


def predictions(columns: tuple[str, ...], *rows: tuple) -> pa.Table:
    """Rows of (split, step, actual, *columns), an hour apart."""
    split, step, actual, *outputs = zip(*rows, strict=True)
    at = pa.array([CUT + timedelta(hours=n) for n in range(len(rows))], pa.timestamp("us", tz="UTC"))
    return pa.table(
        {
            "station_id": ["a"] * len(rows),
            "work_id": [f"w{n:03}" for n in range(len(rows))],
            "cut_at": at,
            "target_at": at,
            "step": pa.array(step, pa.int32()),
            "actual": pa.array(actual, pa.float64()),
            "split": split,
        }
        | {name: pa.array(values, pa.float64()) for name, values in zip(columns, outputs, strict=True)}
    )
