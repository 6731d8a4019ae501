"""The warehouse on real Delta tables and a real ledger: what readers see, what attempts leave behind."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from pyspark.sql import DataFrame, SparkSession

from pipelines.io import fault
from pipelines.io.attempts import Attempt
from pipelines.io.delta import Warehouse
from pipelines.io.failures import LedgerError, WarehouseError
from pipelines.io.ledger import Ledger
from pipelines.io.publication import Publication
from pipelines.io.table_hash import table_hash

LOAD = "silver.energy_load"


class Crash(Exception):
    """Stands for the death of the process: the attempt is abandoned where it is."""


@pytest.fixture
def warehouse(spark: SparkSession, tmp_path: Path) -> Warehouse:
    return Warehouse(lambda: spark, str(tmp_path / "warehouse"), Ledger(str(tmp_path / "ledger.db")))


@pytest.fixture
def frame(spark: SparkSession) -> Callable[..., DataFrame]:
    def make(*rows: tuple[Any, ...], columns: str = "id int, load_mw double") -> DataFrame:
        return spark.createDataFrame(list(rows), columns)

    return make


def rows(warehouse: Warehouse, table: str = LOAD, attempt: Attempt | None = None) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in warehouse.read(table, attempt=attempt).collect()), key=repr)


def published(warehouse: Warehouse, write: Callable[[Attempt], None]) -> None:
    attempt = warehouse.open_attempt("energy", "etl")
    write(attempt)
    warehouse.publish(attempt, Publication())


def test_what_an_attempt_wrote_is_seen_by_itself_alone_until_it_is_published(
    warehouse: Warehouse, frame: Callable[..., DataFrame]
) -> None:
    attempt = warehouse.open_attempt("energy", "etl")
    warehouse.append(attempt, LOAD, frame((1, 10.0), (2, 20.0)), "new")
    assert rows(warehouse, attempt=attempt) == [(1, 10.0), (2, 20.0)]
    assert not warehouse.exists(LOAD)
    with pytest.raises(WarehouseError, match=f"{LOAD}: not published yet; run the stage that writes it first"):
        warehouse.read(LOAD)
    with pytest.raises(WarehouseError, match="step 'new' is written twice in headrace attempt 1"):
        warehouse.append(attempt, LOAD, frame((3, 30.0)), "new")
    warehouse.append(attempt, LOAD, frame(), "nothing")
    written = warehouse.publish(attempt, Publication())
    assert written[LOAD].rows == warehouse.count(LOAD) == 2
    shard = warehouse.shard(LOAD)
    assert (shard.name, shard.version) == (LOAD, written[LOAD].version)
    assert sum(pq.read_metadata(file).num_rows for file in shard.files) == 2, "plain parquet files, absolute paths"
    configuration = DeltaTable(str(Path(shard.files[0]).parent)).metadata().configuration
    assert configuration["delta.enableDeletionVectors"] == configuration["delta.enableExpiredLogCleanup"] == "false"


def test_a_refused_batch_does_not_ride_out_on_the_next(warehouse: Warehouse, frame: Callable[..., DataFrame]) -> None:
    published(warehouse, lambda attempt: warehouse.append(attempt, LOAD, frame((1, 10.0)), "new"))
    refused = warehouse.open_attempt("energy", "etl")
    warehouse.append(refused, LOAD, frame((666, -1.0)), "new")
    assert rows(warehouse) == [(1, 10.0)]
    published(warehouse, lambda attempt: warehouse.merge(attempt, LOAD, frame((2, 20.0)), ["id"], "held"))
    assert rows(warehouse) == [(1, 10.0), (2, 20.0)]
    with pytest.raises(WarehouseError, match="was committed by someone else"):
        warehouse.publish(refused, Publication())
    with pytest.raises(LedgerError, match=r"attempt 2 is dead, attempt 3 took over"):
        warehouse.overwrite(refused, "gold.energy_load", frame((666, -1.0)), "features")


def test_the_rerun_of_a_rolled_back_attempt_is_not_skipped(
    warehouse: Warehouse, frame: Callable[..., DataFrame]
) -> None:
    batch = frame(*[(number, 1.0) for number in range(10)])
    published(warehouse, lambda attempt: warehouse.append(attempt, LOAD, batch, "new"))
    warehouse.append(warehouse.open_attempt("energy", "etl"), LOAD, batch, "new")  # dies before it is published
    published(warehouse, lambda attempt: warehouse.append(attempt, LOAD, batch, "new"))
    assert warehouse.count(LOAD) == 20


def test_a_restore_that_was_not_recorded_is_made_once_more(
    warehouse: Warehouse, frame: Callable[..., DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    published(warehouse, lambda attempt: warehouse.append(attempt, LOAD, frame((1, 10.0)), "new"))
    warehouse.append(warehouse.open_attempt("energy", "etl"), LOAD, frame((666, 0.0)), "new")
    die_at(monkeypatch, f"restore:{LOAD}:after")
    with pytest.raises(Crash):
        warehouse.append(warehouse.open_attempt("energy", "etl"), LOAD, frame((2, 20.0)), "new")
    monkeypatch.undo()
    published(warehouse, lambda attempt: warehouse.append(attempt, LOAD, frame((2, 20.0)), "new"))
    assert rows(warehouse) == [(1, 10.0), (2, 20.0)]


def test_a_commit_of_somebody_else_stops_the_publication(warehouse: Warehouse, frame: Callable[..., DataFrame]) -> None:
    published(warehouse, lambda attempt: warehouse.append(attempt, LOAD, frame((1, 10.0)), "new"))
    attempt = warehouse.open_attempt("energy", "etl")
    warehouse.append(attempt, LOAD, frame((2, 20.0)), "new")
    path = str(Path(warehouse.shard(LOAD).files[0]).parent)
    frame((666, 0.0)).write.format("delta").mode("append").save(path)
    with pytest.raises(
        WarehouseError, match=rf"{LOAD}: version 3 \(WRITE\) was committed by someone else \(unstamped\)"
    ):
        warehouse.publish(attempt, Publication())
    assert rows(warehouse) == [(1, 10.0)]


def test_a_table_is_free_for_others_once_its_attempt_is_over(
    warehouse: Warehouse, frame: Callable[..., DataFrame], tmp_path: Path
) -> None:
    """Published, refused or given up; what a dead attempt goes on to write takes the lock again."""
    lock_file = tmp_path / "warehouse" / "silver" / ".energy_load.lock"

    def is_free() -> bool:
        with lock_file.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

    attempt = warehouse.open_attempt("energy", "etl")
    warehouse.append(attempt, LOAD, frame((1, 10.0)), "new")
    assert not is_free()
    warehouse.publish(attempt, Publication())
    assert is_free()
    dead = warehouse.open_attempt("energy", "etl")
    warehouse.append(dead, LOAD, frame((2, 20.0)), "new")
    warehouse.open_attempt("energy", "etl")
    with pytest.raises(LedgerError, match="is dead"):
        warehouse.publish(dead, Publication())
    assert is_free()
    warehouse.append(dead, LOAD, frame((3, 30.0)), "late")
    assert not is_free()
    with pytest.raises(LedgerError, match="is dead"):
        warehouse.publish(dead, Publication())
    given_up = warehouse.open_attempt("energy", "etl")
    warehouse.append(given_up, LOAD, frame((4, 40.0)), "new")
    warehouse.abandon()
    assert is_free()


def test_merge_updates_inserts_and_deletes_by_key(warehouse: Warehouse, frame: Callable[..., DataFrame]) -> None:
    published(warehouse, lambda attempt: warehouse.append(attempt, LOAD, frame((1, 10.0), (2, 20.0), (3, 30.0)), "new"))
    changes = frame(
        (1, 11.0, False),
        (2, None, True),
        (4, 40.0, None),
        (5, 50.0, True),
        columns="id int, load_mw double, gone boolean",
    )
    published(warehouse, lambda attempt: warehouse.merge(attempt, LOAD, changes, ["id"], "held", delete_when="gone"))
    assert rows(warehouse) == [(1, 11.0), (3, 30.0), (4, 40.0)]


def test_a_merge_leaves_files_alone_that_cannot_hold_its_keys(
    warehouse: Warehouse, frame: Callable[..., DataFrame]
) -> None:
    names = "id int, load_mw double"
    for first in (0, 10, 20):
        held = frame((first, 1.0), (first + 5, 1.0), columns=names)
        published(warehouse, lambda attempt, held=held: warehouse.append(attempt, LOAD, held.coalesce(1), "new"))
    before = set(warehouse.shard(LOAD).files)
    assert len(before) == 3
    changes = frame((12, 2.0), (15, 2.0), (99, 2.0), columns=names)
    published(warehouse, lambda attempt: warehouse.merge(attempt, LOAD, changes, ["id"], "held"))
    assert len(before & set(warehouse.shard(LOAD).files)) == 2
    published(
        warehouse, lambda attempt: warehouse.merge(attempt, LOAD, frame((-1, 3.0), columns=names), ["id"], "held")
    )
    assert sorted(rows(warehouse)) == [
        *[(-1, 3.0), (0, 1.0), (5, 1.0), (10, 1.0), (12, 2.0), (15, 2.0), (20, 1.0), (25, 1.0), (99, 2.0)]
    ]


def test_a_declared_column_is_added_and_a_changed_type_refused(
    warehouse: Warehouse, frame: Callable[..., DataFrame]
) -> None:
    published(
        warehouse,
        lambda attempt: warehouse.append(attempt, LOAD, frame((1, "a"), columns="id int, name string"), "new"),
    )
    wider = frame((2.5, 2), columns="temp_c double, id int")
    published(warehouse, lambda attempt: warehouse.append(attempt, LOAD, wider, "new"))
    assert warehouse.read(LOAD).columns == ["id", "name", "temp_c"]
    assert rows(warehouse) == [(1, "a", None), (2, None, 2.5)]
    again = frame((1, 9, 1.5), columns="id int, area int, temp_c double")
    published(warehouse, lambda attempt: warehouse.merge(attempt, LOAD, again, ["id"], "held"))
    assert rows(warehouse) == [(1, None, 1.5, 9), (2, None, 2.5, None)]
    attempt = warehouse.open_attempt("energy", "etl")
    with pytest.raises(WarehouseError, match=f"{LOAD}: column 'temp_c' is held as double, but comes as string; a held"):
        warehouse.append(attempt, LOAD, frame((1, "x"), columns="id int, temp_c string"), "new")


def test_a_table_that_was_never_published_takes_the_mended_type(
    warehouse: Warehouse, frame: Callable[..., DataFrame]
) -> None:
    warehouse.append(
        warehouse.open_attempt("energy", "etl"), LOAD, frame((1, "10"), columns="id int, load_mw string"), "new"
    )
    published(warehouse, lambda attempt: warehouse.append(attempt, LOAD, frame((1, 10.0)), "new"))
    assert rows(warehouse) == [(1, 10.0)]


def test_overwrite_takes_the_new_columns_and_what_was_refused_leaves_none(
    warehouse: Warehouse, frame: Callable[..., DataFrame]
) -> None:
    gold = "gold.energy_load"
    published(warehouse, lambda attempt: warehouse.overwrite(attempt, gold, frame((1, 10.0)), "features"))
    wider = frame((1, "a", 1.0), (2, "b", 2.0), columns="id int, name string, lag double")
    published(warehouse, lambda attempt: warehouse.overwrite(attempt, gold, wider, "features"))
    assert rows(warehouse, gold) == [(1, "a", 1.0), (2, "b", 2.0)]
    refused = warehouse.open_attempt("energy", "etl")
    warehouse.overwrite(refused, gold, frame(("x", 666), columns="name string, other int"), "features")
    published(
        warehouse,
        lambda attempt: warehouse.append(attempt, gold, frame((3, "c"), columns="id int, name string"), "more"),
    )
    assert rows(warehouse, gold) == [(1, "a", 1.0), (2, "b", 2.0), (3, "c", None)]
    assert warehouse.count(gold) == 3, "restored files keep their statistics"


def test_a_table_made_but_not_pinned_is_adopted_but_a_lost_or_strange_one_is_said(
    warehouse: Warehouse, frame: Callable[..., DataFrame], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    die_at(monkeypatch, f"create:{LOAD}:after")
    with pytest.raises(Crash):
        warehouse.append(warehouse.open_attempt("energy", "etl"), LOAD, frame((1, 10.0)), "new")
    monkeypatch.undo()
    published(warehouse, lambda attempt: warehouse.append(attempt, LOAD, frame((1, 10.0)), "new"))
    assert rows(warehouse) == [(1, 10.0)]
    shutil.move(tmp_path / "warehouse" / "silver" / "energy_load", tmp_path / "lost")
    for use in (
        lambda: warehouse.read(LOAD),
        lambda: warehouse.append(warehouse.open_attempt("energy", "etl"), LOAD, frame(), "new"),
    ):
        with pytest.raises(
            WarehouseError, match="energy_load: no table here, but version 1 is published; bring it back"
        ):
            use()
    strange = tmp_path / "warehouse" / "gold" / "energy_load"
    frame((666, 0.0)).write.format("delta").save(str(strange))
    with pytest.raises(
        WarehouseError, match=f"gold.energy_load: {strange} holds a table that this ledger does not know"
    ):
        warehouse.overwrite(warehouse.open_attempt("energy", "etl"), "gold.energy_load", frame(), "features")


def test_the_same_table_has_the_same_hash_however_it_came_to_be(
    warehouse: Warehouse, frame: Callable[..., DataFrame], tmp_path: Path
) -> None:
    columns = "id int, load_mw double, at timestamp_ntz, ingested_at int"

    def hash_of(name: str, *rows: tuple[Any, ...]) -> str:
        path = str(tmp_path / name)
        frame(*rows, columns=columns).write.format("delta").save(path)
        return table_hash(path, 0)

    noon = datetime(2014, 1, 1, 12)
    once = hash_of("once", (1, 10.0, noon, 1), (2, None, noon, 1))
    assert hash_of("other_order_and_time", (2, None, noon, 9), (1, 10.0, noon, 9)) == once
    assert hash_of("doubled", (1, 10.0, noon, 1), (2, None, noon, 1), (2, None, noon, 1)) != once
    assert hash_of("changed", (1, 10.5, noon, 1), (2, None, noon, 1)) != once
    assert table_hash(str(tmp_path / "once"), 0, without=()) != table_hash(
        str(tmp_path / "other_order_and_time"), 0, without=()
    )


def die_at(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let the process 'die' in the named place, so that the JVM can go on to the next test."""

    def point(reached: str) -> None:
        if reached == name:
            raise Crash

    monkeypatch.setattr(fault, "point", point)
