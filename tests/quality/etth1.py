"""ETTh1 of the long-horizon benchmark: its seven channels from gold, its spans, its z-scores."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from pipelines.transforms.examples import INSTANT
from tests.quality.through_gold import through_gold

DATA = "energy/ett/ETTh1.csv.gz"
TRAIN_ROWS, TEST_FIRST, TEST_END = 8640, 11520, 14400  # 12, 4 and 4 months of 30 days
HOUR = timedelta(hours=1)
PROTOCOL = (
    "LTSF ETTh1, seven channels through land, bronze, silver and gold: z-score by the train rows' mean and population "
    "deviation, windows of stride 1 over the test rows 11520 to 14399, their number cut to a multiple of 32, error on "
    "z-scored values"
)
_BATCH = 32  # the published figures left out the last, incomplete batch of test windows


@cache
def from_gold(raw: Path) -> Mapping[str, pa.Table]:
    """The series of each channel as gold has it, in the order of time, from one landed file."""
    with tempfile.TemporaryDirectory() as folder:
        pins = through_gold("etth1", {"hours/2018-06-27.csv.gz": raw.read_bytes()}, Path(folder))
        pin = pins["gold.etth1_readings_series"]
        rows = (
            DeltaTable(pin.path, version=pin.version)
            .to_pyarrow_table()
            .sort_by([("channel", "ascending"), ("at", "ascending")])
        )
    return {name: rows.filter(pc.equal(rows["channel"], name)) for name in rows["channel"].unique().to_pylist()}


def standardised(channels: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """Each channel by the mean and the population deviation of its train rows."""
    found = {}
    for name, rows in channels.items():
        values = rows["value"].to_numpy()
        scaled = (values - values[:TRAIN_ROWS].mean()) / values[:TRAIN_ROWS].std()
        found[name] = rows.set_column(rows.schema.get_field_index("value"), "value", pa.array(scaled))
    return found


def instants(series: pa.Table) -> list[datetime]:
    """When each row of a channel was."""
    return [moment.astimezone(UTC) for moment in series["at"].to_pylist()]


def cut_offs(channel: str, at: list[datetime]) -> pa.Table:
    return pa.table({"channel": [channel] * len(at), "cut_at": pa.array(at, INSTANT)})


def windows_tested(horizon: int) -> int:
    """How many origins from TEST_FIRST on the published figures rest on."""
    return (TEST_END - TEST_FIRST - horizon + 1) // _BATCH * _BATCH
