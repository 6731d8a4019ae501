"""Raw records to the rows that a domain's parser derives from them, file by file."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import types as T

from pipelines.contracts.records import Fields, Parser, ParserError, Unparsed

ROWS_A_BATCH = 10_000
NO_ROW = "the parser makes no row of it"

Row = dict[str, Any]


def derived(records: DataFrame, parser: Parser) -> DataFrame:
    """Records as the parser understands them: `_fields` are those of a row derived from a record, `_ordinal` numbers
    the rows of one record from 0, all other columns are the record's.

    records: `_file`, `_position`, `_problem`, `_fields` and any others; files may lie anywhere and in any order.
    A record with a `_problem` stays as it is; one that the parser does not understand gets its words as `_problem`.
    A file is parsed by one task, since its order may have a meaning. Raises ParserError if the parser loses step.
    """
    schema = T.StructType([*records.schema.fields, T.StructField("_ordinal", T.IntegerType())])

    def parse(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        types: list[pa.Schema] = []

        def rows() -> Iterator[Row]:
            for batch in batches:
                types[:1] = [batch.schema.append(pa.field("_ordinal", pa.int32()))]
                yield from batch.to_pylist(maps_as_pydicts="strict")

        chunk: list[Row] = []
        for _, of_file in groupby(rows(), key=itemgetter("_file")):
            for row in derived_rows(of_file, parser):
                chunk.append(row)
                if len(chunk) == ROWS_A_BATCH:
                    yield pa.RecordBatch.from_pylist(chunk, schema=types[0])
                    chunk = []
        if chunk:
            yield pa.RecordBatch.from_pylist(chunk, schema=types[0])

    in_order = records.repartition("_file").sortWithinPartitions("_file", "_position")
    return in_order.mapInArrow(parse, schema)


def derived_rows(records: Iterator[Row], parser: Parser) -> Iterator[Row]:
    """The rows of one file's records, in order, as `derived` describes them."""
    waiting: deque[Row] = deque()  # what the parser has taken and not yet answered, and what is not for it in between

    def readable() -> Iterator[Fields]:
        for record in records:
            waiting.append(record)
            if record["_problem"] is None:
                yield record["_fields"]

    for answer in parser(readable()):
        yield from _passed_over(waiting)
        if not waiting:
            raise ParserError(f"{_place(parser)}: gives more answers than there are records")
        yield from _answered(waiting.popleft(), answer)
    yield from _passed_over(waiting)
    left = sum(record["_problem"] is None for record in (*waiting, *records))
    if left:
        raise ParserError(f"{_place(parser)}: leaves {left} records of a file without an answer")


def _passed_over(waiting: deque[Row]) -> Iterator[Row]:
    while waiting and waiting[0]["_problem"] is not None:
        yield {**waiting.popleft(), "_ordinal": 0}


def _answered(record: Row, answer: Sequence[Fields] | Unparsed) -> Iterator[Row]:
    if isinstance(answer, Unparsed) or not answer:
        yield {**record, "_problem": answer.why if isinstance(answer, Unparsed) else NO_ROW, "_ordinal": 0}
    else:
        for ordinal, fields in enumerate(answer):
            yield {**record, "_fields": fields, "_ordinal": ordinal}


def _place(parser: Parser) -> str:
    return f"{parser.__module__}.{parser.__qualname__}"
