"""The same rows in every format, packed or not, are the same typed rows."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
from openpyxl import Workbook

from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.io.records import RawFile, records
from pipelines.stages.silver import refine

ROWS = [("a", dt.datetime(2014, 2, 1, 12, 30), 1.5, 7), ("é,中", dt.datetime(2014, 2, 2), None, 8), ("b", None, 2.0, 9)]
NAMES = ("id", "at", "value", "number")
READINGS = Table(
    "readings",
    source="s",
    key=("id",),
    event_time="at",
    columns=(
        Column("id", "string"),
        Column("at", "timestamp", pattern="yyyy-MM-dd'T'HH:mm:ss[.SSSSSS]"),
        Column("value", "double", nullable=True),
        Column("number", "long"),
    ),
)


def text(value: object) -> str:
    return value.isoformat() if isinstance(value, dt.datetime) else "" if value is None else str(value)


def as_csv(end: str) -> str:
    return end.join([",".join(NAMES), *[",".join(f'"{text(value)}"' for value in row) for row in ROWS], ""])


def as_jsonl() -> bytes:
    lines = [json.dumps(dict(zip(NAMES, row, strict=True)), default=text, ensure_ascii=False) for row in ROWS]
    return "\n".join(lines).encode()


def as_parquet() -> bytes:
    content = io.BytesIO()
    pq.write_table(pa.table(dict(zip(NAMES, zip(*ROWS, strict=True), strict=True))), content)
    return content.getvalue()


def as_excel() -> bytes:
    book, content = Workbook(), io.BytesIO()
    for row in (NAMES, *ROWS):
        book.active.append(row)
    book.save(content)
    return content.getvalue()


def test_the_same_rows_in_every_format_are_the_same_typed_rows(spark, tmp_path):
    deliveries = {
        "utf-8.csv": (as_csv("\n").encode(), Source("s", format="csv")),
        "gb18030.csv": (as_csv("\r").encode("gb18030"), Source("s", format="csv", encoding="gb18030")),
        "utf-16.csv.gz": (gzip.compress(as_csv("\r\n").encode("utf-16")), Source("s", format="csv", encoding="utf-16")),
        "lines.jsonl": (as_jsonl(), Source("s", format="jsonl")),
        "lines.jsonl.gz": (gzip.compress(as_jsonl()), Source("s", format="jsonl")),
        "rows.parquet": (as_parquet(), Source("s", format="parquet")),
        "rows.xlsx": (as_excel(), Source("s", format="excel")),
        "torn.parquet": (as_parquet()[:-9], Source("s", format="parquet")),
    }
    files = []
    for number, (name, (content, source)) in enumerate(deliveries.items()):
        (tmp_path / name).write_bytes(content)
        files.append(RawFile(name, str(tmp_path / name), f"{number:064}", source, 0))
    rows = refine(records(spark, files), READINGS, has_header=True).collect()
    found = {name: [row for row in rows if row["_file"] == name] for name in deliveries}
    [torn] = found.pop("torn.parquet")
    assert (torn["_position"], torn["_reasons"][0][:24]) == (0, "unreadable: not Parquet:")
    for name, of_file in found.items():
        of_file.sort(key=lambda row: row["_position"])
        assert [(row["id"], row["value"], row["number"]) for row in of_file] == [(i, v, n) for i, _, v, n in ROWS], name
        assert [row["at"] and row["at"].isoformat() for row in of_file] == [t and t.isoformat() for _, t, _, _ in ROWS]
        assert [row["_reasons"] for row in of_file] == [[], [], ["empty: at"]], name
