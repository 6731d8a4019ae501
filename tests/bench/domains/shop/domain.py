"""Lines of a shop's orders: numbers, instants, text, a revision that orders the statements about a line."""

from __future__ import annotations

from pipelines.contracts.domain import Domain
from pipelines.contracts.expectations import quarantine
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table

DOMAIN = Domain(
    name="shop",
    owner="races",
    question="How fast does an order become a typed row?",
    sources=(Source("orders", format="csv"),),
    tables=(
        Table(
            "orders",
            source="orders",
            key=("order_id",),
            event_time="ordered_at",
            available_at="revised_at",
            order=("revised_at",),
            columns=(
                Column("order_id", "bigint"),
                Column("ordered_at", "timestamp", pattern="yyyy-MM-dd HH:mm:ss"),
                Column("revised_at", "timestamp", pattern="yyyy-MM-dd HH:mm:ss"),
                Column("customer_id", "string"),
                Column("region", "string"),
                Column("quantity", "int"),
                Column("price_usd", "double", unit="USD"),
                Column("note", "string", nullable=True),
            ),
            expect=(
                quarantine("quantity_is_physical", "quantity between 1 and 1000"),
                quarantine("price_is_not_negative", "price_usd >= 0"),
            ),
        ),
    ),
)
