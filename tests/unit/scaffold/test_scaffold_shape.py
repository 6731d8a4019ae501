"""What rows are: a series, events or things without a time; what names them, and what is asked."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from pipelines.contracts.sources import Source
from pipelines.scaffold.columns import infer_all
from pipelines.scaffold.horizon import horizon_of
from pipelines.scaffold.leaks import leaks_of
from pipelines.scaffold.reading import Reading
from pipelines.scaffold.refusal import ScaffoldRefused
from pipelines.scaffold.roles import roles_of
from pipelines.scaffold.shape import shape_of
from pipelines.scaffold.skill import season_steps, skill_of

HOURS = [f"2024-01-{day:02d} {hour:02d}:00" for day in range(1, 29) for hour in range(24)]
WAVE = [str(100 + 10 * (row % 24) + row % 7) for row in range(len(HOURS))]


def reading(**columns):
    return Reading(Path("my.csv"), Source("records", format="csv"), columns, Counter(), ",".join(columns), ())


def shaped(target="", **columns):
    of = reading(**columns)
    return shape_of(of, infer_all(of.columns), target)


def test_values_at_even_steps_are_a_series():
    shape = shaped("load", time=HOURS, load=WAVE)
    assert (shape.kind, shape.asked, shape.step) == ("series", "forecast", timedelta(hours=1))
    assert (shape.time.name, shape.entity, shape.target.name) == ("measured_at", None, "load")


def test_an_hour_that_is_missing_or_doubled_leaves_it_a_series():
    hours = [*HOURS[:100], HOURS[99], *HOURS[102:]]
    assert shaped("load", time=hours, load=WAVE[: len(hours)]).kind == "series"


def test_a_series_of_each_thing_is_found():
    shape = shaped("load", site=["a"] * len(HOURS) + ["b"] * len(HOURS), time=HOURS * 2, load=WAVE * 2)
    assert (shape.kind, shape.entity.name) == ("series", "site")


def test_events_at_odd_times_are_asked_about_one_by_one():
    at = [f"2024-01-{1 + row % 28:02d} {row % 24:02d}:{(row * row) % 60:02d}" for row in range(200)]
    shape = shaped("paid", no=[str(row) for row in range(200)], at=at, paid=["1", "0"] * 100)
    assert (shape.kind, shape.asked, shape.key.name, shape.among) == ("events", "classify", "no", ("0", "1"))


def test_rows_without_a_time_are_timeless():
    numbers = [f"{row}.5" for row in range(100)]
    shape = shaped("y", x=numbers, y=numbers[::-1])
    assert (shape.kind, shape.asked, shape.key, shape.time) == ("timeless", "estimate", None, None)


def test_a_measured_number_is_no_key_though_it_is_another_one_in_each_row():
    measured = [str(10_000 + 37 * row) for row in range(100)]
    assert shaped("y", x=measured, y=["a", "b"] * 50).key is None
    assert shaped("y", serial_no=measured, y=["a", "b"] * 50).key.name == "serial_no"


def test_of_two_values_the_rarer_is_the_one():
    assert shaped("y", x=["1.5"] * 10, y=["bad"] * 3 + ["good"] * 7).among == ("good", "bad")


def test_of_flags_the_true_one_is_the_one_however_frequent():
    assert shaped("y", x=["1.5"] * 10, y=["Yes"] * 7 + ["no"] * 3).among == ("no", "Yes")
    assert shaped("y", x=["1.5"] * 10, y=["1"] * 7 + ["0"] * 3).among == ("0", "1")


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("z", "no column 'z'. There are: 'x', 'same', 'words', 'day'"),
        ("same", "one value alone"),
        ("words", "100 different texts"),
        ("day", "holds times"),
    ],
)
def test_a_target_that_cannot_be_asked_about_is_refused(target, said):
    columns = {
        "x": [f"{row}.5" for row in range(100)],
        "same": ["1"] * 100,
        "words": [f"word {row}" for row in range(100)],
        "day": [f"2024-01-{1 + row % 28:02d}" for row in range(100)],
    }
    with pytest.raises(ScaffoldRefused, match=said):
        shaped(target, **columns)


def test_a_target_is_chosen_by_its_name_else_the_last():
    x = [f"{row % 17}.5" for row in range(100)]
    assert shaped(x=x, failure=["0", "1"] * 50, y2=x).target.name == "failure"
    assert shaped(x=x, z=x).target.name == "z"


FAILED = [str(int(row % 20 == 0)) for row in range(2000)]
CAUSE = [str(int(row % 60 == 0)) for row in range(2000)]


def test_a_flag_that_stands_for_the_answer_alone_is_a_leak_and_chance_is_none():
    columns = {
        "heat": [str((row * 7919) % 2003) for row in range(2000)],
        "cause": CAUSE,  # a third of the failures, and no other row
        "rare": [str(int(row in (0, 60))) for row in range(2000)],  # too few to tell
        "again": [str(1 - int(value)) for value in FAILED],
        "failed": FAILED,
    }
    of = reading(**columns)
    found = infer_all(of.columns)
    leaks = leaks_of(of, found, shape_of(of, found, "failed"))
    assert set(leaks) == {"cause", "again"}
    assert leaks["cause"] == "where it is 1, failed is 1 in 100% of 34 rows (of all: 5.0%)"


def test_a_number_that_is_the_answer_in_another_unit_is_a_leak():
    y = [f"{(row * 7919) % 2003}.5" for row in range(500)]
    of = reading(x=[str(float(value) * 1.8 + 32) for value in y], z=[f"{(row * 31) % 97}.5" for row in range(500)], y=y)
    found = infer_all(of.columns)
    assert set(leaks_of(of, found, shape_of(of, found, "y"))) == {"x"}


def test_a_quick_model_beats_the_naive_answer_where_there_is_something_to_learn():
    x = [(row * 7919) % 2003 for row in range(2000)]
    luck = [str((row * 104_729) % 1009) for row in range(2000)]
    of = reading(x=[str(value) for value in x], y=[f"{value * value / 100}" for value in x], luck=luck)
    columns = infer_all(of.columns)
    gains = {}
    for target, seen in (("y", "x"), ("luck", "x")):
        shape = shape_of(of, columns, target)
        given = [column for column in columns if column.name in (target, seen)]
        skill = skill_of(of, shape, roles_of(given, shape, of.rows, {}), None)
        gains[target] = skill.gain
    assert gains["y"] > 0.8 and gains["luck"] < 0.1


def test_the_season_of_a_series_is_the_one_that_it_repeats_itself_by():
    of = reading(time=HOURS, load=WAVE)
    shape = shape_of(of, infer_all(of.columns), "load")
    horizon = horizon_of(shape)
    assert (horizon.steps, horizon.every) == (24, timedelta(days=1))
    by_week = reading(time=HOURS, load=[str(row % 168) for row in range(len(HOURS))])
    weeks = [timedelta(days=1), timedelta(days=7)]
    assert season_steps(by_week, shape, weeks) == 168
    by_day = reading(time=HOURS, load=[str(row % 24) for row in range(len(HOURS))])
    assert season_steps(by_day, shape, weeks) == 24
