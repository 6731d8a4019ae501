"""A batch that breaks a promise of severity `fail` is refused as a whole; what was published stays readable."""

from __future__ import annotations

from contextlib import redirect_stderr
from io import StringIO

import pytest

from pipelines import cli
from tests.end_to_end.deliveries import CSV
from tests.house import drop, overlay_on, query, settings_on, tables

GOOD = "VIC,2014-02-10T00:00:00+10:00,4.5,0,,final\n"
REFUSED = "VIC,2014-02-10T00:30:00+10:00,4.6,0,,final\nV,2014-02-10T00:00:00+10:00,3.0,0,,final\n"
CORRECTED = "VIC,2014-02-10T00:30:00+10:00,4.7,0,,final\nSA,2014-02-10T00:00:00+10:00,3.0,0,,final\n"
STAGES = ("land", "bronze", "silver")
NAME = "meter_readings/2014-02-12.csv"


@pytest.fixture(scope="module")
def history(spark, tmp_path_factory):
    """A good delivery, one that is refused, and its correction; exit code, stderr, tables and rows after each."""
    folder = tmp_path_factory.mktemp("refused")
    settings, conf = settings_on(folder), overlay_on(folder)
    command = ["run", "--domain", "energy", "--conf", str(conf), *[word for s in STAGES for word in ("--stage", s)]]
    seen = []
    for text, name in ((GOOD, "meter_readings/2014-02-11.csv"), (REFUSED, NAME), (CORRECTED, NAME)):
        drop(settings, "energy", {name: CSV + text})
        with redirect_stderr(StringIO()) as errors:
            code = cli.main(command)
        rows = query(settings, "energy", "silver.energy_load", "SELECT region_id, load_mw FROM t ORDER BY load_mw")
        published = tables(settings, "energy")
        del published["silver.energy_checks"]  # tells of refused batches, too
        lying = {file.name for file in (folder / "root" / "silver" / "energy_load").glob("*.parquet")}
        seen.append((code, errors.getvalue(), published, rows, lying))
    return settings, seen


def test_a_refused_batch_is_named_and_leaves_what_was_published(history):
    (ok, _, published, rows, lying), refused, _ = history[1]
    assert (ok, rows) == (0, [("VIC", 4500.0)])
    line = (
        "headrace: energy: the batch is refused: load: rows break region_is_named 1. Nothing of it was published; "
        "correct the delivery and drop it again.\n"
    )
    assert lying and refused == (1, line, published, rows, lying), "none of its files is left either"


def test_the_corrected_delivery_goes_through_and_carries_none_of_the_refused_rows(history):
    settings, (*_, (code, errors, published, rows, _)) = history
    assert (code, errors, rows) == (0, "", [("SA", 3000.0), ("VIC", 4500.0), ("VIC", 4700.0)])
    assert published["silver.energy_load"]["outcomes"]["in"] == 3
    sql = "SELECT _raw FROM t ORDER BY _delivered_at, _position"
    raw = query(settings, "energy", "bronze.energy_meter_readings", sql)
    assert [line for (line,) in raw] == (GOOD + CORRECTED).splitlines()
