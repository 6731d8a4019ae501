"""How often each category came up in the hours before, on literal rows: boats that moor at a quay."""

from __future__ import annotations

from pipelines.contracts.domain import Domain
from pipelines.contracts.features import CategoryCount, FeatureView, Rolling
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.stages.gold import add_view, known
from tests.frames import frame, rows

MOORINGS = Table(
    "moorings",
    source="logs",
    key=("mooring_id",),
    event_time="moored_at",
    available_at="told_at",
    columns=(
        Column("mooring_id", "string"),
        Column("quay_id", "string"),
        Column("moored_at", "timestamp"),
        Column("told_at", "timestamp"),
        Column("kind", "string", nullable=True),
        Column("crew", "int"),
    ),
)
FEATURES = (
    CategoryCount("kind", among=("tug", "house boat"), hours=6),
    CategoryCount("crew", among=("2",), hours=24),
    Rolling("crew", "max", hours=6),
)
VIEW = FeatureView("quay", table="moorings", entity="quay_id", features=FEATURES)
DOMAIN = Domain("quays", "o", "q", sources=(Source("logs", format="csv"),), tables=(MOORINGS,), views=(VIEW,))


def test_a_category_is_counted_in_the_window_as_it_was_known(spark):
    said = frame(
        spark,
        "mooring_id string, quay_id string, moored_at timestamp, told_at timestamp, kind string, crew int",
        [
            ("just too old", "q1", "2024-01-01 06:00", "2024-01-01 06:00", "tug", 2),
            ("in", "q1", "2024-01-01 06:01", "2024-01-01 07:00", "tug", 2),
            ("at the cut-off", "q1", "2024-01-01 12:00", "2024-01-01 12:00", "tug", 3),
            ("told too late", "q1", "2024-01-01 11:00", "2024-01-01 12:01", "tug", 2),
            ("of two words", "q1", "2024-01-01 10:00", "2024-01-01 10:00", "house boat", 1),
            ("not listed", "q1", "2024-01-01 10:00", "2024-01-01 10:00", "yacht", 9),
            ("nothing said", "q1", "2024-01-01 10:00", "2024-01-01 10:00", None, 2),
            ("still to come", "q1", "2024-01-01 12:01", "2024-01-01 01:00", "tug", 2),
            ("elsewhere", "q2", "2024-01-01 10:00", "2024-01-01 10:00", "yacht", 1),
        ],
    )
    silver = known(DOMAIN, {"moorings": said.withColumn("available_at", said["told_at"])}, {})
    probes = frame(spark, "quay_id string, cut_at timestamp", [(f"q{n}", "2024-01-01 12:00") for n in (1, 2, 3)])
    names = ["kind__is_tug__count_6h", "kind__is_house_boat__count_6h", "crew__is_2__count_24h", "crew__max_6h"]
    assert list(VIEW.names()) == names
    found = add_view(probes, VIEW, DOMAIN, silver)
    assert found.columns == ["quay_id", "cut_at", *found.columns[2:]] and set(found.columns[2:]) == set(names)
    assert rows(found.select("quay_id", *names), "quay_id") == [
        ("q1", 2, 1, 3, 9),
        ("q2", 0, 0, 0, 1),
        ("q3", 0, 0, 0, None),
    ]
