"""Maintenance: many tiny commits become a handful of files, and every version that anybody needs can still be read."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import CommitProperties, DeltaTable, write_deltalake
from pyspark.sql import SparkSession

from pipelines import cli, runner
from pipelines.domains import domains
from pipelines.io import fault, layout
from pipelines.io.delta import Warehouse
from pipelines.io.ledger import Ledger
from pipelines.io.publication import Champion, Fit, Publication
from pipelines.io.table_hash import table_hash
from pipelines.runner import maintain
from pipelines.settings import Settings
from tests.end_to_end.deliveries import DELIVERIES
from tests.house import drop, overlay_on, settings_on

LOAD = "silver.energy_load"
LATER = datetime(2100, 1, 1, tzinfo=UTC)
COMMITS, ATTEMPTS = 100, 5  # every twentieth version is published


@dataclass(frozen=True)
class House:
    """A table in a hundred tiny files. models: the versions of a champion, its predecessor and a newest fit."""

    settings: Settings
    path: Path
    models: tuple[int, ...]
    hashes: dict[int, str]


@pytest.fixture(scope="module", params=["some", pytest.param("all", marks=pytest.mark.slow)])
def house(request: pytest.FixtureRequest, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> House:
    """Made by appends of the warehouse: all of them, or only each attempt's first and last, since one takes a second.
    The others are then commits by deltalake, which carry the attempt's number like its own."""
    settings = settings_on(tmp_path_factory.mktemp("maintain"))
    ledger = Ledger(settings.ledger)
    warehouse = Warehouse(lambda: spark, settings.root, ledger)
    published = []
    for first in range(0, COMMITS, COMMITS // ATTEMPTS):
        attempt = warehouse.open_attempt("energy", "ingest")
        last = first + COMMITS // ATTEMPTS - 1
        for number in range(first, last + 1):
            if request.param == "all" or number in (first, last):
                rows = spark.createDataFrame([(number, number * 17 % 100)], "id long, region_id int")
                warehouse.append(attempt, LOAD, rows.coalesce(1), f"part {number}")
            else:
                _append(Path(settings.root) / "silver" / "energy_load", attempt.stamp, number)
        version = warehouse.check(attempt)[LOAD].version
        fits = tuple(_fit(f"{family}-{version}", family, version) for family in ("xgboost", "lstm"))
        champion = (_champion(f"xgboost-{version}"),) if version in (20, 40) else ()
        models = Publication(fits=fits if version <= 60 else (), champions=champion)
        warehouse.publish(attempt, models)
        published.append(version)
    unpublished = warehouse.open_attempt("energy", "ingest")
    warehouse.append(unpublished, LOAD, spark.range(1, 2, 1, 1).selectExpr("id", "-1 AS region_id"), "dies")
    warehouse.abandon()
    path = Path(ledger.pins()[LOAD].path)
    return House(settings, path, (20, 40, 60), {version: table_hash(str(path), version) for version in published})


def _append(path: Path, stamp: str, number: int) -> None:
    row = pa.table({"id": pa.array([number], pa.int64()), "region_id": pa.array([number * 17 % 100], pa.int32())})
    said = CommitProperties(custom_metadata={"userMetadata": stamp})
    write_deltalake(path, row, mode="append", commit_properties=said)


def _fit(run_id: str, family: str, version: int) -> Fit:
    return Fit("load_mw", family, run_id, run_id, {}, {LOAD: version}, LATER)


def _champion(run_id: str) -> Champion:
    return Champion("load_mw", "energy-load_mw", 1, "xgboost", "better", run_id, LATER)


@pytest.fixture
def untended(house: House) -> Iterator[House]:
    """The house as it was before any maintenance; at the same place, since the ledger holds absolute paths."""
    root = Path(house.settings.root)
    kept = root.with_name("kept")
    if not kept.exists():
        shutil.copytree(root, kept)
    shutil.rmtree(root)
    shutil.copytree(kept, root)
    yield house


@pytest.fixture
def clustered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The declaration asks for the load by region."""
    energy = domains()["energy"]
    tables = tuple(replace(t, cluster=("region_id",)) if t.name == "load" else t for t in energy.tables)
    monkeypatch.setitem(domains(), "energy", replace(energy, tables=tables))


def test_a_hundred_tiny_commits_end_as_a_handful_of_files_and_every_wanted_version_can_be_read(
    untended: House, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger, path = Ledger(untended.settings.ledger), str(untended.path)
    before = ledger.pins()[LOAD]
    assert (before.version, before.rows) == (100, 100)
    conf = str(overlay_on(untended.path.parents[2]))
    words = ["maintain", "--domain", "energy", "--conf", conf, "--as-of", "2100-01-01"]

    assert cli.main([*words, "--dry-run"]) == 0
    assert f"{LOAD}           100      1        0 " in (told := capsys.readouterr().out), told
    assert ledger.pins()[LOAD] == before

    assert cli.main(words) == 0
    pin = ledger.pins()[LOAD]
    assert f"{LOAD}           100      1       41 " in (told := capsys.readouterr().out), told
    assert "without starting Spark" not in told
    assert (pin.rows, pin.content, pin.version > before.version) == (100, before.version, True)
    assert len(DeltaTable(path, version=pin.version).file_uris()) == 1
    wanted = {pin.version, pin.base, *untended.models}
    for version in wanted:
        files = DeltaTable(path, version=version).file_uris()
        rows = sum(pq.read_table(file).num_rows for file in files)
        assert rows == min(version, 100)
        if version in untended.hashes:
            assert table_hash(path, version) == untended.hashes[version]
    assert table_hash(path, pin.version) == untended.hashes[before.version]
    needed = {Path(file).name for version in wanted for file in DeltaTable(path, version=version).file_uris()}
    assert {file.name for file in untended.path.glob("*.parquet")} == needed, "what only old versions needed is gone"
    assert DeltaTable(path).version() == pin.version, "so the next attempt finds what is pinned at HEAD"

    assert cli.main(words) == 0
    assert "1 of 1 tables are tidy" in (told := capsys.readouterr().out), told
    assert "without starting Spark" in told
    assert ledger.pins()[LOAD] == pin


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(f"commit:{LOAD}/compact:before", marks=pytest.mark.slow),
        f"commit:{LOAD}/compact:after",
        "publish:energy/maintain:before",
        pytest.param("publish:energy/maintain:after", marks=pytest.mark.slow),
        pytest.param(f"vacuum:{LOAD}:before", marks=pytest.mark.slow),
        f"vacuum:{LOAD}:after",
    ],
)
@pytest.mark.usefixtures("clustered")
def test_killed_anywhere_and_run_again_it_is_the_same(
    untended: House, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def point(name: str) -> None:
        if name == place:
            raise Crash

    ledger, path = Ledger(untended.settings.ledger), str(untended.path)
    monkeypatch.setattr(fault, "point", point)
    with pytest.raises(Crash):
        maintain.maintain(untended.settings, ["energy"], LATER)
    seen = ledger.pins()[LOAD]
    assert table_hash(path, seen.version) == untended.hashes[100]
    monkeypatch.undo()
    assert maintain.maintain(untended.settings, ["energy"], LATER).failures == {}
    pin = ledger.pins()[LOAD]
    assert (pin.rows, pin.content) == (100, 100)
    assert table_hash(path, pin.version) == untended.hashes[100]
    wanted = {pin.version, *untended.models}
    needed = {Path(file).name for version in wanted for file in DeltaTable(path, version=version).file_uris()}
    assert {file.name for file in untended.path.glob("*.parquet")} == needed
    assert len(DeltaTable(path, version=pin.version).file_uris()) == 1


@pytest.mark.slow
@pytest.mark.usefixtures("spark")
def test_what_was_made_of_a_compacted_table_is_not_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, stages = settings_on(tmp_path), ["land", "bronze", "silver", "gold"]
    for delivery in DELIVERIES.values():
        drop(settings, "energy", delivery)
        assert runner.run(settings, names=["energy"], stages=stages).failures == {}
    before = Ledger(settings.ledger).pins("energy")
    monkeypatch.setattr(maintain, "MANY", 2)
    assert maintain.maintain(settings, ["energy"], LATER).failures == {}
    after = Ledger(settings.ledger).pins("energy")
    compacted = {name for name, pin in after.items() if pin.version != before[name].version}
    assert any(name.startswith("silver.") for name in compacted)
    for name, pin in before.items():
        assert (pin.content, pin.rows) == (after[name].content, after[name].rows)
    again = runner.run(settings, names=["energy"], stages=stages)
    assert (again.failures, again.used_spark) == ({}, False)


class Crash(Exception):
    """Stands for the death of the process."""


@pytest.mark.usefixtures("clustered")
def test_a_table_is_laid_out_anew_once_its_declaration_asks_for_it(
    untended: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = untended.settings
    monkeypatch.setattr(layout, "_SMALLEST_BYTES", 400)  # as if the tiny files were large ones
    monkeypatch.setattr(layout, "_FILES", 8)
    assert maintain.maintain(settings, ["energy"], None).failures == {}
    pin = Ledger(settings.ledger).pins()[LOAD]
    found = pa.table(DeltaTable(str(untended.path), version=pin.version).get_add_actions(flatten=True)).to_pylist()
    spans = sorted((file["min.region_id"], file["max.region_id"]) for file in found)
    assert len(spans) > 1
    assert all(low[1] < high[0] for low, high in pairwise(spans)), "so a reader by region skips files"
    assert not maintain.maintain(settings, ["energy"], None).used_spark
