"""What `headrace features` says of each kind of feature, on a quay that has one of each."""

from __future__ import annotations

from pipelines.contracts.calendar import Calendar
from pipelines.contracts.domain import Domain
from pipelines.contracts.features import CategoryCount, FeatureView, Hashed, TargetMean
from pipelines.contracts.lineage import lineage
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table

MOORINGS = Table(
    "moorings",
    source="logs",
    key=("mooring_id",),
    event_time="moored_at",
    available_at="moored_at",
    columns=(
        Column("mooring_id", "string"),
        Column("moored_at", "timestamp"),
        Column("kind", "string", unit="words"),
    ),
)


def said_of(*features: Calendar | CategoryCount | Hashed | TargetMean) -> list[tuple[str, str, float, str]]:
    """Name, meaning, look-back in hours and unit of each column."""
    table = "" if isinstance(features[0], Calendar) else "moorings"
    view = FeatureView("quay", table=table, features=features)
    domain = Domain("quays", "o", "q", sources=(Source("logs", format="csv"),), tables=(MOORINGS,), views=(view,))
    return [(of.name, of.meaning, of.look_back_h, of.unit) for of in lineage(domain)]


def test_a_calendar_says_which_clock_and_whose_holidays():
    parts = ("week_sin", "is_holiday", "days_to_holiday")
    assert said_of(Calendar(parts, "Australia/Melbourne", country="AU", subdivision="VIC")) == [
        ("calendar__week_sin", "week_sin in Australia/Melbourne", 0.0, ""),
        ("calendar__is_holiday", "is_holiday in Australia/Melbourne (AU, VIC)", 0.0, ""),
        ("calendar__days_to_holiday", "days_to_holiday in Australia/Melbourne (AU, VIC)", 0.0, "days"),
    ]


def test_categories_and_words_say_which_of_them_a_column_is_about():
    assert said_of(CategoryCount("kind", among=("tug", "house boat"), hours=6)) == [
        ("kind__is_tug__count_6h", "how many facts of the 6 h before have kind = tug", 6, ""),
        ("kind__is_house_boat__count_6h", "how many facts of the 6 h before have kind = house boat", 6, ""),
    ]
    assert said_of(Hashed("kind", 2))[1] == (
        *("kind__hash_1", "the words of kind whose hash is 1 modulo 2: sum of their signs", 0.0, ""),
    )


def test_a_target_mean_says_that_it_lies_in_the_model():
    of = "the label's mean over the training rows of the same kind, smoothed by 20 rows of the mean of all"
    assert said_of(TargetMean("kind", smoothing=20)) == [("kind__target_mean", f"{of}; lies in the model", 0.0, "")]
