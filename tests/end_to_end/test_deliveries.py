"""A sequence of small deliveries, written by hand: every outcome occurs, and every count is literal."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines import runner
from pipelines.contracts.tables import OUTCOMES
from pipelines.io.ledger import Ledger
from pipelines.io.table_hash import PROVENANCE, table_hash
from tests.end_to_end.deliveries import DELIVERIES
from tests.house import drop, loaded_by, overlay_on, query, settings_on, tables, versions

LOAD, WEATHER, WORKDAYS = "silver.energy_load", "silver.energy_weather", "silver.energy_workdays"
NAMES = ("in", *OUTCOMES)
COUNTS = {  # after each delivery: in, new, updated, deleted, unchanged, duplicate, superseded, quarantined
    "first": {LOAD: (9, 5, 0, 0, 0, 1, 1, 2), WEATHER: (4, 2, 0, 0, 0, 0, 0, 2)},
    "corrected": {LOAD: (14, 6, 1, 1, 1, 1, 2, 2), WEATHER: (8, 3, 1, 0, 1, 1, 0, 2)},
    "recreated": {LOAD: (21, 8, 1, 2, 2, 2, 3, 3), WEATHER: (9, 4, 1, 0, 1, 1, 0, 2)},
    "old and odd": {LOAD: (23, 8, 1, 2, 2, 2, 3, 5), WEATHER: (11, 4, 1, 0, 1, 1, 2, 2)},
}
INGEST = ("land", "bronze", "silver", "gold")


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_after_each_delivery_every_outcome_has_its_count(house, delivery):
    found = {table: tuple(house[1][delivery][table]["outcomes"][name] for name in NAMES) for table in (LOAD, WEATHER)}
    assert found == COUNTS[delivery]
    assert house[1][delivery][WORKDAYS]["outcomes"] == dict.fromkeys(NAMES, 0) | {"in": 2, "new": 2}


def test_every_outcome_occurs_and_what_is_held_is_new_less_deleted(house):
    last = house[1]["old and odd"]
    assert all(last[LOAD]["outcomes"].values())
    for table in (LOAD, WEATHER, WORKDAYS):
        assert last[table]["rows"] == last[table]["outcomes"]["new"] - last[table]["outcomes"]["deleted"]
    assert (last[LOAD]["rows"], last[WEATHER]["rows"]) == (6, 4)


def test_every_files_records_are_the_sum_of_their_outcomes(house):
    counted = [
        (of.file, of.table, of.rows, *[of.counts.get(outcome, 0) for outcome in OUTCOMES])
        for of in Ledger(house[0].ledger).file_outcomes("energy")
    ]
    assert counted == [
        ("calendar/2013-12-01.csv", WORKDAYS, 2, 2, 0, 0, 0, 0, 0, 0),
        ("meter_readings/2014-02-11.csv", LOAD, 9, 5, 0, 0, 0, 1, 1, 2),
        ("weather/2014-02-11.jsonl", WEATHER, 4, 2, 0, 0, 0, 0, 0, 2),
        ("meter_readings/2014-02-12-more.csv", LOAD, 0, 0, 0, 0, 0, 0, 0, 0),
        ("meter_readings/2014-02-12.csv", LOAD, 5, 1, 1, 1, 1, 0, 1, 0),
        ("weather/2014-02-12.jsonl", WEATHER, 4, 1, 1, 0, 1, 1, 0, 0),
        ("meter_readings/2014-02-13.csv", LOAD, 7, 2, 0, 1, 1, 1, 1, 1),
        ("weather/2014-02-13.jsonl", WEATHER, 1, 1, 0, 0, 0, 0, 0, 0),
        ("meter_readings/2014-02-14.csv", LOAD, 2, 0, 0, 0, 0, 0, 0, 2),
        ("weather/2014-02-10.jsonl", WEATHER, 2, 0, 0, 0, 0, 0, 2, 0),
    ]
    assert all(rows == sum(outcomes) for _, _, rows, *outcomes in counted)
    bronze = query(house[0], "energy", "bronze.energy_meter_readings", "SELECT count(*) FROM t")
    assert bronze == [(23,)]


def test_the_last_word_on_each_key_is_held(house):
    sql = "SELECT cast(measured_at AS string) AS at, load_mw, revision FROM t ORDER BY at"
    assert [(at[:16], load_mw, revision) for at, load_mw, revision in query(house[0], "energy", LOAD, sql)] == [
        ("2014-02-09T13:30", 4400.0, 0),
        ("2014-02-09T14:00", 4500.0, 0),
        ("2014-02-09T14:30", 4660.0, 1),
        ("2014-02-09T15:00", 4750.0, 2),
        ("2014-02-09T16:30", 4950.0, 1),
        ("2014-02-09T17:00", 5000.0, 0),
    ]
    sql = "SELECT temp_c FROM t ORDER BY observed_at"
    assert query(house[0], "energy", WEATHER, sql) == [(22.0,), (20.5,), (19.5,), (19.0,)]


def test_what_is_set_apart_keeps_its_place_its_text_and_its_reason(house):
    sql = "SELECT _file, _position, _raw, _reasons FROM t ORDER BY _file, _position"
    assert query(house[0], "energy", "quarantine.energy_load", sql) == [
        (
            "meter_readings/2014-02-11.csv",
            7,
            "VIC,2014-02-10T02:00:00+10:00,n/a,0,,final",
            ["unreadable: demand_gw"],
        ),
        (
            "meter_readings/2014-02-11.csv",
            8,
            "VIC,2014-02-10T02:00:00+10:00",
            ["unreadable: 2 fields where the header has 6"],
        ),
        (
            "meter_readings/2014-02-13.csv",
            7,
            "VIC,2014-02-10T03:30:00+10:00,25.0,0,,final",
            ["load_is_physical"],
        ),
        *[
            (
                "meter_readings/2014-02-14.csv",
                position,
                raw,
                ["field missing: region_id", "field missing: interval_start", "field missing: demand_gw"],
            )
            for position, raw in [
                (2, "VIC,2014-02-10T04:00:00+10:00,5.1,0,,final"),
                (3, "VIC,2014-02-10T04:30:00+10:00,5.2,0,,final"),
            ]
        ],
    ]


def test_a_run_without_a_new_file_commits_nothing_and_needs_no_spark(house):
    before = versions(house[0], "energy")
    outcome = runner.run(house[0], names=["energy"], stages=INGEST)
    assert (outcome.failures, outcome.used_spark, outcome.files) == ({}, False, {"energy": []})
    assert versions(house[0], "energy") == before


def test_an_ingest_with_nothing_to_do_loads_nothing_heavy(house):
    words = [word for stage in INGEST for word in ("--stage", stage)]
    overlay = overlay_on(Path(house[0].root).parent)
    printed, loaded = loaded_by("run", "--domain", "energy", *words, "--conf", overlay)
    assert "without starting Spark" in printed
    assert loaded == "0\n"


@pytest.mark.slow
def test_another_order_of_arrival_in_other_batches_gives_the_same_silver(house, tmp_path):
    """Later deliveries first, two at a time; random orders of many keys: tests/unit/transforms/test_reconcile.py."""
    settings = settings_on(tmp_path)
    for names in (("recreated", "old and odd"), ("first", "corrected")):
        for name in names:
            drop(settings, "energy", DELIVERIES[name])
        assert runner.run(settings, names=["energy"], stages=INGEST[:3]).failures == {}
    assert silver_hashes(tables(settings, "energy")) == silver_hashes(house[1]["old and odd"])


def silver_hashes(published):
    # of equal statements in two deliveries the one that came first is held, so its place is provenance here
    without = (*PROVENANCE, "_record_id", "_ordinal", "_delivered_at")
    return {
        name: table_hash(table["path"], table["version"], without=without)
        for name, table in published.items()
        if name in (LOAD, WEATHER, WORKDAYS)
    }
