"""Engines that wear out: what a flight is told by, and which flights have a published answer."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import numpy as np
import pytest

from pipelines import runner
from tests.cmapss import FOLDER, delivery
from tests.house import query, settings_on, tables
from tests.reference import deliver, reference, reference_domains

pytestmark = pytest.mark.slow

ENGINES = 3
STAGES = ("land", "bronze", "silver", "gold")


@pytest.fixture(scope="module")
def settings(spark, tmp_path_factory) -> Iterator:
    with reference_domains():
        found = settings_on(tmp_path_factory.mktemp("cmapss"))
        deliver(found, "cmapss", delivery(reference(FOLDER), ENGINES))
        assert runner.run(found, names=["cmapss"], stages=STAGES).failures == {}
        yield found


def published(kind: str) -> np.ndarray:
    """The published rows of the first engines: engine, flight, settings, sensors."""
    rows = np.loadtxt(gzip.decompress((reference(FOLDER) / f"{kind}_FD001.txt.gz").read_bytes()).decode().splitlines())
    return rows[rows[:, 0] <= ENGINES]


def test_every_flight_is_held_and_none_is_set_apart(settings):
    outcomes = tables(settings, "cmapss")["silver.cmapss_flights"]["outcomes"]
    assert outcomes["in"] == outcomes["new"] == len(published("train")) + len(published("test"))
    sql = "SELECT sum(sensor_11) AS s, sum(flight) AS f FROM t WHERE engine_id LIKE 'train-%'"
    ((sensor, flight),) = query(settings, "cmapss", "silver.cmapss_flights", sql)
    assert (sensor, flight) == (pytest.approx(published("train")[:, 15].sum()), published("train")[:, 1].sum())


def test_a_life_is_told_to_125_flights_and_of_test_engines_at_the_last_flight_alone(settings):
    sql = "SELECT flight_id, remaining_flights FROM t WHERE flight_id LIKE '{}%' ORDER BY flight_id"
    first = query(settings, "cmapss", "silver.cmapss_lives", sql.format("train-001"))  # of 192 flights
    assert (len(first), first[0], first[66], first[67], first[-1]) == (
        192,
        ("train-001-001", 125.0),
        ("train-001-067", 125.0),
        ("train-001-068", 124.0),
        ("train-001-192", 0.0),
    )
    assert query(settings, "cmapss", "silver.cmapss_lives", sql.format("test")) == [
        ("test-001-031", 112.0),
        ("test-002-049", 98.0),
        ("test-003-126", 69.0),
    ]


def test_a_flight_is_told_by_the_flights_before_it_and_itself(settings):
    of_engine = published("test")[published("test")[:, 0] == 2][:, 6]  # its second sensor, 49 flights
    sql = (
        "SELECT flight__own, sensor_2__mean_5h, sensor_2__std_10h, sensor_2__mean_so_far FROM t "
        "WHERE flight_id = 'test-002-049'"
    )
    ((flight, mean, deviation, all_mean),) = query(settings, "cmapss", "gold.cmapss_remaining_flights", sql)
    assert (flight, mean, deviation, all_mean) == (
        49.0,
        pytest.approx(of_engine[-5:].mean()),
        pytest.approx(of_engine[-10:].std(ddof=1)),
        pytest.approx(of_engine.mean()),
    )
