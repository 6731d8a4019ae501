"""The same deliveries in two exports: every record is typed, the words among the numbers are kept, and both agree."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from pipelines import runner
from pipelines.domains import domain
from pipelines.settings import Settings
from tests.house import query, settings_on, tables
from tests.reference import TO_SILVER, deliver, reference, reference_domains

COMMA, TAB = "silver.scms_lines_by_comma", "silver.scms_lines_by_tab"
FILES = {"comma": "SCMS_Delivery_History_Dataset.csv.gz", "tab": "SCMS_Delivery_History_Dataset.tsv_cr.gz"}


@pytest.fixture(scope="module", autouse=True)
def declared() -> Iterator[None]:
    with reference_domains():
        yield


@pytest.fixture(scope="module", params=["some", pytest.param("all", marks=pytest.mark.slow)])
def files(request) -> dict[str, bytes]:
    """The packed files with every 25th record, or all, by source."""
    folder = reference("logistics/scms")
    found = {source: (folder / name).read_bytes() for source, name in FILES.items()}
    if request.param == "some":
        for source, content in found.items():
            header, *lines = gzip.decompress(content).splitlines(keepends=True)
            found[source] = gzip.compress(b"".join([header, *lines[::25]]))
    return found


@pytest.fixture(scope="module")
def written(files) -> list[dict[str, str]]:
    """The tab export, read by plain Python."""
    text = gzip.decompress(files["tab"]).decode()
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter="\t"))


@pytest.fixture(scope="module")
def house(spark, declared, files, tmp_path_factory) -> Settings:
    settings = settings_on(tmp_path_factory.mktemp("scms"))
    deliver(settings, "scms", {f"{source}/{FILES[source]}": content for source, content in files.items()})
    as_of = datetime(2015, 10, 1, tzinfo=UTC)
    assert runner.run(settings, names=["scms"], stages=TO_SILVER, as_of=as_of).failures == {}
    return settings


def test_every_record_is_typed(house, written):
    assert len(written) in (413, 10_324)
    for name in (COMMA, TAB):
        counts = tables(house, "scms")[name]["outcomes"]
        assert {outcome: number for outcome, number in counts.items() if number} == {
            "in": len(written),
            "new": len(written),
        }


def test_every_field_is_in_a_column(written):
    for table in domain("scms").tables:
        assert {column.field for column in table.columns} == set(written[0])


def test_both_exports_say_the_same(house, written):
    columns = ", ".join(column.name for column in domain("scms").table("lines_by_tab").columns)
    comma, tab = (query(house, "scms", name, f"SELECT {columns} FROM t ORDER BY line_id") for name in (COMMA, TAB))
    assert len(tab) == len(written)
    assert [(one, other) for one, other in zip(comma, tab, strict=True) if one != other] == []


@pytest.mark.parametrize(
    ("field", "number", "note"),
    [
        ("Weight (Kilograms)", "weight_kg", "weight_note"),
        ("Freight Cost (USD)", "freight_usd", "freight_note"),
    ],
)
def test_a_number_or_the_words_in_its_place(house, written, field, number, note):
    texts = [record[field] for record in written]
    numbers = [Decimal(text) for text in texts if re.fullmatch(r"[0-9.]+", text)]
    words = Counter(text for text in texts if not re.fullmatch(r"[0-9.]+", text))
    held = query(house, "scms", TAB, f"SELECT count({number}), sum({number}) FROM t")
    assert held == [(len(numbers), sum(numbers))]
    assert dict(query(house, "scms", TAB, f"SELECT {note}, count(*) FROM t WHERE {number} IS NULL GROUP BY 1")) == words
    assert query(house, "scms", TAB, f"SELECT count(*) FROM t WHERE {note} IS NOT NULL AND {number} IS NOT NULL") == [
        (0,)
    ]


@pytest.mark.parametrize(
    ("field", "day", "note"),
    [
        ("PQ First Sent to Client Date", "quote_sent_on", "quote_sent_note"),
        ("PO Sent to Vendor Date", "order_sent_on", "order_sent_note"),
    ],
)
def test_a_day_or_the_words_in_its_place(house, written, field, day, note):
    texts = {record["ID"]: record[field] for record in written}
    for name in (COMMA, TAB):
        held = query(house, "scms", name, f"SELECT line_id, {day}, {note} FROM t")
        assert {line: f"{at.month}/{at.day}/{at:%y}" if at else words for line, at, words in held} == texts
