"""The declaration of the payments: what a payment says at once, and what turns out a week later."""

from __future__ import annotations

from datetime import timedelta

from pipelines.contracts.calendar import Calendar
from pipelines.contracts.domain import Domain
from pipelines.contracts.expectations import quarantine
from pipelines.contracts.features import FeatureView, Own, Rolling
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.contracts.tasks import ByTime, Classify, Events, Promote, Span, utc

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
        Column("terminal_id", "string", field="TERMINAL_ID"),
        Column("is_fraud", "int", field="TX_FRAUD"),
        Column("scenario", "int", field="TX_FRAUD_SCENARIO", doc="which of the simulated frauds, 0 for none"),
    ),
    expect=(quarantine("a_scenario_is_a_fraud", "is_fraud = int(scenario > 0)"),),
    doc="Whether a payment was a fraud.",
)
DAY_H, DELAY_DAYS, WINDOW_DAYS = 24, 7, (1, 7, 30)
VIEWS = (
    FeatureView("payment", table="payments", entity="payment_id", features=(Own("amount"),), doc="the payment"),
    FeatureView("clock", table="", features=(Calendar(("time_of_day", "is_weekend")),), doc="when it is made"),
    FeatureView(
        "customer",
        table="payments",
        entity="customer_id",
        features=tuple(Rolling("amount", op, hours=days * DAY_H) for days in WINDOW_DAYS for op in ("count", "mean")),
        doc="the customer's payments up to this one, which counts",
    ),
    FeatureView(
        "terminal",
        table="labels",
        entity="terminal_id",
        # what is known of the last 7 + n days a week late are the n days before that week
        features=tuple(
            Rolling("is_fraud", op, hours=(DELAY_DAYS + days) * DAY_H)
            for days in WINDOW_DAYS
            for op in ("count", "mean")
        ),
        doc="the share of frauds at the terminal, of payments whose label is known",
    ),
)
KNOWN_AFTER = timedelta(days=DELAY_DAYS)
IS_FRAUD = Classify(
    column="is_fraud",
    table="labels",
    spine=Events("payments", entity="payment_id"),
    label_known_after=KNOWN_AFTER,
    views=tuple(view.name for view in VIEWS),
    families=("constant", "logistic"),
    split=ByTime(
        train=Span(utc("2018-07-25"), utc("2018-08-01")),
        validate=Span(utc("2018-08-08"), utc("2018-08-15")),
        calibrate=Span(utc("2018-08-22"), utc("2018-08-29")),
        test=Span(utc("2018-09-05"), utc("2018-09-12")),
        gap=KNOWN_AFTER,
    ),
    promote=Promote(metric="log_loss", must_beat="constant", by=0.02),
    decide="look",
    doc="Whether a payment is a fraud, asked as it is made.",
)
DOMAIN = Domain(
    name="fraud",
    owner="card-risk",
    question="Which payments should be looked at?",
    sources=(Source("payments", format="csv"),),
    tables=(PAYMENTS, LABELS),
    views=VIEWS,
    tasks=(IS_FRAUD,),
)
