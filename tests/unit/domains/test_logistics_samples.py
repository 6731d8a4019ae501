"""The embedded flights: every leg of the year once, nothing read from local arrival times."""

from __future__ import annotations

import csv
import json
from collections import Counter

import pytest

from pipelines.domains.logistics.samples import files


@pytest.fixture(scope="module")
def delivered():
    return dict(files())


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(content.decode().splitlines()))


@pytest.fixture(scope="module")
def legs(delivered):
    return [leg for name, content in delivered.items() if name.startswith("legs/") for leg in rows(content)]


def test_a_month_is_delivered_on_the_first_of_the_next(delivered):
    months = [f"2013-{month:02d}-01" for month in range(2, 13)] + ["2014-01-01"]
    references = [f"{name}/2012-12-01.csv" for name in ("airports", "planes", "carriers")]
    monthly = [name for month in months for name in (f"legs/{month}.csv", f"weather/{month}.jsonl")]
    assert list(delivered) == references + monthly


def test_every_leg_is_there_and_has_an_id_of_its_own(legs):
    assert len(legs) == 336_776
    assert len({leg["leg_id"] for leg in legs}) == 336_776


def test_the_first_leg_is_told_in_the_sources_fields_and_in_utc(legs):
    assert list(legs[0].values()) == [
        *("2013-01-01T10:15Z-UA1545-EWR", "2013-01-01T10:15:00Z", "UA", "1545", "N14228", "EWR", "IAH", "1400"),
        *("2", "11", "227", "515", "819"),
    ]


def test_some_destinations_and_planes_are_in_no_register(delivered, legs):
    airports = {airport["faa"] for airport in rows(delivered["airports/2012-12-01.csv"]) if airport["tzone"]}
    planes = {plane["tailnum"] for plane in rows(delivered["planes/2012-12-01.csv"])}
    assert sum(leg["dest"] not in airports for leg in legs) == 7_602
    assert sum(leg["tailnum"] not in planes for leg in legs) == 52_606


def test_what_is_missing_is_empty_and_a_leg_without_a_plane_never_departed(legs):
    missing = Counter(name for leg in legs for name, value in leg.items() if value == "")
    assert missing == {"dep_delay": 8_255, "arr_delay": 9_430, "air_time": 9_430, "tailnum": 2_512}
    assert all(not leg["dep_delay"] for leg in legs if not leg["tailnum"])


def test_the_weather_has_one_observation_an_hour_and_origin(delivered):
    lines = [
        line for name, content in delivered.items() if name.startswith("weather/") for line in content.splitlines()
    ]
    observations = [json.loads(line) for line in lines]
    assert len(observations) == len({(o["origin"], o["observed_at"]) for o in observations}) == 26_115
    assert [o["observed_at"] for o in observations if (o["wind_speed"] or 0) > 250] == ["2013-02-12T08:00:00Z"]
