"""Random histories of crashes, refusals, lost replies, zombies and compaction, on real Delta tables and a real ledger.

What tests/unit/io/ledger_protocol.py says in plain Python, the warehouse must do: after every event readers see the
published batches, each once and whole.
"""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from pyspark.sql import DataFrame, SparkSession

from pipelines.contracts.tasks import utc
from pipelines.io import fault
from pipelines.io.delta import Attempt, Warehouse
from pipelines.io.failures import LedgerError, WarehouseError
from pipelines.io.ledger import Ledger
from pipelines.io.publication import LandedFile, Publication

FACTS, HISTORY = "silver.energy_load", "silver.energy_load_history"
WRITES = ((FACTS, "merge"), (HISTORY, "close"), (HISTORY, "open"))


class Crash(Exception):
    """The process died here; nothing of its memory survives."""


class World:
    """One history, decided by its seed."""

    def __init__(self, seed: int, spark: SparkSession, folder: Path) -> None:
        self.random, self.spark = random.Random(seed), spark
        self.ledger = Ledger(str(folder / "ledger.db"))
        self.warehouse = Warehouse(lambda: spark, str(folder / "warehouse"), self.ledger)
        self.published: list[tuple[int, int]] = []
        self.dead: list[tuple[Attempt, int, int]] = []
        self.events: list[str] = []

    def chance(self, likelihood: float) -> bool:
        return self.random.random() < likelihood

    def point(self, name: str) -> None:
        if self.chance(0.05):
            self.events.append(f"died at {name}")
            raise Crash

    def write(self, attempt: Attempt, batch: int, wording: int, table: str, step: str) -> None:
        row: DataFrame = self.spark.createDataFrame([(batch, wording, step)], "batch int, wording int, step string")
        if table == FACTS:
            self.warehouse.merge(attempt, table, row, ["batch", "wording"], step)
        else:
            self.warehouse.append(attempt, table, row, step)

    def zombie(self) -> None:
        """An attempt believed dead goes on with one more write, or tries to publish."""
        if not self.dead or not self.chance(0.25):
            return
        attempt, batch, wording = self.random.choice(self.dead)
        table, step = self.random.choice(WRITES)
        attempt.steps.discard((table, step))
        self.events.append(f"zombie {attempt.number} writes {table}/{step}")
        try:
            self.write(attempt, batch, wording, table, step)
        except (LedgerError, WarehouseError, Crash) as refusal:
            self.events.append(f"zombie refused: {refusal}")
        with pytest.raises((LedgerError, WarehouseError)):
            self.warehouse.publish(attempt, Publication())

    def process(self, attempt: Attempt, batch: int, wording: int, is_good: bool) -> None:
        for table, step in WRITES:
            self.write(attempt, batch, wording, table, step)
            if self.chance(0.2):
                self.events.append(f"reply of {table}/{step} lost")
                attempt.steps.discard((table, step))
                self.write(attempt, batch, wording, table, step)
            self.zombie()
        if not is_good:
            raise Crash
        self.warehouse.publish(attempt, Publication(progress=((batch, "etl"),)))

    def maintain(self) -> None:
        for table, pin in self.ledger.pins().items():
            held = DeltaTable(pin.path)
            if held.version() and self.chance(0.2):
                self.events.append(f"{table} taken back by hand")
                held.restore(held.version() - 1)
            if pin.is_published and self.chance(0.2):
                self.compact(table)

    def compact(self, table: str) -> None:
        attempt = self.warehouse.open_attempt("energy", "maintain")
        self.events.append(f"attempt {attempt.number} compacts {table}")
        try:
            self.warehouse.compact(attempt, table)
            if self.chance(0.3):
                raise Crash
            self.warehouse.publish(attempt, Publication())
        except (Crash, WarehouseError) as end:
            self.events.append(f"attempt {attempt.number} ends: {end}")

    def run(self, batches: int) -> None:
        for number in range(batches):
            file = LandedFile("load", f"load/{number}.csv", "", 1, str(number), utc("2014-01-01"))
            batch = self.ledger.open_batch("energy", [file])
            refusals = self.random.choice((0, 0, 1))
            wording = 0
            while self.ledger.batches_awaiting("energy", "etl"):
                attempt = self.warehouse.open_attempt("energy", "etl")
                self.events.append(f"attempt {attempt.number}: batch {batch}, wording {wording}")
                try:
                    self.process(attempt, batch, wording, is_good=wording >= refusals)
                except (Crash, WarehouseError) as end:
                    self.events.append(f"attempt {attempt.number} ends: {end}")
                if self.ledger.batches_awaiting("energy", "etl"):
                    self.dead.append((attempt, batch, wording))
                    wording = min(wording + 1, refusals)
                else:
                    self.published.append((batch, wording))
                self.maintain()
                for table in (FACTS, HISTORY):
                    assert self.visible(table) == self.expected(table), "\n".join(self.events)

    def visible(self, table: str) -> list[tuple[int, int, str]]:
        if not self.warehouse.exists(table):
            return []
        parts = [pq.read_table(file) for file in self.warehouse.shard(table).files]
        rows = pa.concat_tables(parts).to_pylist() if parts else []
        return sorted((row["batch"], row["wording"], row["step"]) for row in rows)

    def expected(self, table: str) -> list[tuple[int, int, str]]:
        steps = [step for of, step in WRITES if of == table]
        return sorted((batch, wording, step) for batch, wording in self.published for step in steps)


@pytest.mark.parametrize(
    ("seed", "batches"), [(1, 2), *(pytest.param(seed, 3, marks=pytest.mark.slow) for seed in range(1, 30))]
)
def test_readers_see_the_published_batches_each_once_and_whole(
    seed: int, batches: int, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(seed, spark, tmp_path)
    monkeypatch.setattr(fault, "point", world.point)
    world.run(batches)
    assert len(world.published) == batches
