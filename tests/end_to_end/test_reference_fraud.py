"""183 days of card payments, a file a day: every payment is held, whatever the order in which the days come."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from pipelines import runner
from pipelines.io.ledger import Ledger
from pipelines.io.table_hash import table_hash
from pipelines.settings import Settings
from tests.house import query, settings_on, tables
from tests.reference import TO_SILVER, deliver, reference, reference_domains

PAYMENTS, LABELS = "silver.fraud_payments", "silver.fraud_labels"


@pytest.fixture(scope="module", autouse=True)
def declared() -> Iterator[None]:
    with reference_domains():
        yield


def days() -> list[Path]:
    return sorted(reference("finance/fraud_handbook").glob("*.csv.gz"))


def taken_in(settings: Settings, batches: Sequence[Sequence[Path]]) -> Settings:
    for batch in batches:
        deliver(settings, "fraud", {f"payments/{day.name}": day.read_bytes() for day in batch})
        assert runner.run(settings, names=["fraud"], stages=TO_SILVER).failures == {}
    return settings


def counted(day: Path) -> tuple[int, int, float]:
    """Payments, frauds and amount of a day, read by plain Python."""
    with gzip.open(day, "rt", newline="") as lines:
        records = list(csv.DictReader(lines))
    frauds = sum(int(record["TX_FRAUD"]) for record in records)
    return len(records), frauds, sum(float(record["TX_AMOUNT"]) for record in records)


def hashes(settings: Settings) -> list[str]:
    pins = Ledger(settings.ledger).pins("fraud")
    return [table_hash(pins[name].path, pins[name].version) for name in (PAYMENTS, LABELS)]


def test_days_in_any_order_end_in_the_same_tables(spark, tmp_path):
    first, second, third = days()[:3]
    settings = taken_in(settings_on(tmp_path / "backfill"), [[third], [first, second]])
    assert hashes(settings) == hashes(taken_in(settings_on(tmp_path / "at once"), [[first, second, third]]))
    totals = [counted(day) for day in (first, second, third)]
    payments = query(settings, "fraud", PAYMENTS, "SELECT count(*), sum(amount) FROM t")
    assert payments == [(sum(number for number, _, _ in totals), pytest.approx(sum(each for _, _, each in totals)))]
    frauds = query(settings, "fraud", LABELS, "SELECT sum(is_fraud) FROM t")
    assert frauds == [(sum(number for _, number, _ in totals),)]
    assert [tables(settings, "fraud")[name]["outcomes"]["quarantined"] for name in (PAYMENTS, LABELS)] == [0, 0]


@pytest.mark.slow
def test_half_a_year_of_payments_is_held_to_the_last(spark, tmp_path):
    settings = taken_in(settings_on(tmp_path), [days()])
    found = tables(settings, "fraud")
    for name in (PAYMENTS, LABELS):
        assert (found[name]["rows"], found[name]["outcomes"]["new"]) == (1_754_155, 1_754_155)
        of_file = {o.file: o for o in Ledger(settings.ledger).file_outcomes("fraud") if o.table == name}
        assert len(of_file) == 183
        assert all(of.rows == sum(of.counts.values()) for of in of_file.values())
    assert query(settings, "fraud", LABELS, "SELECT sum(is_fraud) FROM t") == [(14_681,)]
