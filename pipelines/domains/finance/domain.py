"""The declaration of finance: loans with outcomes (real, undated), payments with labels (simulated)."""

from datetime import timedelta

from pipelines.contracts.calendar import Calendar
from pipelines.contracts.domain import Domain
from pipelines.contracts.features import Category, FeatureView, Own, Rolling
from pipelines.contracts.sources import Source
from pipelines.contracts.tasks import ByHash, ByTime, Classify, Events, Promote, Select, Share, Span, utc
from pipelines.domains.finance.tables import APPLICATIONS, LOAN_OUTCOMES, PAYMENT_LABELS, PAYMENTS

DAY_H, WEEK_H, FOUR_WEEKS_H = 24.0, 168.0, 672.0
GRADES = tuple(f"{letter}{number}" for letter in "ABCDEFG" for number in range(1, 6))

VIEWS = (
    FeatureView(
        "application",
        table="applications",
        entity="loan_id",
        features=(
            *[Own(column.name) for column in APPLICATIONS.columns if column.type in ("double", "int")],
            Category("sub_grade", among=GRADES),
            Category("verification", among=("Not_Verified", "Source_Verified", "Verified")),
        ),
        doc="what the applicant and the credit file say",
    ),
    FeatureView("payment", table="payments", entity="payment_id", features=(Own("amount_usd"),), doc="the payment"),
    FeatureView(
        "moment_of_payment",
        table="",
        features=(Calendar(("time_of_day", "weekday", "is_weekend")),),
        doc="clock and calendar of the payment",
    ),
    FeatureView(
        "customer",
        table="payments",
        entity="customer_id",
        features=tuple(
            Rolling("amount_usd", op, hours=hours)
            for hours in (DAY_H, WEEK_H, FOUR_WEEKS_H)
            for op in ("count", "mean")
        ),
        doc="how often and how much the customer pays, this payment included",
    ),
    FeatureView(
        "terminal",
        table="payment_labels",
        entity="terminal_id",
        features=(Rolling("is_fraud", "mean", hours=FOUR_WEEKS_H), Rolling("is_fraud", "count", hours=FOUR_WEEKS_H)),
        doc="the share of frauds at the terminal, of payments whose label is known",
    ),
)

IS_BAD = Classify(
    column="is_bad",
    table="loan_outcomes",
    spine=Events("applications", entity="loan_id"),
    views=("application",),
    families=("constant", "logistic", "xgboost"),
    split=ByHash(train=Share(0.0, 0.6), validate=Share(0.6, 0.7), calibrate=Share(0.7, 0.8), test=Share(0.8, 1.0)),
    select=Select(budget=12),  # too few loans went bad to tell most of the credit file from luck
    # few rows, so a slow and shallow model
    params={"xgboost": {"learning_rate": 0.03, "max_depth": 4, "min_child_weight": 32.0}},
    promote=Promote(metric="log_loss", must_beat="constant", by=0.01),
    decide="grant",
    doc="Whether a loan will not be paid back. Loans have no dates: this is a split by hash, no look into a future.",
)

LABEL_KNOWN_AFTER = timedelta(days=8)
IS_FRAUD = Classify(
    column="is_fraud",
    table="payment_labels",
    spine=Events("payments", entity="payment_id"),
    label_known_after=LABEL_KNOWN_AFTER,
    views=("payment", "moment_of_payment", "customer", "terminal"),
    families=("constant", "logistic", "xgboost"),
    split=ByTime(
        train=Span(utc("2018-05-01"), utc("2018-07-20")),
        validate=Span(utc("2018-07-28"), utc("2018-08-07")),
        calibrate=Span(utc("2018-08-15"), utc("2018-08-25")),
        test=Span(utc("2018-09-02"), utc("2018-10-01")),
        gap=LABEL_KNOWN_AFTER,
    ),
    promote=Promote(metric="log_loss", must_beat="constant", by=0.1),
    decide="hold",
    doc="Whether a simulated payment is a fraud, judged as it is made; its label is known a week later.",
)

DOMAIN = Domain(
    name="finance",
    owner="credit-and-payments",
    question="Which loans will not be paid back, and which payments should be checked before they go through?",
    sources=(
        Source("loans", format="csv", doc="one file, one row a granted loan with its outcome"),
        Source("payments", format="csv", doc="simulated; a file a day, delivered on the next"),
        Source("payment_labels", format="csv", doc="simulated; a file a day, the labels of the payments a week before"),
    ),
    tables=(APPLICATIONS, LOAN_OUTCOMES, PAYMENTS, PAYMENT_LABELS),
    views=VIEWS,
    tasks=(IS_BAD, IS_FRAUD),
)
