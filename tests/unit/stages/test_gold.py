"""Features at a cut-off: hand-computed rows, and random histories against the plain meaning."""

from __future__ import annotations

import random
import statistics
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pipelines.contracts.features import AsOf, FeatureView, Lag, Rolling
from pipelines.contracts.tasks import Spine, utc
from pipelines.stages.gold import add_view, asking_alike, cut_offs, known, series, spine, tables_of_series
from tests.frames import frame, rows
from tests.toy_domains.mill.domain import DOMAIN
from tests.toy_domains.mill.features import levels

FLOWS = "station_id string, read_at timestamp, flow_m3s double, available_at timestamp"
LEVELS = "station_id string, seen_at timestamp, level_m double, available_at timestamp"
WORKS = "day_starts_at timestamp, is_open int, available_at timestamp"


@pytest.fixture(scope="module")
def silver(spark):
    """Flow at station a (b has one reading), the pond's level, three days of works; nothing was ever corrected."""
    held = {
        "flows": frame(
            spark,
            FLOWS,
            [
                ("a", "2024-01-01 22:00", 1.0, "2024-01-01 23:00"),
                ("a", "2024-01-02 00:00", 9.0, "2024-01-03 09:00"),  # late: not known at the first cut-off after it
                ("a", "2024-01-02 12:00", 2.0, "2024-01-02 13:00"),
                ("a", "2024-01-02 22:00", 6.0, "2024-01-02 23:00"),
                ("a", "2024-01-03 00:00", 4.0, "2024-01-03 00:00"),  # happens and is known just at the cut-off
                ("a", "2024-01-03 06:00", 50.0, "2024-01-03 07:00"),
                ("b", "2024-01-03 01:00", 7.0, "2024-01-03 02:00"),
            ],
        ),
        "levels": frame(
            spark,
            LEVELS,
            [
                ("a", "2024-01-02 19:00", 3.0, "2024-01-02 19:00"),
                ("a", "2024-01-02 20:00", None, "2024-01-02 20:00"),
                ("b", "2024-01-03 18:00", 8.0, "2024-01-03 18:00"),
            ],
        ),
        "works": frame(
            spark,
            WORKS,
            [(f"2024-01-0{day} 00:00", is_open, "2023-12-01 00:00") for day, is_open in ((1, 1), (2, 0), (3, 1))],
        ),
    }
    return known(DOMAIN, held, {}, computed={"levels": levels})


def test_gold_at_each_cut_off_by_hand(silver):
    names = [
        "station_id",
        "cut_at",
        *[n for v in DOMAIN.views_of(DOMAIN.tasks[0]) if v.moment == "cut_off" for n in v.names()],
    ]
    flow, level = DOMAIN.tasks
    assert asking_alike(DOMAIN) == [[flow], [level]] and tables_of_series(DOMAIN) == {"flows", "levels", "works"}
    found = cut_offs(DOMAIN, flow, silver, utc("2024-01-04 12:00"))
    assert found.columns == names
    shape = next(view for view in DOMAIN.views if view.name == "flow_shape")  # test_gold_oracle has its kinds
    assert rows(found.drop(*shape.names()), "station_id", "cut_at") == [
        # entity, cut-off, lag 2 h, mean, std and count of 24 h, level and spill as of, works
        # open and closed in 72 h, time of day, weekday
        ("a", "2024-01-02 00:00", 1.0, 1.0, None, 1, None, None, 1, 1, 0.0, 1.0),
        ("a", "2024-01-03 00:00", 6.0, 4.0, 2.0, 3, 3.0, 0.5, 2, 1, 0.0, 2.0),
        ("a", "2024-01-04 00:00", None, 50.0, None, 1, None, None, 1, 1, 0.0, 3.0),
        ("b", "2024-01-04 00:00", None, 7.0, None, 1, None, None, 1, 1, 0.0, 3.0),
    ]


def test_a_series_says_when_each_value_happened_and_from_when_it_may_be_used(silver):
    found = series(DOMAIN, DOMAIN.table("works"), silver["works"])
    assert found.columns == ["at", "known_at", "known_until", "is_open"]
    assert rows(found, "at")[0] == ("2024-01-01 00:00", "2023-12-01 00:00", None, 1.0)


