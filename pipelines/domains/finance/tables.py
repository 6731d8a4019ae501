"""What is held of finance: loans and their outcomes, payments and their labels."""

from pipelines.contracts.expectations import quarantine, warn
from pipelines.contracts.tables import Column, Table


def count(name: str, field: str, doc: str) -> Column:
    """A number of things in the applicant's credit file."""
    return Column(name, "double", field=field, doc=doc)


APPLICATIONS = Table(
    "applications",
    source="loans",
    key=("loan_id",),
    columns=(
        Column("loan_id", "string"),
        Column("funded_usd", "double", field="funded_amnt", unit="USD"),
        Column("term_months", "int", field="term", unit="months"),
        Column("interest_rate_pct", "double", field="int_rate", unit="%", doc="the lender's price of the risk, a year"),
        Column("grade", "string", field="sub_grade", convert="substring(value, 1, 1)", doc="the lender's, A to G"),
        Column("sub_grade", "string", doc="A1 to G5"),
        Column("state", "string", field="addr_state", doc="of the United States, two letters"),
        Column("verification", "string", field="verification_status", doc="of the income"),
        Column("annual_income_usd", "double", field="annual_inc", unit="USD"),
        Column(
            "employment_years",
            "double",
            field="emp_length",
            unit="years",
            nullable=True,
            doc="full years, 0 below one, 10 for ten or more",
        ),
        count("delinquencies", "delinq_2yrs", "30 days past due or more, in the last two years"),
        count("inquiries_half_year", "inq_last_6mths", "credit inquiries in the last six months"),
        count("inquiries_year", "inq_last_12m", "credit inquiries in the last twelve months"),
        count("finance_inquiries", "inq_fi", "personal finance inquiries"),
        count("delinquent_accounts", "acc_now_delinq", "past due now"),
        Column("past_due_usd", "double", field="delinq_amnt", unit="USD", doc="owed on those accounts"),
        Column("revolving_used_pct", "double", field="revol_util", unit="%", doc="share of the revolving credit line"),
        Column("credit_used_pct", "double", field="all_util", unit="%", doc="balance by limit, all accounts"),
        count("installment_accounts", "num_il_tl", "all"),
        count("installments_active", "open_il_6m", "accounts active now"),
        count("installments_opened_year", "open_il_12m", "accounts opened in the last twelve months"),
        count("installments_opened_two_years", "open_il_24m", "accounts opened in the last 24 months"),
        Column("installment_balance_usd", "double", field="total_bal_il", unit="USD"),
        Column("installment_limit_usd", "double", field="total_il_high_credit_limit", unit="USD"),
    ),
    expect=(
        quarantine("amount_is_lent_here", "funded_usd between 500 and 40000"),
        quarantine("term_is_offered", "term_months in (36, 60)"),
        quarantine("rate_is_legal", "interest_rate_pct between 0 and 36"),
        quarantine("sub_grade_is_a_grade", "sub_grade rlike '^[A-G][1-5]$'"),
        quarantine("state_has_two_letters", "state rlike '^[A-Z]{2}$'"),
        quarantine("verification_is_known", "verification in ('Not_Verified', 'Source_Verified', 'Verified')"),
        quarantine("income_is_not_negative", "annual_income_usd >= 0"),
        quarantine("employment_is_in_years", "employment_years between 0 and 10"),
        quarantine("use_is_not_negative", "least(revolving_used_pct, credit_used_pct) >= 0"),
        quarantine(
            "counts_are_not_negative",
            "least(delinquencies, inquiries_half_year, inquiries_year, finance_inquiries, delinquent_accounts, "
            "installment_accounts, installments_active, installments_opened_year, installments_opened_two_years) >= 0",
        ),
        quarantine("sums_are_not_negative", "least(past_due_usd, installment_balance_usd, installment_limit_usd) >= 0"),
        warn("income_is_stated", "annual_income_usd > 0"),
    ),
    doc="Loans as applied for and granted: all that is known when the money is paid out. They have no dates.",
)

LOAN_OUTCOMES = Table(
    "loan_outcomes",
    source="loans",
    key=("loan_id",),
    columns=(
        Column("loan_id", "string"),
        Column("is_bad", "double", doc="1 if it was not paid back as agreed, 0 if it was"),
        Column("funded_usd", "double", field="funded_amnt", unit="USD"),
        Column("interest_rate_pct", "double", field="int_rate", unit="%"),
    ),
    expect=(
        quarantine("outcome_is_a_flag", "is_bad in (0, 1)"),
        quarantine("amount_is_lent_here", "funded_usd between 500 and 40000"),
        quarantine("rate_is_legal", "interest_rate_pct between 0 and 36"),
    ),
    doc="What became of the loans: 517 of 9,857 went bad. When that was known, the source does not say.",
)

PAYMENTS = Table(
    "payments",
    source="payments",
    key=("payment_id",),
    event_time="paid_at",
    available_at="paid_at",
    columns=(
        Column("payment_id", "string"),
        Column("paid_at", "timestamp"),
        Column("customer_id", "string"),
        Column("terminal_id", "string"),
        Column("amount_usd", "double", unit="USD"),
        Column("is_simulated", "boolean", field="simulated"),
    ),
    expect=(
        quarantine("payment_is_simulated", "is_simulated"),
        quarantine("amount_is_payable", "amount_usd between 0.01 and 10000"),
        quarantine("customer_is_named", "customer_id rlike '^C[0-9]{6}$'"),
        quarantine("terminal_is_named", "terminal_id rlike '^T[0-9]{6}$'"),
    ),
    doc="Simulated card payments (payments.py says how), known as they are made.",
)

PAYMENT_LABELS = Table(
    "payment_labels",
    source="payment_labels",
    key=("payment_id",),
    event_time="paid_at",
    available_at="known_at",
    columns=(
        Column("payment_id", "string"),
        Column("paid_at", "timestamp"),
        Column("customer_id", "string"),
        Column("terminal_id", "string"),
        Column("is_fraud", "double", doc="1 or 0"),
        Column("known_at", "timestamp", doc="the end of the seventh day after the payment's"),
        Column("is_simulated", "boolean", field="simulated"),
    ),
    expect=(
        quarantine("label_is_simulated", "is_simulated"),
        quarantine("fraud_is_a_flag", "is_fraud in (0, 1)"),
        quarantine("label_comes_after_the_payment", "known_at > paid_at"),
        quarantine("customer_is_named", "customer_id rlike '^C[0-9]{6}$'"),
        quarantine("terminal_is_named", "terminal_id rlike '^T[0-9]{6}$'"),
    ),
    doc="Whether a simulated payment was a fraud, known a week later.",
)
