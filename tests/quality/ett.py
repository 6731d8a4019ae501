"""The transformer's channels of the long-horizon benchmark: seven from gold, their spans, their z-scores."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from pipelines.transforms.examples import INSTANT
from tests.quality.through_gold import through_gold

DAY, MONTH_DAYS = timedelta(days=1), 30
_BATCH = 32  # the published figures left out the last, incomplete batch of test windows


@dataclass(frozen=True)
class Transformer:
    """One of the benchmark's sets. name: as published; domain: the reference domain that declares it."""

    name: str
    domain: str
    source: str
    step: timedelta

    @property
    def file(self) -> str:
        """In the reference data."""
        return f"energy/ett/{self.name}.csv.gz"

    @property
    def train_rows(self) -> int:
        """12 months of 30 days; 4 of validation and 4 of test follow."""
        return 12 * MONTH_DAYS * self.day_rows

    @property
    def first_tested(self) -> int:
        return 16 * MONTH_DAYS * self.day_rows

    @property
    def end_of_test(self) -> int:
        return 20 * MONTH_DAYS * self.day_rows

    @property
    def day_rows(self) -> int:
        return DAY // self.step

    @property
    def protocol(self) -> str:
        return (
            f"LTSF {self.name}, seven channels through land, bronze, silver and gold: z-score by the train rows' mean "
            f"and population deviation, windows of stride 1 over the test rows {self.first_tested} to "
            f"{self.end_of_test - 1}, their number cut to a multiple of {_BATCH}, error on z-scored values"
        )

    def windows_tested(self, horizon: int) -> int:
        """How many origins from `first_tested` on the published figures rest on."""
        return (self.end_of_test - self.first_tested - horizon + 1) // _BATCH * _BATCH


ETTH1 = Transformer("ETTh1", "etth1", "hours", timedelta(hours=1))
ETTM1 = Transformer("ETTm1", "ettm1", "quarters", timedelta(minutes=15))


@cache
def from_gold(of: Transformer, data: Path) -> Mapping[str, pa.Table]:
    """The series of each channel as gold has it, in the order of time, from one landed file."""
    with tempfile.TemporaryDirectory() as folder:
        raw = (data / of.file).read_bytes()
        pin = through_gold(of.domain, {f"{of.source}/2018-06-27.csv.gz": raw}, Path(folder))[
            f"gold.{of.domain}_readings_series"
        ]
        rows = (
            DeltaTable(pin.path, version=pin.version)
            .to_pyarrow_table()
            .sort_by([("channel", "ascending"), ("at", "ascending")])
        )
    return {name: rows.filter(pc.equal(rows["channel"], name)) for name in rows["channel"].unique().to_pylist()}


def standardised(channels: Mapping[str, pa.Table], train_rows: int) -> dict[str, pa.Table]:
    """Each channel by the mean and the population deviation of its train rows."""
    found = {}
    for name, rows in channels.items():
        values = rows["value"].to_numpy()
        scaled = (values - values[:train_rows].mean()) / values[:train_rows].std()
        found[name] = rows.set_column(rows.schema.get_field_index("value"), "value", pa.array(scaled))
    return found


def instants(series: pa.Table) -> list[datetime]:
    """When each row of a channel was."""
    return [moment.astimezone(UTC) for moment in series["at"].to_pylist()]


def cut_offs(channel: str, at: list[datetime]) -> pa.Table:
    return pa.table({"channel": [channel] * len(at), "cut_at": pa.array(at, INSTANT)})
