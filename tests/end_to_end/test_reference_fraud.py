"""183 days of card payments, a file a day: every payment is held."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from pipelines import runner
from pipelines.io.ledger import Ledger
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


def short(day: Path) -> dict[str, bytes]:
    """The first and the last 200 payments of a day, packed like all of them, by the file's name."""
    with gzip.open(day) as lines:
        header, *payments = lines
    return {f"payments/{day.name}": gzip.compress(b"".join([header, *payments[:200], *payments[-200:]]))}


def taken_in(settings: Settings, batches: Sequence[dict[str, bytes]]) -> Settings:
    for files in batches:
        deliver(settings, "fraud", files)
        assert runner.run(settings, names=["fraud"], stages=TO_SILVER).failures == {}
    return settings


@pytest.mark.slow
def test_a_day_that_comes_late_is_held_like_the_others(spark, tmp_path):
    first, second = (short(day) for day in (days()[3], days()[40]))
    settings = taken_in(settings_on(tmp_path), [second, first])
    texts = [gzip.decompress(content).decode() for content in (first | second).values()]
    records = [row for text in texts for row in csv.DictReader(io.StringIO(text))]
    amount = pytest.approx(sum(float(record["TX_AMOUNT"]) for record in records))
    assert query(settings, "fraud", PAYMENTS, "SELECT count(*), sum(amount) FROM t") == [(800, amount)]
    frauds = sum(int(record["TX_FRAUD"]) for record in records)
    assert frauds and query(settings, "fraud", LABELS, "SELECT sum(is_fraud) FROM t") == [(frauds,)]
    assert [tables(settings, "fraud")[name]["outcomes"]["quarantined"] for name in (PAYMENTS, LABELS)] == [0, 0]


@pytest.mark.slow
def test_half_a_year_of_payments_is_held_to_the_last(spark, tmp_path):
    settings = taken_in(settings_on(tmp_path), [{f"payments/{day.name}": day.read_bytes() for day in days()}])
    found = tables(settings, "fraud")
    for name in (PAYMENTS, LABELS):
        assert (found[name]["rows"], found[name]["outcomes"]["new"]) == (1_754_155, 1_754_155)
        of_file = {o.file: o for o in Ledger(settings.ledger).file_outcomes("fraud") if o.table == name}
        assert len(of_file) == 183
        assert all(of.rows == sum(of.counts.values()) for of in of_file.values())
    assert query(settings, "fraud", LABELS, "SELECT sum(is_fraud) FROM t") == [(14_681,)]
