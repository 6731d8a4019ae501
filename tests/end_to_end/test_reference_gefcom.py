"""A load track's monthly increments: whatever the order in which they come, the same hours are held."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from zipfile import ZipFile

import pytest

from pipelines import runner
from pipelines.io.ledger import Ledger
from pipelines.io.table_hash import table_hash
from pipelines.settings import Settings
from tests.house import query, settings_on, tables
from tests.reference import TO_SILVER, deliver, reference, reference_domains

LOAD, BENCHMARK = "silver.gefcom_load", "silver.gefcom_benchmark"
TASKS = range(1, 16)


@pytest.fixture(scope="module", autouse=True)
def declared() -> Iterator[None]:
    with reference_domains():
        yield


def track() -> Path:
    return reference("energy/gefcom2014/GEFCom2014-L_V2.zip")


def increment(task: int, kind: str) -> bytes:
    with ZipFile(track()) as files:
        return files.read(f"Load/Task {task}/L{task}-{kind}.csv")


def delivered_on(task: int) -> str:
    """The day after the increment's last: task 1 ends with September 2010, task 15 with November 2011."""
    months = 8 + task
    return f"{2010 + months // 12}-{months % 12 + 1:02}-01"


def short(text: bytes, rows: int) -> bytes:
    return b"".join(text.splitlines(keepends=True)[: rows + 1])


def taken_in(settings: Settings, batches: Sequence[dict[str, bytes]], as_of: datetime | None = None) -> Settings:
    for files in batches:
        deliver(settings, "gefcom", files)
        assert runner.run(settings, names=["gefcom"], stages=TO_SILVER, as_of=as_of).failures == {}
    return settings


def held(settings: Settings, name: str = LOAD) -> str:
    pin = Ledger(settings.ledger).pins("gefcom")[name]
    return table_hash(pin.path, pin.version)


@pytest.fixture(scope="module")
def increments() -> list[dict[str, bytes]]:
    """Ten days of each of three months: November and January begin with days that can be read in two ways. Then half a
    day of January once more, with other loads."""
    files = [
        {f"load/{delivered_on(task)}-L{task}-train.csv": short(increment(task, "train"), 240)} for task in (2, 3, 5)
    ]
    corrected = short(increment(5, "train"), 240).replace(b" 1:00,", b" 1:00,9")
    return [*files, {"load/2011-02-02-L5-train.csv": corrected}]


@pytest.fixture(scope="module")
def in_order(spark, tmp_path_factory, increments) -> Settings:
    october, november, january, corrected = increments
    settings = settings_on(tmp_path_factory.mktemp("gefcom"))
    return taken_in(settings, [october | january, november | corrected])


@pytest.mark.slow
def test_the_hours_are_read_by_the_order_of_the_rows(in_order):
    sql = "SELECT cast(min(hour_ends_at) AS string), cast(max(hour_ends_at) AS string), count(*) FROM t"
    months = query(in_order, "gefcom", LOAD, f"{sql} GROUP BY date_trunc('month', hour_ends_at) ORDER BY 1")
    assert [(first[:16], last[:16], number) for first, last, number in months] == [
        ("2010-10-01T01:00", "2010-10-11T00:00", 240),
        ("2010-11-01T01:00", "2010-11-11T00:00", 240),
        ("2011-01-01T01:00", "2011-01-11T00:00", 240),
    ]
    outcomes = tables(in_order, "gefcom")[LOAD]["outcomes"]
    assert {name: number for name, number in outcomes.items() if number} == {
        "in": 960,
        "new": 720,
        "updated": 10,
        "unchanged": 230,
    }


@pytest.mark.slow
def test_a_correction_before_what_it_corrects_ends_in_the_same_table(spark, tmp_path, increments, in_order):
    october, november, january, corrected = increments
    assert held(taken_in(settings_on(tmp_path), [corrected | november, january | october])) == held(in_order)


@pytest.mark.slow
def test_increments_in_any_order_end_in_the_same_table(spark, tmp_path, increments):
    orders = list(itertools.permutations(increments[1:]))
    ends = {held(taken_in(settings_on(tmp_path / str(number)), order)) for number, order in enumerate(orders)}
    assert (len(orders), len(ends)) == (6, 1)


def test_an_hours_quantiles_are_rows_of_their_own(spark, tmp_path):
    text = short(increment(1, "benchmark"), 30)
    settings = taken_in(settings_on(tmp_path), [{"benchmark/2010-10-01-L1-benchmark.csv": text}])
    records = list(csv.DictReader(io.StringIO(text.decode())))
    sql = "SELECT cast(level AS string) AS quantile, load_mw FROM t ORDER BY hour_ends_at, level"
    assert query(settings, "gefcom", BENCHMARK, sql) == [
        (f"{number / 100:.2f}", float(record[f"{number / 100:g}"])) for record in records for number in range(1, 100)
    ]
    sql = "SELECT count(distinct _record_id), count(distinct _ordinal), cast(min(hour_ends_at) AS string) FROM t"
    assert query(settings, "gefcom", BENCHMARK, sql) == [(30, 99, "2010-10-01T01:00:00Z")]
    assert tables(settings, "gefcom")[BENCHMARK]["outcomes"]["quarantined"] == 0


def test_one_zip_feeds_each_source_with_what_is_declared(tmp_path):
    settings = settings_on(tmp_path)
    deliver(settings, "gefcom", {f"{source}/2011-12-01.zip": track().read_bytes() for source in ("load", "benchmark")})
    assert runner.run(settings, names=["gefcom"], stages=["land"]).failures == {}
    (batch,) = Ledger(settings.ledger).batches_awaiting("gefcom", "bronze")
    kinds = {"benchmark": "benchmark", "load": "train"}
    assert sorted(file.name for file in batch.files) == sorted(
        f"{source}/2011-12-01.zip!/Load/Task {task}/L{task}-{kind}.csv"
        for source, kind in kinds.items()
        for task in TASKS
    )


@pytest.mark.slow
def test_all_increments_of_the_track_as_it_is_packed_are_held_to_the_last_hour(spark, tmp_path):
    as_of = datetime(2011, 12, 1, tzinfo=UTC)
    settings = taken_in(settings_on(tmp_path), [{f"load/{track().name}": track().read_bytes()}], as_of)
    outcomes = tables(settings, "gefcom")[LOAD]["outcomes"]
    assert (outcomes["in"], outcomes["new"], outcomes["quarantined"]) == (95_664, 95_664, 0)
    files = [increment(task, "train") for task in TASKS]
    texts = [row for text in files for row in csv.DictReader(io.StringIO(text.decode()))]
    stations = [f"w{number}" for number in range(1, 26)]
    temperatures = sum(float(row[station]) for row in texts for station in stations)
    sql = f"SELECT count(*) - count(load_mw), sum(load_mw), sum({' + '.join(f'{name}_f' for name in stations)}) FROM t"
    assert query(settings, "gefcom", LOAD, sql) == [
        (
            35_064,
            pytest.approx(sum(float(row["LOAD"] or 0) for row in texts)),
            pytest.approx(temperatures),
        )
    ]
    # an hour every hour from the first to the last
    sql = "SELECT cast(min(hour_ends_at) AS string), cast(max(hour_ends_at) AS string), count(distinct hour_ends_at)"
    first, last, number = query(settings, "gefcom", LOAD, f"{sql} FROM t")[0]
    assert (first[:16], last[:16], number) == ("2001-01-01T01:00", "2011-12-01T00:00", 95_664)
