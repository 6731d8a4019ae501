"""The declaration of the payments: what a payment says at once, and what turns out a week later."""

from __future__ import annotations

from pipelines.contracts.domain import Domain
from pipelines.contracts.expectations import quarantine
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table

CLOCK = "yyyy-MM-dd HH:mm:ss"
PAYMENT_ID = Column("payment_id", "string", field="TRANSACTION_ID")
PAID_AT = Column("paid_at", "timestamp", field="TX_DATETIME", pattern=CLOCK)

PAYMENTS = Table(
    "payments",
    source="payments",
    key=("payment_id",),
    event_time="paid_at",
    available_at="paid_at",
    columns=(
        PAYMENT_ID,
        PAID_AT,
        Column("customer_id", "string", field="CUSTOMER_ID"),
        Column("terminal_id", "string", field="TERMINAL_ID"),
        Column("amount", "double", field="TX_AMOUNT"),
        Column("elapsed_s", "long", field="TX_TIME_SECONDS", unit="s", doc="since 2018-04-01"),
        Column("elapsed_d", "int", field="TX_TIME_DAYS", unit="d", doc="since 2018-04-01"),
    ),
    expect=(
        quarantine("amount_is_not_negative", "amount >= 0"),
        quarantine("clocks_agree", "elapsed_s = unix_seconds(paid_at) - unix_seconds(timestamp'2018-04-01T00:00:00Z')"),
    ),
    doc="A card payment.",
)
LABELS = Table(
    "labels",
    source="payments",
    key=("payment_id",),
    event_time="paid_at",
    available_at="paid_at + interval 7 days",
    columns=(
        PAYMENT_ID,
        PAID_AT,
        Column("is_fraud", "int", field="TX_FRAUD"),
        Column("scenario", "int", field="TX_FRAUD_SCENARIO", doc="which of the simulated frauds, 0 for none"),
    ),
    expect=(quarantine("a_scenario_is_a_fraud", "is_fraud = int(scenario > 0)"),),
    doc="Whether a payment was a fraud.",
)
DOMAIN = Domain(
    name="fraud",
    owner="card-risk",
    question="Which payments should be looked at?",
    sources=(Source("payments", format="csv"),),
    tables=(PAYMENTS, LABELS),
)
