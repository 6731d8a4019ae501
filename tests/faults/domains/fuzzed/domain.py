"""The declaration of fuzzed: the same columns from four sources. Without expectations: reading alone decides."""

from pipelines.contracts.domain import Domain
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table

COLUMNS = (
    Column("item_id", "string"),
    Column("pieces", "int"),
    Column("total", "bigint"),
    Column("amount", "decimal(12,2)"),
    Column("share", "double"),
    Column("noted_at", "timestamp", pattern=("yyyy-MM-dd'T'HH:mm[:ss][.SSSSSS]XXX", "yyyy-MM-dd HH:mm:ss")),
    Column("is_open", "boolean", nullable=True),
    Column("note", "string", nullable=True),
)
SOURCES = (
    Source("csv_utf8", format="csv"),
    Source("csv_gb18030", format="csv", encoding="gb18030"),
    Source("lines", format="jsonl"),
    Source("rows", format="parquet"),
)
DOMAIN = Domain(
    name="fuzzed",
    owner="tests",
    question="What becomes of a record of any kind?",
    sources=SOURCES,
    tables=tuple(
        Table(source.name, source=source.name, key=("item_id",), event_time="noted_at", columns=COLUMNS)
        for source in SOURCES
    ),
)
