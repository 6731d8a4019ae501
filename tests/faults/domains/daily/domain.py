"""The declaration of daily: sales a file a day, with corrections and withdrawals that may come in any order."""

from datetime import timedelta

from pipelines.contracts.domain import Domain
from pipelines.contracts.features import FeatureView, Rolling
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.contracts.tasks import ByTime, Forecast, Promote, Span, Spine, utc

SALES = Table(
    "sales",
    source="tills",
    key=("shop_id", "sold_at"),
    event_time="sold_at",
    available_at="said_at",
    order=("revision",),
    tombstone="raw['status'] = 'withdrawn'",
    columns=(
        Column("shop_id", "string"),
        Column("sold_at", "timestamp"),
        Column("amount_eur", "double", unit="EUR"),
        Column("revision", "int"),
        Column("said_at", "timestamp"),
    ),
)
DOMAIN = Domain(
    name="daily",
    owner="tests",
    question="How much will each shop sell?",
    sources=(Source("tills", format="csv"),),
    tables=(SALES,),
    views=(
        FeatureView(
            "sales_at_cut_off",
            table="sales",
            entity="shop_id",
            features=(Rolling("amount_eur", "sum", hours=72), Rolling("amount_eur", "max", hours=720)),
        ),
    ),
    tasks=(
        Forecast(
            column="amount_eur",
            table="sales",
            unit="EUR",
            spine=Spine("sales", entity="shop_id", every=timedelta(days=1)),
            step=timedelta(days=1),
            steps=1,
            label_known_after=timedelta(days=1),
            quantiles=(0.5,),
            views=("sales_at_cut_off",),
            families=("seasonal_naive",),
            split=ByTime(
                train=Span(utc("2024-03-01"), utc("2024-04-01")),
                validate=Span(utc("2024-04-04"), utc("2024-05-01")),
                calibrate=Span(utc("2024-05-04"), utc("2024-06-01")),
                test=Span(utc("2024-06-04"), utc("2024-07-01")),
                gap=timedelta(days=2),
            ),
            promote=Promote(metric="mae", must_beat="seasonal_naive", by=0.05),
            decide="order_stock",
        ),
    ),
)
