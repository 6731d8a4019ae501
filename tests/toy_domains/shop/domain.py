"""The declaration of the shop: offers shown at a visit, what became of them, and in which order to show them."""

from datetime import timedelta

from pipelines.contracts.domain import Domain
from pipelines.contracts.expectations import quarantine
from pipelines.contracts.features import Category, FeatureView, Own
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.contracts.tasks import ByTime, Events, Promote, Rank, Span, utc

OFFERS = Table(
    "offers",
    source="offers",
    key=("offer_id",),
    event_time="shown_at",
    available_at="shown_at",
    columns=(
        Column("offer_id", "string"),
        Column("visit_id", "string"),
        Column("shown_at", "timestamp"),
        Column("kind", "string"),
        Column("price_eur", "double", unit="EUR"),
        Column("place", "int", doc="at which it was shown, from 1"),
    ),
)
CHOICES = Table(
    "choices",
    source="choices",
    key=("offer_id",),
    event_time="told_at",
    available_at="told_at",
    columns=(
        Column("offer_id", "string"),
        Column("told_at", "timestamp"),
        Column("interest", "int", doc="0: none, 1: was looked at, 2: was bought"),
    ),
    expect=(quarantine("interest_is_told", "interest between 0 and 2"),),
)
INTEREST = Rank(
    column="interest",
    table="choices",
    spine=Events("offers", entity="offer_id"),
    query="visit_id",
    top=3,
    label_known_after=timedelta(hours=1),
    views=("offer",),
    families=("in_order", "xgboost"),
    params={"in_order": {"by": "place__own"}, "xgboost": {"rounds": 30, "learning_rate": 0.2}},
    split=ByTime(
        train=Span(utc("2024-03-01"), utc("2024-03-21")),
        validate=Span(utc("2024-03-21 02:00"), utc("2024-03-26")),
        calibrate=Span(utc("2024-03-26 02:00"), utc("2024-04-02")),
        test=Span(utc("2024-04-02 02:00"), utc("2024-04-10")),
        gap=timedelta(hours=2),
    ),
    promote=Promote("ndcg", must_beat="in_order", by=0.1),
    decide="show_first",
)
DOMAIN = Domain(
    name="shop",
    owner="shopkeepers",
    question="Which offers should a visitor see first?",
    sources=(Source("offers", format="csv"), Source("choices", format="csv")),
    tables=(OFFERS, CHOICES),
    views=(
        FeatureView(
            "offer",
            table="offers",
            entity="offer_id",
            features=(Own("price_eur"), Own("place"), Category("kind", among=("tea", "cup"))),
        ),
    ),
    tasks=(INTEREST,),
)
