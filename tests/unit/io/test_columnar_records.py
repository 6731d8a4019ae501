"""Rows of Parquet and of Excel are records like any other: text that loses nothing, and damage that is told."""

from __future__ import annotations

import datetime as dt
import gzip
import io
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from pipelines.contracts.sources import Source
from tests.raw_files import records_of

PARQUET = Source("s", format="parquet")


def parquet(columns: dict[str, pa.Array], **options: Any) -> bytes:
    content = io.BytesIO()
    pq.write_table(pa.table(columns), content, **options)
    return content.getvalue()


def excel(sheets: dict[str, list[list[Any]]]) -> bytes:
    book, content = Workbook(), io.BytesIO()
    book.remove(book.active)
    for name, rows in sheets.items():
        page = book.create_sheet(name)
        for row in rows:
            page.append(row)
    book.save(content)
    return content.getvalue()


NOON = dt.datetime(2014, 2, 1, 12, 30, 0, 250_000)


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (pa.array([2**63 - 1]), "9223372036854775807"),
        (pa.array([0.1]), "0.1"),
        (pa.array([0.1], pa.float32()), "0.1"),
        (pa.array([Decimal("1.50")]), "1.50"),
        (pa.array([True]), "true"),
        (pa.array(["é"]).dictionary_encode(), "é"),
        (pa.array([b"plain"]), "plain"),
        (pa.array([dt.date(2014, 2, 1)]), "2014-02-01"),
        (pa.array([NOON], pa.timestamp("ms")), "2014-02-01T12:30:00.250000"),
        (pa.array([NOON], pa.timestamp("ns", "Europe/Berlin")), "2014-02-01T12:30:00.250000Z"),
        (pa.array([1], pa.timestamp("ns")), "1970-01-01T00:00:00.000000001"),
        (pa.array([[1, None]]), "[1, null]"),
        (pa.array([{"a": dt.date(2014, 2, 1)}]), '{"a": "2014-02-01"}'),
        (pa.array([None]), None),
    ],
)
def test_a_value_of_any_type_is_text_that_loses_nothing(tmp_path, column, text):
    [record] = records_of(tmp_path, parquet({"a": column}), PARQUET)
    assert (record.position, record.fields, record.problem) == (1, {"a": text}, "")


@given(st.lists(st.floats(allow_nan=False)))
def test_a_number_is_the_same_number_as_text(tmp_path_factory, numbers):
    found = records_of(tmp_path_factory.getbasetemp(), parquet({"a": pa.array(numbers, pa.float64())}), PARQUET)
    assert [float(record.fields["a"] or "") for record in found] == numbers


def test_bytes_that_are_no_text_cost_their_row_alone(tmp_path):
    not_text = pa.Array.from_buffers(pa.string(), 2, pa.array([b"\xff", b"x"]).buffers())
    found = records_of(
        tmp_path, parquet({"a": not_text, "b": pa.array([b"y", b"\xfe"]), "c": pa.array([1, 2])}), PARQUET
    )
    assert [(record.raw, record.fields, record.problem) for record in found] == [
        ('{"a": "\\xff", "b": "y", "c": "1"}', {}, "not UTF-8"),
        ('{"a": "x", "b": "\\xfe", "c": "2"}', {}, "not UTF-8"),
    ]


def test_rows_of_a_damaged_part_are_told_and_all_others_are_read(tmp_path):
    whole = parquet({"a": pa.array(range(30))}, row_group_size=10, compression="snappy", use_dictionary=False)
    meta = pq.ParquetFile(io.BytesIO(whole)).metadata
    start = meta.row_group(1).column(0).data_page_offset
    damaged = whole[:start] + b"\xff" * 20 + whole[start + 20 :]
    found = records_of(tmp_path, damaged, PARQUET)
    assert [record.fields["a"] for record in found if not record.problem] == [
        str(number) for number in (*range(10), *range(20, 30))
    ]
    [lost] = [record for record in found if record.problem]
    assert lost.position == 11 and lost.problem.startswith("rows 11 to 20 cannot be read: ")


def test_a_file_that_cannot_be_opened_is_one_record_that_says_so(tmp_path):
    [record] = records_of(tmp_path, parquet({"a": pa.array([1])})[:-3], PARQUET)
    assert record.position == 0 and record.problem.startswith("not Parquet: ")
    [record] = records_of(tmp_path, b"a,b\n", Source("s", format="excel"))
    assert (record.position, record.problem) == (0, "not Excel: BadZipFile: File is not a zip file")


ROWS = [
    [],
    ["id", "at", "value", "is_final"],
    [1, NOON.replace(microsecond=0), 1.5, True],
    [None, None, None, None],
    ["x", dt.datetime(2014, 2, 1), None, "#N/A"],
    [1, 2, 3, 4, 5],
]


def test_a_sheet_is_read_by_row_and_blank_rows_are_no_records(tmp_path):
    found = records_of(tmp_path, excel({"notes": [["x"]], "data": ROWS}), Source("s", format="excel", sheet="data"))
    assert [(record.position, record.raw, record.problem) for record in found] == [
        (3, '["1", "2014-02-01T12:30:00", "1.5", "true"]', ""),
        (5, '["x", "2014-02-01T00:00:00", null, "#N/A"]', ""),
        (6, '["1", "2", "3", "4", "5"]', "5 fields where the header has 4"),
    ]
    assert found[0].fields == {"id": "1", "at": "2014-02-01T12:30:00", "value": "1.5", "is_final": "true"}


def test_the_first_sheet_is_read_where_none_is_named_and_one_that_lacks_is_told(tmp_path):
    content = excel({"one": [["a"], [1]], "two": [["a"], [2]]})
    assert [record.fields for record in records_of(tmp_path, content, Source("s", format="excel"))] == [{"a": "1"}]
    packed = records_of(tmp_path, gzip.compress(content), Source("s", format="excel", sheet="two"), "f.xlsx.gz")
    assert [record.fields for record in packed] == [{"a": "2"}]
    [record] = records_of(tmp_path, content, Source("s", format="excel", sheet="three"))
    assert record.problem == "no sheet 'three' among one, two"


WHOLE = {
    "parquet": parquet({"a": pa.array(range(100)), "b": pa.array(["é"] * 100)}, row_group_size=30),
    "excel": excel({"s": [["a", "b"], *([number, "é"] for number in range(20))]}),
}


@pytest.mark.parametrize("form", ["parquet", "excel"])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_no_damage_stops_the_reading_or_gives_two_records_one_place(tmp_path_factory, form, data):
    whole = bytearray(WHOLE[form])
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=5)):
        whole[place] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(whole)))
    source = Source("s", format=form)
    found = records_of(
        tmp_path_factory.getbasetemp(), bytes(whole[: end if data.draw(st.booleans()) else len(whole)]), source
    )
    assert len({record.position for record in found}) == len(found)
    assert found
