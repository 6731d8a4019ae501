"""Damage to files that Spark wrote: found by their checksums, told in one line, and never fewer or other rows."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from pyspark.errors import AnalysisException, NumberFormatException
from pyspark.sql import SparkSession

import pipelines.domains
from pipelines import cli
from pipelines.domains import domains
from pipelines.io import delta_log, quarantine
from pipelines.io.attempts import Attempt
from pipelines.io.delta import Warehouse
from pipelines.io.failures import WarehouseError
from pipelines.io.integrity import damage_named, log_must_be_whole, must_be_whole
from pipelines.io.ledger import Ledger
from pipelines.io.publication import Pin, Publication
from pipelines.io.vacuum import surplus
from pipelines.settings import load
from tests.frames import frame
from tests.house import TOY_DOMAINS, drop, overlay_on
from tests.toy_domains.mill.domain import DOMAIN as MILL

LOAD = "silver.energy_load"
COMMITS = 12  # Delta makes a checkpoint of version 10
Damage = Callable[[Path], None]


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def halved(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def shortened(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def flipped(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def of_greater_chunks(side: Path) -> None:
    content = side.read_bytes()
    side.write_bytes(content[:4] + (2**31 - 1).to_bytes(4, "big") + content[8:])


def cut_at_a_line(file: Path) -> None:
    file.write_bytes(file.read_bytes().splitlines(keepends=True)[0])


@pytest.fixture(scope="module")
def kept(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of one row a commit."""
    path = tmp_path_factory.mktemp("kept") / "silver" / "energy_load"
    for number in range(COMMITS):
        rows = frame(spark, "id int, load_mw double", [(number, number / 2)])
        rows.coalesce(1).write.format("delta").mode("append").save(str(path))
    return path


@pytest.fixture
def table(kept: Path, tmp_path: Path) -> Path:
    """A copy of it, at a place that Spark has not seen yet."""
    return Path(shutil.copytree(kept, tmp_path / "silver" / "energy_load"))


def a_file(table: Path) -> Path:
    return sorted(table.glob("*.parquet"))[3]


def commit(table: Path, version: int) -> Path:
    return table / "_delta_log" / f"{version:020}.json"


def test_files_as_they_were_written_pass_and_so_do_those_without_checksums(table: Path) -> None:
    files = delta_log.files(str(table), COMMITS - 1)
    must_be_whole(LOAD, files)
    must_be_whole(LOAD, ["s3a://bucket/energy_load/part-0.parquet"])
    for side in table.glob(".*.crc"):
        side.unlink()
    must_be_whole(LOAD, files)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (Path.unlink, "is missing"),
        (emptied, "is empty"),
        *[(damage, "does not match its checksums in .{}.crc") for damage in (halved, shortened, flipped)],
    ],
)
def test_a_damaged_file_is_named_with_its_table_and_what_to_do(table: Path, damage: Damage, told: str) -> None:
    file = a_file(table)
    files = delta_log.files(str(table), COMMITS - 1)
    damage(file)
    with pytest.raises(WarehouseError) as failed:
        must_be_whole(LOAD, files)
    assert str(failed.value).startswith(f"{LOAD}: {file} {told.format(file.name)}")
    assert str(failed.value).endswith("; put it back from a copy of the table, then run again")


@pytest.mark.parametrize("damage", [emptied, halved, flipped, of_greater_chunks])
def test_a_damaged_checksum_file_is_named_too(table: Path, damage: Damage) -> None:
    file = a_file(table)
    damage(file.with_name(f".{file.name}.crc"))
    with pytest.raises(WarehouseError, match="so one of the two is damaged"):
        must_be_whole(LOAD, [str(file)])


