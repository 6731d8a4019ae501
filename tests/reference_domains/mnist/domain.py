"""The declaration of the digits: pictures as bytes, and which digit each is."""

from __future__ import annotations

from datetime import datetime, timedelta

from pipelines.contracts.domain import Domain
from pipelines.contracts.expectations import quarantine
from pipelines.contracts.features import FeatureView, Image, Own
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.contracts.tasks import ByTime, Classify, Events, Promote, Span, utc

SIDE = 28
FIRST_AT, EVERY = utc("2024-01-01"), timedelta(minutes=1)
"""The pictures have no time; in their published order they are given one, so that the published test set is the last
span."""
TRAIN_ROWS, TEST_ROWS = 60_000, 10_000


def seen_at(number: int) -> datetime:
    return FIRST_AT + number * EVERY


PICTURES = Table(
    "pictures",
    source="pictures",
    key=("picture_id",),
    event_time="seen_at",
    available_at="seen_at",
    columns=(
        Column("picture_id", "string"),
        Column("seen_at", "timestamp"),
        Column("pixels", "binary", convert="try_to_binary(decode(value, 'utf-8'), 'base64')", doc="a byte a pixel"),
        Column("ink", "double", doc="the mean of the pixels"),
    ),
    expect=(quarantine("a_picture_is_28_by_28", f"length(pixels) = {SIDE * SIDE}"),),
    doc="A digit as it was scanned.",
)
DIGITS = Table(
    "digits",
    source="pictures",
    key=("picture_id",),
    event_time="seen_at",
    available_at="seen_at",
    columns=(Column("picture_id", "string"), Column("seen_at", "timestamp"), Column("digit", "int")),
    doc="Which digit it is.",
)
DIGIT = Classify(
    column="digit",
    classes=tuple("0123456789"),
    table="digits",
    spine=Events("pictures", entity="picture_id"),
    views=("picture",),
    families=("constant", "image_cnn"),
    split=ByTime(
        train=Span(seen_at(0), seen_at(52_000)),
        validate=Span(seen_at(52_000), seen_at(56_000)),
        calibrate=Span(seen_at(56_000), seen_at(TRAIN_ROWS)),
        test=Span(seen_at(TRAIN_ROWS), seen_at(TRAIN_ROWS + TEST_ROWS)),
        gap=timedelta(0),
    ),
    promote=Promote(metric="log_loss", must_beat="constant", by=0.5),
    decide="sort",
    doc="Which digit a picture shows.",
)
DOMAIN = Domain(
    name="mnist",
    owner="benchmarks",
    question="Which digit is this?",
    sources=(Source("pictures", format="csv"),),
    tables=(PICTURES, DIGITS),
    views=(
        FeatureView(
            "picture",
            table="pictures",
            entity="picture_id",
            features=(Image("pixels", SIDE, SIDE), Own("ink")),
            doc="the picture",
        ),
    ),
    tasks=(DIGIT,),
)
