"""Cut-offs that events give rise to, on literal rows: ferries that are asked about two hours before they leave."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pytest
from pyspark.sql import functions as F

from pipelines.contracts.calendar import Calendar
from pipelines.contracts.domain import Domain
from pipelines.contracts.features import AsOf, Category, FeatureView, Hashed, Own, Rolling, TargetMean
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.contracts.tasks import ByEntity, ByHash, ByTime, Classify, Events, Promote, Rank, Share, Span, utc
from pipelines.stages.gold import asking_alike, cut_offs, events, known, left_out, series
from pipelines.stages.renewal import all_said
from tests.frames import frame, rows
from tests.kept_up import kept_up

LEAD = timedelta(hours=2)
CROSSINGS = Table(
    "crossings",
    source="plans",
    key=("crossing_id",),
    event_time="departs_at",
    available_at="planned_at",
    order=("version",),
    columns=(
        Column("crossing_id", "string"),
        Column("departs_at", "timestamp"),
        Column("planned_at", "timestamp"),
        Column("version", "int"),
        Column("boat_id", "string", nullable=True),
        Column("shore", "string", nullable=True),
        Column("other_shore", "string"),
        Column("cars", "int", nullable=True),
    ),
)
ARRIVALS = Table(
    "arrivals",
    source="logs",
    key=("crossing_id",),
    event_time="departs_at",
    available_at="moored_at",
    columns=(
        Column("crossing_id", "string"),
        Column("departs_at", "timestamp"),
        Column("moored_at", "timestamp"),
        Column("shore", "string"),
        Column("other_shore", "string"),
        Column("is_late", "double", nullable=True),
    ),
)
BOATS = Table("boats", source="boats", key=("boat_id",), columns=(Column("boat_id", "string"), Column("seats", "int")))
REPAIRS = Table(
    "repairs", source="boats", key=("boat_id",), columns=(Column("boat_id", "string"), Column("is_costly", "double"))
)
VIEWS = (
    FeatureView(
        "plan",
        table="crossings",
        entity="crossing_id",
        features=(Own("cars"), Category("shore", among=("north", "south")), Calendar(("time_of_day",))),
    ),
    FeatureView("boat", table="boats", entity="boat_id", features=(AsOf("seats", ttl_hours=math.inf),)),
    FeatureView(
        "way",
        table="arrivals",
        entity=("shore", "other_shore"),
        features=(
            Rolling("is_late", "mean", hours=24),
            Rolling("is_late", "count", hours=24),
            Rolling("is_late", "max", hours=24),
        ),
    ),
    FeatureView("all_ways", table="arrivals", features=(Rolling("is_late", "sum", hours=24),)),
    FeatureView("hull", table="boats", entity="boat_id", features=(Own("seats"),)),
)
SHARES = [Share(n / 4, (n + 1) / 4) for n in range(4)]
PROMOTE = Promote("log_loss", must_beat="constant", by=0.0)
IS_LATE = Classify(
    column="is_late",
    table="arrivals",
    spine=Events("crossings", entity="crossing_id", lead=LEAD),
    label_known_after=timedelta(hours=12),
    views=("plan", "boat", "way", "all_ways"),
    families=("constant",),
    split=ByTime(
        *(Span(utc(f"2024-01-0{day}"), utc(f"2024-01-0{day} 12:00")) for day in (1, 2, 3, 4)), gap=timedelta(hours=12)
    ),
    promote=PROMOTE,
    decide="wait",
)
IS_COSTLY = Classify(
    column="is_costly",
    table="repairs",
    spine=Events("boats", entity="boat_id"),
    views=("hull",),
    families=("constant",),
    split=ByHash(*SHARES),
    promote=PROMOTE,
    decide="repair",
)
DOMAIN = Domain(
    name="ferry",
    owner="ferrymen",
    question="Who will be late?",
    sources=(Source("plans", format="csv"), Source("logs", format="csv"), Source("boats", format="csv")),
    tables=(CROSSINGS, ARRIVALS, BOATS, REPAIRS),
    views=VIEWS,
    tasks=(IS_LATE, IS_COSTLY),
)
AS_OF = utc("2024-01-06")


def crossings(spark, of: list[tuple]):
    """of: the columns of the table, and whether the statement is in force or was said before."""
    names = ", ".join(f"{column.name} {column.type}" for column in CROSSINGS.columns)
    said = frame(spark, f"{names}, _held boolean", of).withColumn("available_at", F.col("planned_at"))
    held, before = said.where("_held").drop("_held"), said.where("not _held").drop("_held")
    history = {"crossings": before.withColumn("_delete", F.lit(False))}
    nothing = {table.name: empty(spark, table) for table in DOMAIN.tables}
    return known(DOMAIN, nothing | {"crossings": held}, history)


def empty(spark, table: Table):
    names = ", ".join(f"{column.name} {column.type}" for column in table.columns)
    return spark.createDataFrame([], f"{names}, available_at timestamp, _delivered_at timestamp")


def test_each_row_is_asked_about_once_the_lead_before_it_if_it_was_known_and_in_force_then(spark):
    way = ("b1", "north", "south", 7)
    said = crossings(
        spark,
        [
            ("in time", "2024-01-02 10:00", "2024-01-01 00:00", 1, *way, True),
            ("just in time", "2024-01-02 10:00", "2024-01-02 08:00", 1, *way, True),
            ("told too late", "2024-01-02 10:00", "2024-01-02 08:01", 1, *way, True),
            ("still to come", "2024-01-06 03:00", "2024-01-01 00:00", 1, *way, True),
            ("on the hour", "2024-01-06 02:00", "2024-01-01 00:00", 1, *way, True),
            # put off while the first cut-off was still to come: asked about at the second alone
            ("put off", "2024-01-02 10:00", "2024-01-01 00:00", 1, *way, False),
            ("put off", "2024-01-02 14:00", "2024-01-02 08:00", 2, *way, True),
            # put off when it had been asked about already: what was decided stood on it, so both are kept
            ("put off late", "2024-01-02 10:00", "2024-01-01 00:00", 1, *way, False),
            ("put off late", "2024-01-02 14:00", "2024-01-02 08:01", 2, *way, True),
            # brought forward so that the new cut-off was over when it was told
            ("forward", "2024-01-02 14:00", "2024-01-01 00:00", 1, *way, False),
            ("forward", "2024-01-02 10:00", "2024-01-02 09:00", 2, *way, True),
            # the same time, other words: what was said at the cut-off is asked about
            ("reworded", "2024-01-02 10:00", "2024-01-01 00:00", 1, "b1", "north", "south", 7, False),
            ("reworded", "2024-01-02 10:00", "2024-01-02 09:00", 2, "b1", "north", "south", 99, True),
        ],
    )
    found = events(said["crossings"], IS_LATE.spine, CROSSINGS, AS_OF)
    assert rows(found.select("crossing_id", "cut_at", "version", "cars"), "crossing_id", "cut_at") == [
        ("in time", "2024-01-02 08:00", 1, 7),
        ("just in time", "2024-01-02 08:00", 1, 7),
        ("on the hour", "2024-01-06 00:00", 1, 7),
        ("put off", "2024-01-02 12:00", 2, 7),
        ("put off late", "2024-01-02 08:00", 1, 7),
        ("put off late", "2024-01-02 12:00", 2, 7),
        ("reworded", "2024-01-02 08:00", 1, 7),
    ]


def test_what_is_known_at_a_cut_off_of_the_row_its_boat_and_its_way(spark):
    silver = crossings(
        spark,
        [
            ("c1", "2024-01-02 10:00", "2024-01-01 00:00", 1, "b1", "north", "south", 7, True),
            ("c2", "2024-01-02 10:30", "2024-01-01 00:00", 1, "b2", "south", "north", None, True),
            ("c3", "2024-01-02 11:00", "2024-01-01 00:00", 1, "b9", "island", "north", 3, True),
            ("c4", "2024-01-02 11:30", "2024-01-01 00:00", 1, None, None, "north", 4, True),
        ],
    )
    boats = [("b1", 80, "2023-01-01 00:00"), ("b2", 120, "2024-01-02 09:00"), ("b9", 5, "2003-01-01 00:00")]
    logs = [
        ("a1", "2024-01-01 08:00", "2024-01-01 09:00", "north", "south", 1.0),  # just too old for c1
        ("a2", "2024-01-01 09:00", "2024-01-01 10:00", "north", "south", 1.0),
        ("a3", "2024-01-02 06:00", "2024-01-02 08:00", "north", "south", 0.0),  # moored at the cut-off
        ("a4", "2024-01-02 06:30", "2024-01-02 08:01", "north", "south", 1.0),  # and a minute after
        ("a5", "2024-01-02 05:00", "2024-01-02 06:00", "south", "north", 1.0),
        ("a6", "2024-01-02 05:30", "2024-01-02 06:00", "south", "north", None),
    ]
    silver |= known(
        DOMAIN,
        {table.name: empty(spark, table) for table in DOMAIN.tables}
        | {
            "boats": frame(spark, "boat_id string, seats int, available_at timestamp", boats),
            "arrivals": frame(
                spark,
                "crossing_id string, departs_at timestamp, moored_at timestamp, shore string, other_shore string, "
                "is_late double",
                logs,
            ).withColumn("available_at", F.col("moored_at")),
        },
        {},
    ) | {"crossings": silver["crossings"]}
    found = cut_offs(DOMAIN, IS_LATE, silver, AS_OF)
    assert found.columns == ["crossing_id", "cut_at", *[n for v in DOMAIN.views_of(IS_LATE) for n in v.names()]]
    assert rows(found, "crossing_id") == [
        # cars, place of the shore, clock, seats; mean, count and greatest of the way; late ones of all ways
        ("c1", "2024-01-02 08:00", 7.0, 1.0, 8.0, 80, 0.5, 2, 1.0, 2.0),
        ("c2", "2024-01-02 08:30", None, 2.0, 8.5, None, 1.0, 1, 1.0, 3.0),
        ("c3", "2024-01-02 09:00", 3.0, 0.0, 9.0, 5, None, 0, None, 2.0),
        ("c4", "2024-01-02 09:30", 4.0, 0.0, 9.5, None, None, 0, None, 2.0),
    ]


def test_a_text_of_the_asked_row_is_words_in_columns_or_a_code_that_its_model_knows(spark):
    texts = FeatureView(
        "texts",
        table="crossings",
        entity="crossing_id",
        features=(TargetMean("shore"), Hashed("shore", 2), Own("cars")),
    )
    domain = replace(DOMAIN, views=(texts,), tasks=(replace(IS_LATE, views=("texts",)),))
    shores = ("north", "south", "north", None)
    silver = crossings(
        spark,
        [
            (f"c{n}", "2024-01-02 10:00", "2024-01-01 00:00", 1, "b1", shore, "south", n, True)
            for n, shore in enumerate(shores)
        ],
    )
    found = cut_offs(domain, domain.tasks[0], silver, AS_OF)
    columns = ["shore__target_mean", "shore__hash_0", "shore__hash_1", "cars__own"]
    assert found.columns == ["crossing_id", "cut_at", *columns]
    codes = [row["shore__target_mean"] for row in found.orderBy("crossing_id").collect()]
    assert codes[0] == codes[2] != codes[1] and codes[3] is None
    assert all(code.is_integer() and 0 <= code < 2**53 for code in codes[:3])  # no more than a double holds
    assert rows(found.select("crossing_id", *columns[1:]), "crossing_id") == [
        ("c0", 0.0, 1.0, 0.0),
        ("c1", 0.0, 1.0, 1.0),
        ("c2", 0.0, 1.0, 2.0),
        ("c3", None, None, 3.0),
    ]


@pytest.fixture(scope="module")
def boats(spark):
    held = spark.range(4_000).selectExpr(
        "concat('b', id) as boat_id", "cast(id % 90 as int) as seats", "timestamp '2024-01-03 00:00:00' as available_at"
    )
    nothing = {table.name: empty(spark, table) for table in DOMAIN.tables}
    return known(DOMAIN, nothing | {"boats": held}, {})


def test_rows_without_a_time_are_asked_about_from_their_delivery_on_and_have_a_place_in_the_split(boats):
    found = cut_offs(DOMAIN, IS_COSTLY, boats, AS_OF)
    assert found.columns == ["boat_id", "cut_at", "split_share", "seats__own"]
    table = found.toPandas()
    assert len(table) == 4_000 and set(table["cut_at"].astype(str)) == {"2024-01-03"}
    assert table["split_share"].between(0.0, 1.0, inclusive="left").all()
    for part in IS_COSTLY.split.spans.values():
        assert 900 < table["split_share"].between(part.start, part.end, inclusive="left").sum() < 1_100
    assert not rows(cut_offs(DOMAIN, IS_COSTLY, boats, utc("2024-01-02 23:59")))


def test_what_has_no_time_is_asked_about_once_however_often_it_is_corrected(spark):
    said = frame(
        spark,
        "boat_id string, seats int, available_at timestamp, known_until timestamp",
        [("b1", 3, "2024-01-03 00:00", "2024-01-05 00:00"), ("b1", 4, "2024-01-05 00:00", None)],
    )
    found = events(said, IS_COSTLY.spine, BOATS, utc("2024-02-01")).drop("split_share")
    assert rows(found) == [("2024-01-03 00:00", "b1", 3)]


def test_a_place_in_the_split_is_the_names_alone(boats):
    again = boats | {"boats": boats["boats"].where("seats < 3").withColumn("seats", F.lit(7)).repartition(3)}
    whole, part = (cut_offs(DOMAIN, IS_COSTLY, of, AS_OF).select("boat_id", "split_share") for of in (boats, again))
    places = dict(rows(whole))
    found = dict(rows(part))
    assert len(found) > 100 and found == {name: places[name] for name in found}
    # pinned, because models of earlier runs were judged by it
    assert [places[name] for name in ("b0", "b1", "b2")] == [0.459982, 0.766879, 0.257529]


def test_all_rows_of_one_entity_stand_on_one_side_where_they_are_split_by_it(spark):
    said = crossings(
        spark,
        [
            (f"c{n}", f"2024-01-0{1 + n % 4} 10:00", "2023-12-01 00:00", 1, f"b{n % 40}", "north", "south", 7, True)
            for n in range(200)
        ],
    )
    by_boat = replace(IS_LATE, split=ByEntity(*SHARES, entity="boat_id"))
    found = rows(cut_offs(DOMAIN, by_boat, said, AS_OF).select("crossing_id", "split_share"))
    places: dict[int, set[float]] = {}
    for name, share in found:
        places.setdefault(int(name[1:]) % 40, set()).add(share)
    assert len(found) == 200 and all(len(shares) == 1 for shares in places.values())
    assert len(set.union(*places.values())) == 40
    # another question of the same rows, split by their own names, has places of its own
    both = replace(DOMAIN, tasks=(by_boat, replace(by_boat, split=ByHash(*SHARES))))
    assert asking_alike(both) == [[task] for task in both.tasks]
    frames = [cut_offs(both, task, said, AS_OF) for task in both.tasks]
    assert [frame.select("split_share").distinct().count() for frame in frames] == [40, 200]


CHOICE = Rank(
    column="is_late",
    table="arrivals",
    spine=Events("crossings", entity="crossing_id", lead=LEAD),
    query="other_shore",
    label_known_after=timedelta(hours=12),
    views=("plan",),
    families=("in_order",),
    split=IS_LATE.split,
    promote=Promote("ndcg", must_beat="in_order", by=0.0),
    decide="take",
)


def test_rows_of_a_query_are_asked_about_at_the_first_cut_off_of_any_and_split_by_its_name(spark):
    of = ("b1", "north")
    said = crossings(
        spark,
        [
            ("first", "2024-01-02 10:00", "2024-01-01 00:00", 1, *of, "east", 1, True),
            ("later", "2024-01-04 10:00", "2024-01-01 00:00", 1, *of, "east", 2, True),
            ("told too late", "2024-01-04 10:00", "2024-01-02 09:00", 1, *of, "east", 3, True),
            ("another", "2024-01-03 10:00", "2024-01-01 00:00", 1, *of, "west", 4, True),
            ("after all", "2024-01-05 23:00", "2024-01-01 00:00", 1, *of, "west", 5, True),
        ],
    )
    domain = replace(DOMAIN, tasks=(CHOICE, replace(CHOICE, split=ByHash(*SHARES))))
    by_time, by_hash = (cut_offs(domain, task, said, utc("2024-01-05")) for task in domain.tasks)
    assert by_time.columns[:3] == ["crossing_id", "cut_at", "other_shore"]
    assert rows(by_time.select("crossing_id", "cut_at", "other_shore"), "crossing_id") == [
        ("after all", "2024-01-03 08:00", "west"),
        ("another", "2024-01-03 08:00", "west"),
        ("first", "2024-01-02 08:00", "east"),
        ("later", "2024-01-02 08:00", "east"),
    ]
    left = left_out(domain, CHOICE, said, utc("2024-01-05"))
    assert rows(left.select("crossing_id", "cut_at")) == [("told too late", "2024-01-02 08:00")]
    assert left_out(domain, CHOICE, said, utc("2024-01-02 07:59")).count() == 0
    assert left_out(domain, domain.tasks[1], said, utc("2024-01-05")) is None
    assert by_hash.columns[:4] == ["crossing_id", "cut_at", "split_share", "other_shore"]
    shares = {(shore, share) for _, share, shore in rows(by_hash.select("crossing_id", "split_share", "other_shore"))}
    assert len(shares) == 2 and by_hash.count() == 4
    assert asking_alike(domain) == [[task] for task in domain.tasks]


def test_a_row_that_comes_late_moves_its_whole_query_as_if_all_were_made_anew(spark):
    domain = replace(DOMAIN, tasks=(CHOICE,))
    of = ("2024-01-01 00:00", 1, "b1", "north")
    said = [("c1", "2024-01-03 10:00", *of, "east", 1), ("c2", "2024-01-04 10:00", *of, "east", 2)]
    said += [("c3", "2024-01-03 10:00", *of, "west", 3), ("c4", "2024-01-02 10:00", *of, "east", 4)]
    types = ", ".join(f"{column.name} {column.type}" for column in CROSSINGS.columns)
    rows_of = [(*row, 2 if row[0] == "c4" else 1) for row in said]
    held = frame(spark, f"{types}, _attempt int", rows_of).withColumn("available_at", F.col("planned_at"))
    nothing = {table.name: empty(spark, table).withColumn("_attempt", F.lit(1)) for table in DOMAIN.tables}
    first = known(domain, nothing | {"crossings": held.where("_attempt = 1")}, {})
    before = cut_offs(domain, CHOICE, first, AS_OF).localCheckpoint()
    silver = nothing | {"crossings": held}
    statements = known(domain, silver, {})
    whole = cut_offs(domain, CHOICE, statements, AS_OF)
    found, count = kept_up(domain, CHOICE, before, statements, all_said(domain, silver, {}), AS_OF, since=1)
    assert sorted(map(repr, found.collect())) == sorted(map(repr, whole.collect()))
    assert (count, {row["cut_at"].day for row in before.collect()}) == (3, {3})
    assert rows(whole.select("crossing_id", "cut_at"), "crossing_id") == [
        ("c1", "2024-01-02 08:00"),
        ("c2", "2024-01-02 08:00"),
        ("c3", "2024-01-03 08:00"),
        ("c4", "2024-01-02 08:00"),
    ]


def test_labels_of_events_are_a_series_by_the_events_name(spark):
    said = frame(
        spark,
        "crossing_id string, departs_at timestamp, is_late double, available_at timestamp, known_until timestamp",
        [("c1", "2024-01-02 10:00", 1.0, "2024-01-02 12:00", None)],
    )
    found = series(DOMAIN, ARRIVALS, said)
    assert found.columns == ["crossing_id", "at", "known_at", "known_until", "is_late"]
    assert rows(found) == [("c1", "2024-01-02 10:00", "2024-01-02 12:00", None, 1.0)]
    undated = series(
        DOMAIN,
        REPAIRS,
        frame(
            spark,
            "boat_id string, is_costly double, available_at timestamp, known_until timestamp",
            [("b1", 1.0, "2024-01-03 00:00", None)],
        ),
    )
    assert rows(undated) == [("b1", "2024-01-03 00:00", "2024-01-03 00:00", None, 1.0)]