@pytest.mark.parametrize("damage", [Path.unlink, emptied, halved, cut_at_a_line, flipped])
def test_a_damaged_commit_is_named_where_it_is_needed_and_only_there(table: Path, damage: Damage) -> None:
    """Spark takes an emptied commit for one without rows, deltalake one that is cut at a line too."""
    damage(commit(table, 3))
    with pytest.raises(WarehouseError, match=rf"^{table}: .*commit 3 is missing|0{{19}}3\.json (is|does)"):
        delta_log.count(str(table), 5)
    assert delta_log.count(str(table), COMMITS - 1) == COMMITS  # the checkpoint of version 10 tells all before it
    damage(commit(table, COMMITS - 1))
    with pytest.raises(WarehouseError, match=rf"^{table}: "):
        delta_log.must_hold(str(table), COMMITS - 1)


@pytest.mark.parametrize("damage", [emptied, halved, flipped])
def test_a_damaged_checkpoint_is_named(table: Path, damage: Damage) -> None:
    checkpoint = next((table / "_delta_log").glob("*.checkpoint*.parquet"))
    damage(checkpoint)
    with pytest.raises(WarehouseError, match=checkpoint.name):
        log_must_be_whole(str(table), None)
    log_must_be_whole(str(table), 9)


@pytest.mark.parametrize("damage", [Path.unlink, emptied, halved])
def test_the_hint_at_the_last_checkpoint_is_not_needed(spark: SparkSession, table: Path, damage: Damage) -> None:
    damage(table / "_delta_log" / "_last_checkpoint")
    assert delta_log.count(str(table), COMMITS - 1) == COMMITS
    assert spark.read.format("delta").load(str(table)).count() == COMMITS


def test_where_there_is_no_table_nothing_is_said(tmp_path: Path) -> None:
    log_must_be_whole(str(tmp_path / "none"), None)
    log_must_be_whole("s3a://bucket/energy_load", 3)


def test_vacuum_deletes_nothing_by_a_log_that_lost_a_line(table: Path) -> None:
    cut_at_a_line(commit(table, 3))
    with pytest.raises(WarehouseError, match=r"0003\.json does not match"):
        surplus(str(table), (), timedelta(0), None)
    commit(table, 3).with_name(f".{commit(table, 3).name}.crc").unlink()
    halved(commit(table, 3))
    with pytest.raises(WarehouseError, match=r"0003\.json is damaged"):
        surplus(str(table), (), timedelta(0), None)


@pytest.mark.parametrize("damage", [Path.unlink, emptied, halved, shortened, flipped])
def test_what_spark_says_of_a_damaged_file_is_one_line_with_its_name(
    spark: SparkSession, table: Path, damage: Damage
) -> None:
    file = a_file(table)
    damage(file)
    with pytest.raises(WarehouseError) as failed, damage_named():
        spark.read.format("delta").load(str(table)).collect()
    assert str(failed.value).startswith(f"{file} ")
    assert str(failed.value).endswith("; put it back from a copy of the table, then run again")
    assert "\n" not in str(failed.value)


def test_what_spark_says_of_a_gap_in_the_log_is_one_line(spark: SparkSession, table: Path) -> None:
    commit(table, 3).unlink()
    with (
        pytest.raises(WarehouseError, match=r"^\[DELTA_VERSIONS_NOT_CONTIGUOUS\].*copy of the table.*$"),
        damage_named(),
    ):
        spark.read.format("delta").option("versionAsOf", 5).load(str(table)).collect()


def test_what_is_no_damage_is_raised_as_it_is(spark: SparkSession) -> None:
    with pytest.raises(AnalysisException), damage_named():
        spark.sql("SELECT nothing FROM nowhere")
    with pytest.raises(NumberFormatException), damage_named():
        spark.sparkContext._jvm.java.lang.Integer.parseInt("x")
    with pytest.raises(ZeroDivisionError), damage_named():
        raise ZeroDivisionError


@pytest.fixture
def published(spark: SparkSession, tmp_path: Path) -> tuple[Warehouse, Pin]:
    """Two rows, published by one attempt each."""
    ledger = Ledger(str(tmp_path / "ledger.db"))
    warehouse = Warehouse(lambda: spark, str(tmp_path / "root"), ledger)
    for number in (1, 2):
        publish(warehouse, lambda attempt, n=number: append(warehouse, spark, attempt, n))
    return warehouse, ledger.pins()[LOAD]


