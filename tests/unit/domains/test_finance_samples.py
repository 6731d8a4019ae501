"""The embedded records of finance: real loans, and payments that say of themselves that they are simulated."""

from __future__ import annotations

import csv
from collections import Counter
from itertools import islice
from types import GeneratorType

import pytest

from pipelines.domains.finance.samples import files


@pytest.fixture(scope="module")
def first_days():
    return dict(islice(files(), 5))


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(content.decode().splitlines()))


def test_files_are_made_as_they_are_asked_for(first_days):
    assert isinstance(files(), GeneratorType)
    assert list(first_days) == [
        "loans/2016-01-01.csv",
        *("payments/2018-04-02.csv", "payment_labels/2018-04-09.csv"),
        *("payments/2018-04-03.csv", "payment_labels/2018-04-10.csv"),
    ]


def test_9857_loans_of_which_517_are_bad(first_days):
    loans = rows(first_days["loans/2016-01-01.csv"])
    assert Counter(loan["is_bad"] for loan in loans) == {"0": 9_340, "1": 517}
    assert len({loan["loan_id"] for loan in loans}) == 9_857


def test_coded_levels_are_the_numbers_they_stand_for(first_days):
    loans = rows(first_days["loans/2016-01-01.csv"])
    assert {loan["term"] for loan in loans} == {"36", "60"}
    assert {loan["emp_length"] for loan in loans} == {"", *map(str, range(11))}
    first = loans[0]
    assert (first["loan_id"], first["funded_amnt"], first["sub_grade"], first["emp_length"]) == (
        *("L00001", "16100", "C4", "5"),
    )


def test_a_payments_label_is_known_at_the_end_of_the_seventh_day_after(first_days):
    payments, labels = rows(first_days["payments/2018-04-02.csv"]), rows(first_days["payment_labels/2018-04-09.csv"])
    shared = ("payment_id", "paid_at", "customer_id", "terminal_id")
    assert [[row[name] for name in shared] for row in payments] == [[row[name] for name in shared] for row in labels]
    assert {row["paid_at"][:10] for row in payments} == {"2018-04-01"}
    assert {row["known_at"] for row in labels} == {"2018-04-09T00:00:00Z"}
    assert {row["simulated"] for row in payments + labels} == {"true"}
