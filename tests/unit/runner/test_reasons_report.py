"""Reasons of decisions in words."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime

from pipelines.runner.reasons import Part, Reason, Reasons
from pipelines.runner.reasons_report import text

PICKED = Reason(
    "UA-12",
    datetime(2013, 12, 30, 20, 5, tzinfo=UTC),
    1,
    True,
    False,
    0.71,
    None,
    [
        Part("dep_hour", 20.0, 0.91),
        Part("wind_mps", math.nan, -0.5),
        Part("d", 2.0, 0.25),
        Part("b", 2.0, 0.125),
        Part("c", 3.0, 0.0625),
        Part("a", 1.0, 0.03125),
        Part("e", 0.0, -0.015625),
        Part("f", 6.0, 0.0),
    ],
)
FOUND = Reasons(
    "logistics/is_late",
    "protect",
    "is_protected",
    "logistics-is_late/1 (xgboost)",
    "log odds",
    "flight_id",
    has_times=True,
    has_steps=False,
    among=214,
    categories={"d": ("JFK", "EWR", "LGA", "BOS"), "e": ("UA",)},
    reasons=[PICKED],
)


def test_a_reason_names_the_largest_parts_of_each_side_and_adds_up_the_others():
    assert text(FOUND).splitlines() == [
        "logistics/is_late: 214 decisions of protect at 2013-12-30T20:05Z by logistics-is_late/1 (xgboost), of which 1 "
        "here; --rows shows more",
        "",
        "flight_id UA-12: is_protected yes, the naive policy's no; predicted 0.71",
        "  raised by dep_hour = 20 (+0.91 log odds), d = EWR (+0.25), b = 2 (+0.125), c = 3 (+0.0625)",
        "  lowered by wind_mps unknown (-0.5 log odds), e = none of those named (-0.0156)",
        "  the other 2 features together +0.0312 log odds",
    ]


def test_amounts_steps_and_later_corrections_are_told():
    sized = replace(PICKED, action=10250.5, naive_action=9800.0, step=3, prediction=10000.0, now=10100.0)
    found = replace(FOUND, has_times=False, has_steps=True, among=1, unit="MW", reasons=[sized])
    lines = text(replace(found, reasons=[replace(sized, parts=[Part("load_mw__lag_24h", 9900.0, 12.5)])])).splitlines()
    assert lines == [
        "logistics/is_late: 1 decision of protect by logistics-is_late/1 (xgboost)",
        "",
        "flight_id UA-12, step 3: is_protected 10,250.5, the naive policy's 9,800; predicted 10000",
        "  raised by load_mw__lag_24h = 9900 (+12.5 MW)",
        "  records were corrected or came late since: the parts are those of what the model would predict now, 10100",
    ]