def append(warehouse: Warehouse, spark: SparkSession, attempt: Attempt, number: int) -> None:
    warehouse.append(attempt, LOAD, frame(spark, "id int", [(number,)]).coalesce(1), "new")


def publish(warehouse: Warehouse, write: Callable[[Attempt], None]) -> None:
    attempt = warehouse.open_attempt("energy", "ingest")
    write(attempt)
    warehouse.publish(attempt, Publication())


def test_a_log_that_tells_of_fewer_rows_than_were_published_is_neither_read_nor_written(
    spark: SparkSession, published: tuple[Warehouse, Pin]
) -> None:
    """Without its checksum file a commit that lost its last line looks whole."""
    warehouse, pin = published
    last = commit(Path(pin.path), pin.version)
    last.with_name(f".{last.name}.crc").unlink()
    lines = last.read_bytes().splitlines(keepends=True)
    last.write_bytes(b"".join(line for line in lines if b'"add"' not in line))
    told = "its log tells of 1 rows at version 2, but 2 were published; put its _delta_log back from a copy"
    for read in (warehouse.read, warehouse.shard):
        with pytest.raises(WarehouseError, match=told):
            read(LOAD)
    with pytest.raises(WarehouseError, match=told):
        quarantine._query(pin, "SELECT * FROM held")
    with pytest.raises(WarehouseError, match=told):
        publish(warehouse, lambda attempt: append(warehouse, spark, attempt, 3))
    warehouse.abandon()


def test_the_commit_of_a_restore_has_checksums_though_spark_did_not_write_it(
    spark: SparkSession, published: tuple[Warehouse, Pin]
) -> None:
    warehouse, pin = published
    append(warehouse, spark, warehouse.open_attempt("energy", "ingest"), 3)
    warehouse.abandon()
    publish(warehouse, lambda attempt: append(warehouse, spark, attempt, 4))
    assert sorted(row.id for row in warehouse.read(LOAD).collect()) == [1, 2, 4]
    restored = commit(Path(pin.path), 4)
    assert b'"RESTORE"' in restored.read_bytes()
    flipped(restored)
    with pytest.raises(WarehouseError, match=rf"{restored.name} does not match"):
        warehouse.read(LOAD)


@pytest.mark.parametrize("damage", [Path.unlink, halved, flipped])
def test_readers_without_a_jvm_read_no_damaged_file(published: tuple[Warehouse, Pin], damage: Damage) -> None:
    warehouse, pin = published
    file = next(Path(pin.path).glob("*.parquet"))
    damage(file)
    told = rf"^silver\.energy_load: {file} "
    with pytest.raises(WarehouseError, match=told):
        warehouse.shard(LOAD)
    with pytest.raises(WarehouseError, match=told):
        quarantine._query(pin, "SELECT * FROM held")


def test_a_run_over_a_damaged_file_ends_with_one_line_and_exit_code_1(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(domains(), "mill", MILL)
    monkeypatch.setattr(pipelines.domains, "__path__", [*pipelines.domains.__path__, str(TOY_DOMAINS)])
    conf = overlay_on(tmp_path)
    words = [
        "run",
        "--domain",
        "mill",
        "--conf",
        str(conf),
        "--stage",
        "land",
        "--stage",
        "bronze",
        "--stage",
        "silver",
    ]
    header = "station_id,read_at,flow\n"
    drop(load(conf), "mill", {"gauges/2024-01-02.csv": f"{header}a,2024-01-01T00:00:00Z,1.5\n"})
    assert cli.main(words) == 0
    capsys.readouterr()
    pin = Ledger(load(conf).ledger).pins("mill")["silver.mill_flows"]
    (file,) = map(Path, delta_log.files(pin.path, pin.version))
    halved(file)
    drop(load(conf), "mill", {"gauges/2024-01-03.csv": f"{header}a,2024-01-01T00:00:00Z,2.5\n"})
    assert cli.main(words) == 1
    said = "".join(capsys.readouterr())
    assert re.search(rf"{file} has [0-9,]+ bytes, but [0-9,]+ were written; put it back from a copy", said)
    assert "Traceback" not in said
    assert "\tat " not in said
