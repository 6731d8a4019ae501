"""Hours of a local clock: the hour that comes twice in autumn is held twice, and none is lost."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator

import pytest

from pipelines import runner
from pipelines.settings import Settings
from tests.house import query, settings_on, tables
from tests.reference import TO_SILVER, deliver, reference, reference_domains

LOAD, HOURS = "silver.pjme_load", "hours/2018-08-03.csv.gz"
DOUBLED = [  # the greater load first, whatever the order in the file
    ("2014-11-02T06:00", 23_755.0),
    ("2014-11-02T07:00", 22_935.0),
    ("2015-11-01T06:00", 21_567.0),
    ("2015-11-01T07:00", 21_171.0),
    ("2016-11-06T06:00", 21_692.0),
    ("2016-11-06T07:00", 20_795.0),
    ("2017-11-05T06:00", 21_236.0),
    ("2017-11-05T07:00", 20_666.0),
]


@pytest.fixture(scope="module", autouse=True)
def declared() -> Iterator[None]:
    with reference_domains():
        yield


def hours() -> bytes:
    return reference("energy/pjm/PJME_hourly.csv.gz").read_bytes()


def taken_in(settings: Settings, packed: bytes) -> Settings:
    deliver(settings, "pjme", {HOURS: packed})
    assert runner.run(settings, names=["pjme"], stages=TO_SILVER).failures == {}
    return settings


def doubled(settings: Settings) -> list[tuple[str, float]]:
    sql = "SELECT cast(hour_ends_at AS string) AS at, load_mw FROM t WHERE is_order_inferred ORDER BY at"
    return [(at[:16], load_mw) for at, load_mw in query(settings, "pjme", LOAD, sql)]


def test_an_hour_that_comes_twice_is_two_hours(spark, tmp_path):
    """November 2014 to 2017, and an hour that the clock leaves out, one that it has twice, and no hour at all."""
    header, *lines = gzip.decompress(hours()).splitlines(keepends=True)
    november = [line for line in lines if line[3:10] in (b"11-2014", b"11-2015", b"11-2016", b"11-2017")]
    odd = [b"09-03-2014 03:00,1\n", b"03-11-2013 02:00,1\n", b"2014-11-02 02:00,1\n"]
    settings = taken_in(settings_on(tmp_path), gzip.compress(b"".join([header, *november, *odd])))
    assert doubled(settings) == DOUBLED
    outcomes = tables(settings, "pjme")[LOAD]["outcomes"]
    assert (outcomes["in"], outcomes["new"], outcomes["quarantined"]) == (4 * 721 + 3, 4 * 721, 3)
    sql = "SELECT _position, _reasons FROM t ORDER BY _position"
    assert query(settings, "pjme", "quarantine.pjme_load", sql) == [
        (2886, ["unreadable: the local clock has no such hour: it goes forward here"]),
        (2887, ["unreadable: the local clock has this hour twice, and the file has it 1 times"]),
        (2888, ["unreadable: Datetime is not dd-MM-yyyy HH:mm"]),
    ]


@pytest.mark.slow
def test_all_hours_of_seventeen_years_are_held(spark, tmp_path):
    settings = taken_in(settings_on(tmp_path), hours())
    outcomes = tables(settings, "pjme")[LOAD]["outcomes"]
    assert (outcomes["in"], outcomes["new"]) == (145_366, 145_366)
    total = sum(float(record["PJME_MW"]) for record in csv.DictReader(io.StringIO(gzip.decompress(hours()).decode())))
    sql = "SELECT count(distinct hour_ends_at), sum(load_mw) FROM t"
    assert query(settings, "pjme", LOAD, sql) == [(145_366, total)]
    assert doubled(settings) == DOUBLED