def test_cut_offs_run_from_the_first_thing_known_of_an_entity_to_the_as_of_instant(silver):
    every_12_hours = Spine("flows", entity="station_id", every=timedelta(hours=12), offset=timedelta(hours=6))
    found = spine(silver["flows"], every_12_hours, "read_at", utc("2024-01-03 06:00"))
    assert rows(found, "station_id", "cut_at") == [
        ("a", "2024-01-02 06:00"),
        ("a", "2024-01-02 18:00"),
        ("a", "2024-01-03 06:00"),
        ("b", "2024-01-03 06:00"),
    ]


# Random histories: an entity each, so that one Spark job holds many cases.

OPS = ("mean", "std", "min", "max", "sum", "count")
VIEW = FeatureView(
    "all",
    table="levels",
    entity="station_id",
    features=(
        Lag("level_m", hours=(0, 3)),
        *[Rolling("level_m", op, hours=6) for op in OPS],
        Rolling("level_m", "sum", hours=1),
        AsOf("level_m", ttl_hours=4),
    ),
)
START = datetime(2024, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def plainly(facts: list[tuple], cut: datetime) -> tuple:
    """What one cut-off must hold, by plain Python. facts: (event, known, until, value)."""
    usable = [(e, k, v) for e, k, u, v in facts if e <= cut and k <= cut and (u is None or cut < u)]
    known = sorted((e, k, v) for e, k, v in usable if v is not None)
    window = [v for e, _, v in known if e > cut - 6 * HOUR]
    lags = [next((v for e, _, v in known if e == cut - h * HOUR), None) for h in (0, 3)]
    mean = sum(window) / len(window) if window else None
    newest = known[-1] if known and known[-1][0] > cut - 4 * HOUR else (None, None, None)
    return (
        *lags,
        mean,
        statistics.stdev(window) if len(window) > 1 else None,
        min(window, default=None),
        max(window, default=None),
        sum(window) if window else None,
        len(window),
        sum([v for e, _, v in known if e > cut - HOUR]) if any(e > cut - HOUR for e, _, _ in known) else None,
        newest[2],
    )


def test_features_equal_the_plain_meaning(spark):
    draw = random.Random(11)
    histories = {
        f"s{n}": [
            (
                START + event * HOUR / 2,
                START + (event + draw.choice((-4, 0, 0, 1, 3, 9))) * HOUR / 2,
                draw.choice((None, None, START + (event + draw.randrange(1, 12)) * HOUR / 2)),
                draw.choice((None, 1.5, -2.25, 4.0, 10.0)),
            )
            for event in draw.sample(range(40), draw.randrange(0, 25))
        ]
        for n in range(60)
    }
    cuts = [START + n * HOUR for n in range(0, 20, 3)]
    facts = spark.createDataFrame(
        [(station, e, v, k, u) for station, facts in histories.items() for e, k, u, v in facts],
        f"{LEVELS}, known_until timestamp",
    )
    probes = spark.createDataFrame(
        [(station, cut) for station in histories for cut in cuts], "station_id string, cut_at timestamp"
    )
    found = add_view(probes, VIEW, DOMAIN, {"levels": facts}).toArrow().to_pylist()
    assert len(found) == len(histories) * len(cuts)
    for row in found:
        values = tuple(row[name] for name in VIEW.names())
        assert values == pytest.approx(plainly(histories[row["station_id"]], row["cut_at"])), row


def test_facts_about_all_entities_count_once_for_each(spark, silver):
    view = FeatureView("works", table="works", features=(Rolling("is_open", "count", hours=48),))
    probes = frame(spark, "station_id string, cut_at timestamp", [("a", "2024-01-03 00:00"), ("b", "2024-01-03 00:00")])
    found = add_view(probes, view, replace(DOMAIN), silver)
    assert rows(found, "station_id") == [("a", "2024-01-03 00:00", 2), ("b", "2024-01-03 00:00", 2)]
