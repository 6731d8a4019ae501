"""Quoted prices of items, and what is asked of them: the newest that was known, if it is less than a day old."""

from __future__ import annotations

from pipelines.contracts.domain import Domain
from pipelines.contracts.features import AsOf, FeatureView
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table

TTL_HOURS = 24
NEWEST = FeatureView(
    "newest",
    "quotes",
    (AsOf("price_usd", TTL_HOURS), AsOf("stock", TTL_HOURS)),
    entity="item_id",
)

DOMAIN = Domain(
    name="market",
    owner="races",
    question="How fast is the newest known price found?",
    sources=(Source("quotes", format="parquet"),),
    tables=(
        Table(
            "quotes",
            source="quotes",
            key=("item_id", "quoted_at"),
            event_time="quoted_at",
            available_at="quoted_at",
            columns=(
                Column("item_id", "string"),
                Column("quoted_at", "timestamp"),
                Column("price_usd", "double", unit="USD"),
                Column("stock", "double"),
            ),
        ),
    ),
    views=(NEWEST,),
)
