"""Which loans to grant with the capital there is, and which payments to hold for review."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.contracts.policies import Picking

# Assumptions of this example, to be replaced by a user's own.
CAPITAL_USD = 10_000_000.0
LOST_IF_BAD = 0.6  # part of the principal that is lost with a bad loan, recoveries counted
MEAN_BALANCE = 0.55  # part of the principal that is owed on average while it is paid back
REVIEWS_A_DAY = 25.0
REVIEW_USD = 5.0


def profit(bad: Column, needs: Mapping[str, Column]) -> Column:
    """USD over a loan's life; bad: the probability of it, or 1 and 0 once it is known."""
    principal = needs["funded_usd__own"]
    years, rate = needs["term_months__own"] / 12.0, needs["interest_rate_pct__own"] / 100.0
    interest = principal * MEAN_BALANCE * rate * years
    return (F.lit(1.0) - bad) * interest - bad * principal * LOST_IF_BAD


def loss_avoided(fraud: Column, needs: Mapping[str, Column]) -> Column:
    """USD that holding a payment saves; fraud: the probability of it, or 1 and 0 once it is known."""
    return fraud * needs["amount_usd__own"] - F.lit(REVIEW_USD)


GRANT = Picking(
    name="grant",
    action="is_granted",
    unit="USD",
    needs=("funded_usd__own", "term_months__own", "interest_rate_pct__own"),
    worth=profit,
    value=profit,
    uses=lambda needs: needs["funded_usd__own"],
    limit=CAPITAL_USD,
    doc="Grant the loans that are expected to earn most for the capital they take, until it is spent.",
)

HOLD = Picking(
    name="hold",
    action="is_held",
    unit="USD",
    needs=("amount_usd__own",),
    worth=loss_avoided,
    value=loss_avoided,
    uses=lambda _: F.lit(1.0),
    limit=REVIEWS_A_DAY,
    time_zone="UTC",
    doc="Hold the payments on which a review is expected to save most, twenty-five a day.",
)
