"""The declaration of the accounts: half a year of bills, payments and delays, and whether the next month was defaulted.

The months count back from September 2005: 1 is that month, 6 is April.
"""

from __future__ import annotations

from pipelines.contracts.domain import Domain
from pipelines.contracts.expectations import quarantine
from pipelines.contracts.features import FeatureView, Own
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.contracts.tasks import ByHash, Classify, Events, Promote, Protected, Share

MONTHS = (1, 2, 3, 4, 5, 6)
_STATUS = ("PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6")  # there is no PAY_1
ACCOUNT_ID = Column("account_id", "string", field="ID")

ACCOUNTS = Table(
    "accounts",
    source="accounts",
    key=("account_id",),
    columns=(
        ACCOUNT_ID,
        Column("limit_twd", "double", field="LIMIT_BAL", unit="TWD", doc="credit given, the family's too"),
        Column("gender", "int", field="GENDER", doc="1 male, 2 female"),
        Column("education", "int", field="EDUCATION", doc="1 graduate school to 4 others; 0, 5 and 6 are undocumented"),
        Column("marriage", "int", field="MARRIAGE", doc="1 married, 2 single, 3 others; 0 is undocumented"),
        Column("age_years", "int", field="AGE", unit="years"),
        *[
            Column(f"delay_{month}", "int", field=field, doc="months of delay; 0, −1 and −2 are none")
            for month, field in zip(MONTHS, _STATUS, strict=True)
        ],
        *[Column(f"bill_{month}_twd", "double", field=f"BILL_AMT{month}", unit="TWD") for month in MONTHS],
        *[Column(f"paid_{month}_twd", "double", field=f"PAY_AMT{month}", unit="TWD") for month in MONTHS],
    ),
    computed=(
        *[Column(f"used_{month}", "double", doc="the bill as a part of the limit") for month in MONTHS],
        *[
            Column(f"left_{month}", "double", doc="what was not paid of the bill before, by limit")
            for month in MONTHS[:5]
        ],
        Column("used_mean", "double", doc="mean of the six"),
        Column("used_change", "double", doc="the newest less the oldest of the six"),
        Column("paid_by_billed", "double", doc="all that was paid by all that was billed"),
        Column("months_late", "int", doc="months of the six with a delay"),
        Column("longest_delay", "int", doc="of the six"),
        Column("delays_sum", "int", doc="sum of the six delays, none as 0"),
        Column("least_paid_twd", "double", unit="TWD", doc="of the six months"),
    ),
    expect=(
        quarantine("limit_is_positive", "limit_twd > 0"),
        quarantine("age_is_an_adults", "age_years between 18 and 100"),
        quarantine("delays_are_known_codes", "least(delay_1, delay_2, delay_3, delay_4, delay_5, delay_6) >= -2"),
    ),
    doc="An account as it is known at the end of September 2005.",
)
DEFAULTS = Table(
    "defaults",
    source="accounts",
    key=("account_id",),
    columns=(ACCOUNT_ID, Column("is_default", "int", field="default.payment.next.month", doc="in October 2005")),
    expect=(quarantine("default_is_a_flag", "is_default in (0, 1)"),),
    doc="What came of the accounts.",
)
DOMAIN = Domain(
    name="uci_default",
    owner="card-risk",
    question="Which accounts will not be paid next month?",
    sources=(Source("accounts", format="csv"),),
    tables=(ACCOUNTS, DEFAULTS),
    views=(
        FeatureView(
            "account",
            table="accounts",
            entity="account_id",
            features=tuple(Own(column.name) for column in ACCOUNTS.of_features if column.name != "account_id"),
            doc="all that is known of the account",
        ),
    ),
    tasks=(
        Classify(
            column="is_default",
            table="defaults",
            spine=Events("accounts", entity="account_id"),
            views=("account",),
            families=("constant", "logistic", "random_forest", "xgboost"),
            split=ByHash(Share(0.0, 0.6), Share(0.6, 0.7), Share(0.7, 0.8), Share(0.8, 1.0)),
            promote=Promote(metric="log_loss", must_beat="constant", by=0.05),
            decide="call",
            protected=(Protected("gender"), Protected("education", {"selection_rate": 0.01})),
            doc="Whether an account will be defaulted next month. There is one month, so no look into a future.",
        ),
    ),
)
