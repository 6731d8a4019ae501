"""What stands published, for people who analyse it: tables at their pinned versions, fits, champions, decisions.

Reads alone: no attempt is opened, and where there is no ledger none is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipelines.contracts.domain import Domain
from pipelines.contracts.fits import CurvePoint, Shard
from pipelines.contracts.tasks import Task
from pipelines.domains import domains
from pipelines.io import delta_log
from pipelines.io.failures import LedgerError
from pipelines.io.ledger import Ledger
from pipelines.io.ledger_schema import holds_ledger
from pipelines.io.parquet_files import dataset, unreadable_named
from pipelines.io.publication import Champion, Fit, Pin
from pipelines.settings import load

if TYPE_CHECKING:
    import pandas as pd

    from pipelines.io.tracking import Tracking

MOST_ROWS = 100_000
"""A sample holds no more: enough for every picture, and little enough for a small machine."""
NOTHING = "nothing is published yet. Run: headrace run"


@dataclass(frozen=True)
class Sample:
    """Rows of a table's published version. every: 1 where they are all there are, 4 where they are each fourth."""

    pin: Pin
    frame: pd.DataFrame
    every: int

    @property
    def told(self) -> str:
        """How many rows these are, and of how many, for a picture's title."""
        if self.every == 1:
            return f"{len(self.frame):,} rows"
        return f"a sample: {len(self.frame):,} of {self.pin.rows:,} rows"


class Published:
    """What was published when this was made. conf: an overlay over conf/base.yaml, a file or a name.

    Raises LedgerError where nothing is published yet, SettingsError for a conf that cannot be used.
    """

    def __init__(self, conf: str | Path | None = None) -> None:
        self._settings = load(Path(conf) if conf else None)
        if not holds_ledger(self._settings.ledger):
            raise LedgerError(NOTHING)
        self._ledger = Ledger(self._settings.ledger)
        self._status = self._ledger.status()["domains"]
        self._pins = {name: pin for name, pin in self._ledger.pins().items() if pin.is_published}
        self.domains: tuple[Domain, ...] = tuple(d for name, d in domains().items() if name in self._status)
        if not (self.domains and self._pins):
            raise LedgerError(NOTHING)

    # Tables.

    def pin(self, table: str) -> Pin | None:
        """Where a table lies, at which version, with how many rows; None if it is not published."""
        return self._pins.get(table)

    def read(self, table: str, columns: tuple[str, ...]) -> pd.DataFrame:
        """These columns of all rows, null where the version lacks one; LedgerError if the table is not published."""
        return self._frame(self._published(table), columns, every=1)

    def sample(self, table: str, most: int = MOST_ROWS) -> Sample:
        """All columns of at most `most` rows, evenly spread over the table, the same ones every time."""
        pin = self._published(table)
        every = max(1, -(-pin.rows // most))
        return Sample(pin, self._frame(pin, self._columns(pin), every), every)

    def _published(self, table: str) -> Pin:
        if table not in self._pins:
            raise LedgerError(f"{table}: not published yet. Run: headrace run")
        return self._pins[table]

    def _columns(self, pin: Pin) -> tuple[str, ...]:
        return delta_log.columns(pin.path, pin.version)

    def _frame(self, pin: Pin, columns: tuple[str, ...], every: int) -> pd.DataFrame:
        if not pin.rows:
            return pa.table({name: pa.nulls(0) for name in columns}).to_pandas()
        delta_log.must_hold(pin.path, pin.version, pin.rows)
        table = Shard(pin.table, pin.version, delta_log.whole_files(pin.table, pin.path, pin.version))
        files = dataset(table)
        held = [name for name in columns if name in files.schema.names]  # a column no row has ever filled is in no file
        parts, seen = [], 0
        with unreadable_named(table):
            for batch in files.to_batches(columns=held):
                parts.append(batch.take(pa.array(np.arange(-seen % every, len(batch), every))))
                seen += len(batch)
        rows = pa.Table.from_batches(parts)
        lacking = {name: pa.nulls(len(rows)) for name in columns if name not in held}
        return pa.table({name: lacking[name] if name in lacking else rows[name] for name in columns}).to_pandas()

    # What the ledger and MLflow say.

    def outcomes(self, domain: Domain) -> dict[str, dict[str, int]]:
        """What became of the raw records, by table and outcome, with their number as `in`."""
        tables = self._status[domain.name]["tables"]
        return {name: table["outcomes"] for name, table in tables.items() if "outcomes" in table}

    def fits(self, domain: Domain, task: Task) -> dict[str, Fit]:
        """The newest fit of each family, in the order in which the task names them."""
        found = self._ledger.fits(domain.name, task.name)
        return {family: found[family] for family in task.families if family in found}

    def champion(self, domain: Domain, task: Task) -> Champion | None:
        """The model that serves the task."""
        served = self._ledger.champions(domain.name, task.name)
        return served[-1] if served else None

    def decisions(self, domain: Domain, task: Task) -> dict[str, Any] | None:
        """The task's decisions in sum, as `headrace status --json` gives them."""
        found: dict[str, Any] | None = self._status[domain.name]["tasks"].get(task.name, {}).get("decisions")
        return found

    def curves(self, fit: Fit) -> list[CurvePoint]:
        """The learning curves that MLflow holds of a fit."""
        uri = self._settings.mlflow.tracking_uri
        if uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///")).is_file():
            return []  # asking would make a new store
        return self._tracking.curves(fit.run_id)

    @cached_property
    def _tracking(self) -> Tracking:
        from pipelines.io.tracking import Tracking

        return Tracking(self._settings)
