"""What the sides of the race of boosted trees share: parameters, spans, and how good a model is."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from sklearn.metrics import roc_auc_score

from pipelines.contracts.tasks import Span
from tests.bench.made_events import FEATURES, JUDGED, LABEL, spans
from tests.bench.sides.twice import LARGE

TREES = 100
PARAMS = {
    "learning_rate": 0.1,
    "max_depth": 6,
    "min_child_weight": 8.0,
    "subsample": 0.8,
    "colsample_bytree": 0.5,
    "reg_lambda": 1.0,
}


def spans_of(data: Path) -> tuple[Span, Span, Span]:
    """The spans of the events in a folder."""
    rows = pl.scan_parquet(data / "asked" / "*.parquet").select(pl.len()).collect().item()
    return spans(rows * JUDGED // (JUDGED + 2))


def rows_of(data: Path, span: Span) -> pl.DataFrame:
    """FEATURES and the label of a span."""
    asked = pl.scan_parquet(data / "asked" / "*.parquet").filter(
        (pl.col("cut_at") >= span.start) & (pl.col("cut_at") < span.end)
    )
    outcomes = pl.scan_parquet(data / "outcomes" / "*.parquet").select("event_id", LABEL)
    return asked.join(outcomes, on="event_id", maintain_order="left").select(*FEATURES, LABEL).collect()


def tell_auc(data: str, predicted: pl.Series) -> None:
    """Print the area under the ROC curve of what a side predicted for the test span."""
    test = rows_of(Path(data) / LARGE, spans_of(Path(data) / LARGE)[2])
    print(f"auc {roc_auc_score(test[LABEL].to_numpy(), predicted.to_numpy()):.5f}")
