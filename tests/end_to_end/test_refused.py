"""A batch that breaks a promise of severity `fail` is refused as a whole; what was published stays readable."""

from __future__ import annotations

import pytest

from pipelines import cli, runner
from tests.end_to_end.deliveries import CSV
from tests.house import drop, overlay_on, query, settings_on, tables

GOOD = "VIC,2014-02-10T00:00:00+10:00,4.5,0,,final\n"
REFUSED = "VIC,2014-02-10T00:30:00+10:00,4.6,0,,final\nV,2014-02-10T00:00:00+10:00,3.0,0,,final\n"
CORRECTED = "VIC,2014-02-10T00:30:00+10:00,4.7,0,,final\nSA,2014-02-10T00:00:00+10:00,3.0,0,,final\n"
STAGES = ("land", "bronze", "silver")
NAME = "meter_readings/2014-02-12.csv"


@pytest.fixture(scope="module")
def history(spark, tmp_path_factory):
    """A good delivery, one that is refused, run once more as it is, and corrected; what was seen after each."""
    folder = tmp_path_factory.mktemp("refused")
    settings, conf = settings_on(folder), overlay_on(folder)
    command = ["run", "--domain", "energy", "--conf", str(conf), *[word for s in STAGES for word in ("--stage", s)]]
    seen = []
    for text, name in ((GOOD, "meter_readings/2014-02-11.csv"), (REFUSED, NAME), (REFUSED, NAME), (CORRECTED, NAME)):
        drop(settings, "energy", {name: CSV + text})
        code = cli.main(command)
        rows = query(settings, "energy", "silver.energy_load", "SELECT region_id, load_mw FROM t ORDER BY load_mw")
        seen.append((code, tables(settings, "energy"), rows))
    return settings, seen


def test_a_refused_batch_ends_with_1_and_leaves_what_was_published(history):
    (ok, published, rows), *refused, _ = history[1]
    assert (ok, rows) == (0, [("VIC", 4500.0)])
    assert refused == [(1, published, rows)] * 2


def test_the_corrected_delivery_goes_through_and_carries_none_of_the_refused_rows(history):
    settings, (*_, (code, published, rows)) = history
    assert (code, rows) == (0, [("SA", 3000.0), ("VIC", 4500.0), ("VIC", 4700.0)])
    assert published["silver.energy_load"]["outcomes"]["in"] == 3
    raw = query(
        settings, "energy", "bronze.energy_meter_readings", "SELECT _raw FROM t ORDER BY _delivered_at, _position"
    )
    assert [line for (line,) in raw] == (GOOD + CORRECTED).splitlines()


def test_the_refusal_is_named_in_one_line(history, capsys):
    settings = history[0]
    drop(settings, "energy", {"meter_readings/2014-02-13.csv": CSV + "V,2014-02-10T00:00:00+10:00,3.1,0,,final\n"})
    failures = runner.run(settings, names=["energy"], stages=STAGES).failures
    assert failures == {
        "energy": "load: the batch is refused: rows break region_is_named 1. Nothing of it was published; "
        "correct the delivery and drop it again."
    }
