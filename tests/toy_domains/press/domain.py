"""The declaration of the press: readings, repairs that are told days later, and which readings are odd."""

from datetime import timedelta

from pipelines.contracts.domain import Domain
from pipelines.contracts.features import FeatureView, Own
from pipelines.contracts.monitors import ScoreMonitor
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.contracts.tasks import ByTime, Detect, Events, Promote, Span, utc

READINGS = Table(
    "readings",
    source="readings",
    key=("reading_id",),
    event_time="read_at",
    available_at="read_at",
    columns=(
        Column("reading_id", "string"),
        Column("press_id", "string"),
        Column("read_at", "timestamp"),
        Column("heat_c", "double", unit="°C"),
        Column("pressure_bar", "double", unit="bar"),
    ),
)
REPAIRS = Table(
    "repairs",
    source="repairs",
    key=("reading_id",),
    event_time="told_at",
    available_at="told_at",
    columns=(
        Column("reading_id", "string"),
        Column("told_at", "timestamp"),
        Column("was_repaired", "int", doc="1: the press was repaired for what was read"),
    ),
)
ODD = Detect(
    column="was_repaired",
    table="repairs",
    spine=Events("readings", entity="reading_id"),
    label_known_after=timedelta(days=2),
    views=("reading",),
    families=("constant", "isolation_forest", "gaussian_mixture"),
    params={"gaussian_mixture": {"components": 2}},
    split=ByTime(
        train=Span(utc("2024-03-01"), utc("2024-03-13")),
        validate=Span(utc("2024-03-15"), utc("2024-03-18")),
        calibrate=Span(utc("2024-03-20"), utc("2024-03-30")),
        test=Span(utc("2024-04-01"), utc("2024-04-15")),
        gap=timedelta(days=2),
    ),
    promote=Promote("disorder", must_beat="constant", by=0.2),
    monitor=ScoreMonitor("press_id", limit=0.97, horizon=timedelta(hours=24)),
    decide="inspect",
)
DOMAIN = Domain(
    name="press",
    owner="fitters",
    question="Which readings should somebody look at?",
    sources=(Source("readings", format="csv"), Source("repairs", format="csv")),
    tables=(READINGS, REPAIRS),
    views=(
        FeatureView("reading", table="readings", entity="reading_id", features=(Own("heat_c"), Own("pressure_bar"))),
    ),
    tasks=(ODD,),
)
