from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.contracts.calendar import Calendar
from pipelines.contracts.features import AsOf, History, Lag
from pipelines.contracts.fits import Frame, TargetFeatures
from pipelines.transforms.examples import examples, needs, origins

INSTANT = pa.timestamp("us", tz="UTC")
HOUR = timedelta(hours=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2024-01-{text}").replace(tzinfo=UTC)


def series(*rows: tuple[str, str, str, float | None]) -> pa.Table:
    """Rows of (entity, at, known_at, value), known to this day."""
    return facts([(entity, at(moment), at(known), None, value) for entity, moment, known, value in rows])


def facts(rows: list[tuple[str, datetime, datetime, datetime | None, float | None]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [[], [], [], [], []]
    return pa.table(
        {
            "place": pa.array(columns[0], pa.string()),
            "at": pa.array(columns[1], INSTANT),
            "known_at": pa.array(columns[2], INSTANT),
            "known_until": pa.array(columns[3], INSTANT),
            "x": pa.array(columns[4], pa.float64()),
        }
    )


def cut_offs(*rows: tuple[str, datetime]) -> pa.Table:
    return pa.table(
        {"place": pa.array([r[0] for r in rows], pa.string()), "cut_at": pa.array([r[1] for r in rows], INSTANT)}
    )


def frame(*targets: TargetFeatures, windows: tuple[TargetFeatures, ...] = (), steps: int = 3) -> Frame:
    return Frame("place", "cuts", (), targets, windows, "x", "s", HOUR, steps, HOUR)


def target(*features: Lag | AsOf | Calendar, series: str = "s", entity: str = "place") -> TargetFeatures:
    return TargetFeatures(series, entity, features)


def test_a_lag_at_the_target_is_null_where_it_was_not_known_by_the_cut_off():
    rows = series(
        ("a", "01 03:00", "01 04:00", 1.0), ("a", "01 04:00", "01 05:30", 2.0), ("a", "01 05:00", "01 06:00", 3.0)
    )
    made = examples(cut_offs(("a", at("01 05:00"))), {"s": rows}, frame(target(Lag("x", (2,)))))
    assert made["x__lag_2h"].to_pylist() == [[1.0, None, None]]


def test_the_label_is_the_value_at_the_target_however_late_it_became_known():
    rows = series(("a", "01 05:00", "09 00:00", 1.0), ("a", "01 07:00", "01 08:00", 3.0))
    made = examples(cut_offs(("a", at("01 05:00"))), {"s": rows}, frame())
    assert made["label"].to_pylist() == [[1.0, None, 3.0]]


def test_a_late_fact_neither_hides_a_newer_one_nor_is_seen_early():
    rows = series(
        ("a", "01 01:00", "01 04:30", 1.0), ("a", "01 02:00", "01 02:00", 2.0), ("a", "01 03:00", "01 09:00", 3.0)
    )
    made = examples(
        cut_offs(("a", at("01 04:00")), ("a", at("01 05:00")), ("a", at("01 09:00"))),
        {"s": rows},
        frame(target(AsOf("x", 24)), steps=1),
    )
    assert made["x__as_of"].to_pylist() == [[2.0], [2.0], [3.0]]


def test_a_corrected_value_is_seen_until_its_correction_is_known_and_a_withdrawn_one_until_its_withdrawal():
    rows = facts(
        [
            ("a", at("01 01:00"), at("01 01:00"), None, 1.0),
            ("a", at("01 02:00"), at("01 02:00"), at("01 05:00"), 2.0),  # corrected at 5
            ("a", at("01 02:00"), at("01 05:00"), at("01 06:00"), 20.0),  # the correction, withdrawn at 6
        ]
    )
    asked = cut_offs(*[("a", at(f"01 0{hour}:00")) for hour in (4, 5, 6)])
    made = examples(asked, {"s": rows}, frame(target(AsOf("x", 24)), steps=1))
    assert made["x__as_of"].to_pylist() == [[2.0], [20.0], [1.0]]


def test_a_label_is_what_was_said_last():
    rows = facts(
        [("a", at("01 02:00"), at("01 03:00"), at("09 00:00"), 1.0), ("a", at("01 02:00"), at("09 00:00"), None, 2.0)]
    )
    made = examples(cut_offs(("a", at("01 02:00"))), {"s": rows}, frame(steps=1))
    assert made["label"].to_pylist() == [[2.0]]


def test_a_label_that_was_not_known_in_time_is_left_out():
    rows = facts(
        [
            ("a", at("01 02:00"), at("01 03:00"), at("09 00:00"), 1.0),  # corrected on the 9th
            ("a", at("01 02:00"), at("09 00:00"), None, 2.0),
            ("a", at("01 03:00"), at("02 00:00"), None, 3.0),
            ("a", at("01 04:00"), at("01 23:59"), None, 4.0),
        ]
    )
    made = examples(cut_offs(("a", at("01 02:00"))), {"s": rows}, frame(), known_before=at("02 00:00"))
    assert made["label"].to_pylist() == [[2.0, None, 4.0]]
    event = Frame("place", "cuts", (), (), (), "x", "s", timedelta(0), 1, HOUR)
    for limit, label in ((at("01 03:00"), None), (at("01 23:00"), 2.0), (at("03 00:00"), 4.0)):
        known = rows.slice(0, 2) if label == 2.0 else rows
        made = examples(cut_offs(("a", at("01 02:00"))), {"s": known}, event, known_before=limit)
        assert made["label"].to_pylist() == [[label]]


def test_a_null_is_no_value():
    rows = series(("a", "01 01:00", "01 01:00", 1.0), ("a", "01 02:00", "01 02:00", None))
    made = examples(cut_offs(("a", at("01 03:00"))), {"s": rows}, frame(target(AsOf("x", 24)), steps=1))
    assert made["x__as_of"].to_pylist() == [[1.0]]


def test_what_is_known_ahead_may_be_used_from_its_own_time_on():
    rows = series(("", "01 00:00", "01 00:00", 0.0), ("", "01 06:00", "01 00:00", 1.0))
    holidays = {"s": series(), "days": rows.drop(["place"])}
    made = examples(cut_offs(("a", at("01 05:00"))), holidays, frame(target(AsOf("x", 24), series="days", entity="")))
    assert made["x__as_of"].to_pylist() == [[0.0, 1.0, 1.0]]


def test_an_as_of_value_dies_at_the_very_end_of_its_time_to_live():
    rows = series(("a", "01 04:00", "01 04:00", 1.0))
    made = examples(cut_offs(("a", at("01 05:00"))), {"s": rows}, frame(target(AsOf("x", 2))))
    assert made["x__as_of"].to_pylist() == [[1.0, None, None]]


def test_a_history_carries_the_newest_known_value_on_from_within_its_hours_only():
    rows = series(
        ("a", "01 00:00", "01 00:00", 9.0),
        ("a", "01 02:00", "01 03:00", 2.0),
        ("a", "01 03:00", "01 06:00", 3.0),
        ("a", "01 04:00", "01 05:00", 4.0),
    )
    window = TargetFeatures("s", "place", (History("x", 4),))
    made = examples(cut_offs(("a", at("01 05:00"))), {"s": rows}, frame(windows=(window,)))
    assert made["x__history_4h"].to_pylist() == [[None, 2.0, 2.0, 4.0]]


def test_calendar_parts_are_of_the_targets_local_time():
    parts = ("time_of_day", "weekday", "is_weekend", "day_of_year", "year_cos")
    calendar = target(Calendar(parts, "Australia/Brisbane"), series="", entity="")
    friday = datetime(2024, 3, 1, 13, 30, tzinfo=UTC)
    made = examples(cut_offs(("a", friday)), {"s": series()}, frame(calendar, steps=2))
    assert made.select(["calendar__time_of_day", "calendar__weekday"]).to_pylist() == [
        {"calendar__time_of_day": [23.5, 0.5], "calendar__weekday": [4.0, 5.0]}
    ]
    assert made["calendar__is_weekend"].to_pylist() == [[0.0, 1.0]]
    assert made["calendar__day_of_year"].to_pylist() == [[61.0, 62.0]]
    assert made["calendar__year_cos"].to_pylist()[0] == pytest.approx([0.513, 0.498], abs=1e-3)


def test_local_time_keeps_its_daylight_saving():
    calendar = target(Calendar(("time_of_day",), "Australia/Melbourne"), series="", entity="")
    before_the_clock_changes = datetime(2014, 10, 4, 15, 30, tzinfo=UTC)
    made = examples(cut_offs(("a", before_the_clock_changes)), {"s": series()}, frame(calendar, steps=2))
    assert made["calendar__time_of_day"].to_pylist() == [[1.5, 3.5]]


def test_examples_are_ordered_by_entity_and_cut_off_and_see_their_own_entity_alone():
    rows = series(("a", "01 00:00", "01 00:00", 1.0), ("b", "01 00:00", "01 00:00", 2.0))
    asked = cut_offs(("c", at("01 02:00")), ("b", at("01 02:00")), ("a", at("01 02:00")), ("b", at("01 01:00")))
    made = examples(asked, {"s": rows}, frame(target(AsOf("x", 24)), steps=1))
    assert list(zip(made["place"].to_pylist(), made["x__as_of"].to_pylist(), strict=True)) == [
        ("a", [1.0]),
        ("b", [2.0]),
        ("b", [2.0]),
        ("c", [None]),
    ]


def test_no_cut_offs_give_no_examples():
    window = TargetFeatures("s", "place", (History("x", 4),))
    made = examples(cut_offs(), {"s": series()}, frame(target(Lag("x", (2,))), windows=(window,)))
    assert (len(made), made.column_names) == (0, ["place", "cut_at", "x__lag_2h", "x__history_4h", "label"])


def test_origins_lie_between_the_cut_offs_and_keep_those_with_their_features():
    given_rows = cut_offs(("a", at("01 00:00")), ("a", at("01 05:00")), ("b", at("01 00:00")))
    given_rows = given_rows.append_column("load", pa.array([1.0, 2.0, 3.0]))
    more = origins(given_rows, Frame("place", "cuts", ("load",), (), (), "x", "s", HOUR, 3, HOUR), every=2)
    assert more.to_pylist() == [
        {"place": "a", "cut_at": at("01 00:00"), "load": 1.0},
        {"place": "a", "cut_at": at("01 02:00"), "load": None},
        {"place": "a", "cut_at": at("01 04:00"), "load": None},
        {"place": "a", "cut_at": at("01 05:00"), "load": 2.0},
        {"place": "b", "cut_at": at("01 00:00"), "load": 3.0},
    ]


def test_needs_reach_back_as_far_as_the_longest_feature_of_a_series():
    asked = frame(target(Lag("x", (2, 30)), AsOf("y", 5)), windows=(TargetFeatures("w", "", (History("z", 48),)),))
    found = {name: (need.entity, need.columns, need.lookback) for name, need in needs(asked).items()}
    assert found == {"s": ("place", ("x", "y"), 30 * HOUR), "w": ("", ("z",), 48 * HOUR)}


BOTH = frame(
    target(Lag("x", (1, 4)), AsOf("x", 3)), windows=(TargetFeatures("s", "place", (History("x", 5),)),), steps=4
)
HALF_HOURS = st.integers(0, 40).map(lambda n: datetime(2024, 1, 1, tzinfo=UTC) + n * timedelta(minutes=30))
FACTS = st.lists(
    st.tuples(
        st.sampled_from("ab"), HALF_HOURS, HALF_HOURS, st.none() | HALF_HOURS, st.none() | st.integers(0, 9).map(float)
    ),
    max_size=25,
    unique_by=lambda fact: (fact[0], fact[1], fact[2]),
)
CUTS = st.lists(st.tuples(st.sampled_from("abc"), HALF_HOURS), min_size=1, max_size=4, unique=True)


def newest(rows, entity, moment, cut):
    """The plain meaning: among the facts known by the cut-off, the newest that had happened by the moment."""
    usable = [
        (of, moment_of, known, until, value)
        for of, moment_of, known, until, value in rows
        if of == entity and moment_of <= moment and known <= cut and (until is None or cut < until)
        if value is not None
    ]
    return max(usable, key=lambda fact: (fact[1], fact[2]), default=None)


def plainly(rows, entity, cut):
    """What one example must hold, by plain Python."""
    steps = [cut + n * HOUR for n in range(4)]

    def value(moment, oldest, known_by=cut):
        fact = newest(rows, entity, moment, known_by)
        return fact[4] if fact and fact[1] >= oldest else None

    return {
        "place": entity,
        "cut_at": cut,
        "x__lag_1h": [value(s - HOUR, s - HOUR) for s in steps],
        "x__lag_4h": [value(s - 4 * HOUR, s - 4 * HOUR) for s in steps],
        "x__as_of": [value(s, s - 3 * HOUR + timedelta(microseconds=1)) for s in steps],
        "x__history_5h": [value(cut - n * HOUR, cut - 5 * HOUR) for n in range(5, 0, -1)],
        "label": [value(s, s, datetime.max.replace(tzinfo=UTC)) for s in steps],
    }


@settings(max_examples=150, deadline=None)
@given(FACTS, CUTS)
def test_examples_equal_the_plain_meaning(rows, cuts):
    made = examples(cut_offs(*cuts), {"s": facts(rows)}, BOTH)
    assert made.to_pylist() == [plainly(rows, entity, cut) for entity, cut in sorted(cuts)]


@settings(max_examples=50, deadline=None)
@given(FACTS, HALF_HOURS)
def test_nothing_that_becomes_known_after_the_cut_off_changes_a_feature(rows, cut):
    poisoned = [
        (of, moment, known, until if until is None or until <= cut else None, value if known <= cut else math.inf)
        for of, moment, known, until, value in rows
    ]
    features = [
        examples(cut_offs(("a", cut)), {"s": facts(held)}, BOTH).drop(["label"]).to_pylist()
        for held in (rows, poisoned)
    ]
    assert features[0] == features[1]
