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
