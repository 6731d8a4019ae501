from __future__ import annotations

import math

from pipelines.contracts.features import AsOf
from pipelines.transforms.asof import as_of
from tests.frames import frame, rows

FACTS = "who string, at timestamp, known timestamp, until timestamp, level double"
ABOUT = {"by": ["who"], "at": "cut_at", "event": "at", "known": ("known", "until")}


def test_with_a_time_to_live_without_end_the_newest_counts_however_old_unless_it_was_revoked(spark):
    facts = frame(
        spark,
        FACTS,
        [
            ("a", "2004-01-01 00:00", "2004-01-01 00:00", None, 1.0),
            ("a", "2014-01-01 00:00", "2014-01-01 00:00", "2024-01-05 00:00", 2.0),  # taken back
            ("a", "2014-01-01 00:00", "2024-01-09 00:00", None, 3.0),  # said anew
        ],
    )
    cuts = ["2003-12-31 00:00", "2004-01-01 00:00", "2024-01-04 23:59", "2024-01-05 00:00", "2024-01-09 00:00"]
    probes = frame(spark, "who string, cut_at timestamp", [("a", cut) for cut in cuts])
    found = as_of(probes, facts, **ABOUT, features=(AsOf("level", ttl_hours=math.inf),))
    assert rows(found, "cut_at") == list(zip("aaaaa", cuts, (None, 1.0, 2.0, 1.0, 3.0), strict=True))


def test_who_has_no_name_is_not_taken_for_another_without_one(spark):
    facts = frame(spark, FACTS, [(None, "2024-01-01 00:00", "2024-01-01 00:00", None, 1.0)])
    probes = frame(spark, "who string, cut_at timestamp", [(None, "2024-01-01 01:00")])
    assert rows(as_of(probes, facts, **ABOUT, features=(AsOf("level", ttl_hours=6.0),))) == [
        (None, "2024-01-01 01:00", None)
    ]


def test_each_column_has_its_own_newest_value_and_time_to_live(spark):
    facts = frame(
        spark,
        f"{FACTS}, temp_c double, is_open int",
        [
            ("a", "2024-01-01 00:00", "2024-01-01 00:00", None, 1.0, 10.0, 1),
            ("a", "2024-01-01 02:00", "2024-01-01 02:00", "2024-01-01 05:00", None, 20.0, 0),
            ("a", "2024-01-01 03:00", "2024-01-01 04:00", None, 3.0, None, None),
        ],
    )
    probes = frame(spark, "who string, cut_at timestamp", [("a", f"2024-01-01 0{hour}:00") for hour in (1, 3, 4, 5)])
    features = (AsOf("level", ttl_hours=2), AsOf("temp_c", ttl_hours=4), AsOf("is_open", ttl_hours=math.inf))
    assert [row[1:] for row in rows(as_of(probes, facts, **ABOUT, features=features), "cut_at")] == [
        ("2024-01-01 01:00", 1.0, 10.0, 1),
        ("2024-01-01 03:00", None, 20.0, 0),
        ("2024-01-01 04:00", 3.0, 20.0, 0),
        ("2024-01-01 05:00", None, None, 1),
    ]


def test_any_instant_may_be_asked_about_and_what_is_none_knows_nothing(spark):
    """Before 1970, in the first year and the last; one fact lies in the bucket before that of its cut-off, or two."""
    days = ["0001-01-02", "1969-12-31", "1970-01-01", "2024-01-07", "9999-12-30"]
    facts = frame(
        spark,
        f"{FACTS}, name string",
        [
            ("a", f"{day} {hour}:00", f"{day} {hour}:00", None, 1.0, f"{day} {hour}")
            for day in days
            for hour in (10, 15)
        ],
    )
    hours = ["09:59", "10:00", "14:59", "15:00", "20:59", "21:00"]
    probes = frame(spark, "who string, cut_at timestamp", [("a", f"{day} {hour}") for day in days for hour in hours])
    probes = probes.unionByName(frame(spark, "who string, cut_at timestamp", [("a", None)]))
    for ttl_hours in (6.0, math.inf):
        expected = [("a", None, None)]
        for day, day_before in zip(days, [None, *days[:-1]], strict=True):
            lasting = [day_before and f"{day_before} 15", f"{day} 15"] if math.isinf(ttl_hours) else [None, None]
            newest = [lasting[0], f"{day} 10", f"{day} 10", f"{day} 15", f"{day} 15", lasting[1]]
            expected += [("a", f"{day} {hour}", name) for hour, name in zip(hours, newest, strict=True)]
        found = as_of(probes, facts, **ABOUT, features=(AsOf("name", ttl_hours),))
        assert rows(found, "cut_at") == expected
