"""Parts of local time: literal moments in, literal numbers out; in Spark just as without a JVM."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from pyspark.sql import functions as F

from pipelines.contracts.calendar import CALENDAR_PARTS, HOLIDAY_PARTS, Calendar
from pipelines.contracts.names import DeclarationError
from pipelines.transforms.calendar import calendar_values, with_calendar

HALF = math.sqrt(0.5)


def values(feature: Calendar, *moments: str) -> dict[str, list[float | None]]:
    """By part, NaN as None; moments are UTC."""
    asked = np.array([datetime.fromisoformat(f"{moment}+00:00").timestamp() * 1e6 for moment in moments], np.int64)
    found = calendar_values(asked.reshape(-1, 1), feature)
    return {
        name.removeprefix("calendar__"): [None if math.isnan(value) else value for value in column.ravel().tolist()]
        for name, column in found.items()
    }


@pytest.mark.parametrize(
    ("circle", "moment", "cos", "sin"),
    [
        ("day", "2024-03-06 00:00", 1.0, 0.0),
        ("day", "2024-03-06 06:00", 0.0, 1.0),
        ("day", "2024-03-06 15:00", -HALF, -HALF),
        ("week", "2024-03-04 00:00", 1.0, 0.0),  # a Monday
        ("week", "2024-03-07 12:00", -1.0, 0.0),
        ("week", "2024-03-09 06:00", 0.0, -1.0),
        ("month", "2024-02-01 23:59", 1.0, 0.0),
        ("month", "2023-02-15 05:00", -1.0, 0.0),
        ("month", "2024-04-16 00:00", -1.0, 0.0),
        ("year", "2024-01-01 18:00", 1.0, 0.0),
    ],
)
def test_a_circle_starts_at_cosine_1_and_comes_round(circle, moment, cos, sin):
    found = values(Calendar((f"{circle}_cos", f"{circle}_sin")), moment)
    assert found[f"{circle}_cos"] == pytest.approx([cos], abs=1e-12)
    assert found[f"{circle}_sin"] == pytest.approx([sin], abs=1e-12)


def test_holidays_are_those_of_the_local_date_and_of_the_subdivision():
    """Melbourne Cup Day, 4 November 2014: a holiday in Victoria alone, and ten hours before it is one in UTC."""
    moments = ("2014-11-03 12:59", "2014-11-03 13:00", "2014-11-04 12:59", "2014-11-04 13:00")
    victoria = Calendar(HOLIDAY_PARTS, "Australia/Melbourne", country="AU", subdivision="VIC")
    assert values(victoria, *moments) == {
        "is_holiday": [0.0, 1.0, 1.0, 0.0],
        "days_to_holiday": [1.0, 0.0, 0.0, 50.0],  # to Christmas
        "days_since_holiday": [147.0, 0.0, 0.0, 1.0],  # since the Queen's Birthday, 9 June
    }
    sydney = Calendar(("is_holiday",), "Australia/Sydney", country="AU", subdivision="NSW")
    assert values(sydney, *moments) == {"is_holiday": [0.0] * 4}


def test_a_holiday_over_new_year_is_seen_from_both_years_and_beyond_the_known_years_is_null():
    austria = Calendar(HOLIDAY_PARTS, country="AT")
    assert values(austria, "1969-12-31 12:00", "1970-01-01 12:00", "2023-12-31 00:00", "2024-01-04 00:00") == {
        "is_holiday": [None, 1.0, 0.0, 0.0],
        "days_to_holiday": [None, 0.0, 1.0, 2.0],
        "days_since_holiday": [None, 0.0, 5.0, 3.0],
    }
    assert values(austria, "2100-12-26 00:00", "2100-12-31 00:00", "2101-01-01 00:00") == {
        "is_holiday": [1.0, 0.0, None],
        "days_to_holiday": [0.0, None, None],
        "days_since_holiday": [0.0, 5.0, None],
    }


@pytest.mark.parametrize(
    ("zone", "country", "subdivision", "end"),
    [("UTC", "AT", "", "2101-02-01"), ("Australia/Melbourne", "AU", "VIC", "2037-12-31")],
)
def test_spark_says_the_same_of_every_part(spark, zone, country, subdivision, end):
    feature = Calendar((*CALENDAR_PARTS, *HOLIDAY_PARTS), zone, country=country, subdivision=subdivision)
    days = np.arange("1969-11-20T11:17", end, np.timedelta64(13 * 24 * 60 + 401, "m"), "datetime64[m]")
    around_a_change_of_the_clock = np.arange("2014-10-03", "2014-10-07", np.timedelta64(30, "m"), "datetime64[m]")
    moments = np.concatenate([days, around_a_change_of_the_clock]).astype("datetime64[us]").astype(np.int64)
    probes = spark.createDataFrame(
        [(n, datetime.fromtimestamp(us / 1e6, UTC)) for n, us in enumerate(moments.tolist())], "n int, cut_at timestamp"
    )
    found = with_calendar(probes, "cut_at", [feature]).orderBy("n").toArrow()
    for name, expected in calendar_values(moments, feature).items():
        np.testing.assert_array_equal(found[name].to_numpy(zero_copy_only=False).astype(float), expected)
    local = F.from_utc_timestamp("cut_at", zone)
    of_spark = probes.select(
        "n",
        F.dayofyear(local).alias("day_of_year"),
        F.weekday(local).alias("weekday"),
        (F.pmod(F.unix_micros(local), F.lit(86_400_000_000)) / 3.6e9).alias("time_of_day"),
    )
    by_spark = of_spark.orderBy("n").toArrow()
    for part in ("day_of_year", "weekday", "time_of_day"):
        np.testing.assert_array_equal(found[f"calendar__{part}"].to_numpy(), by_spark[part].to_numpy().astype(float))


@pytest.mark.parametrize(
    ("declare", "told"),
    [
        (lambda: Calendar(("is_hot",)), "unknown ['is_hot']; known: time_of_day, weekday"),
        (lambda: Calendar(("is_holiday",)), "'is_holiday' needs a country, such as country='AU'"),
        (lambda: Calendar(("weekday",), country="AU"), "a country is for is_holiday, days_to_holiday"),
        (lambda: Calendar(("is_holiday",), country="Mars"), "no holidays of a country 'Mars' are known; use its ISO"),
        (
            lambda: Calendar(("is_holiday",), country="AT", subdivision="VIC"),
            "no subdivision 'VIC' of AT is known, only:",
        ),
    ],
)
def test_what_no_calendar_can_tell_is_refused(declare, told):
    with pytest.raises(DeclarationError) as refused:
        declare()
    assert told in str(refused.value)


def test_another_edition_of_the_holidays_is_another_declaration():
    assert Calendar(("weekday",)).edition == ""
    held = Calendar(("is_holiday",), country="AT")
    assert held.edition and f"edition='{held.edition}'" in repr(held)
