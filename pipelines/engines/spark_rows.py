"""Flattened examples as a Spark DataFrame, made where they are needed: no row passes through the driver."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from pipelines.contracts.fits import FitPlan, WorkerRecord, Workspace
from pipelines.engines.shards import examples_of, shard_hash
from pipelines.engines.workers import leave_record
from pipelines.models.base import IS_VALIDATION
from pipelines.models.query_groups import QUERY, numbers, teaches
from pipelines.models.rows import LABEL, flatten


def labelled_rows(plan: FitPlan, workspace: Workspace, spark: SparkSession) -> DataFrame:
    """`frame.features`, `label` (double) and `is_validation` of the train and validate spans, labels known, if any are
    needed; where an order is learnt, of the rows that teach one, and `query`, which rises from row to row.

    One partition a worker, which reads its own shard of gold; the order of rows within it is always the same, since the
    bytes of a model of trees depend on it. Each worker leaves its record in the workspace.
    """
    columns = (*plan.frame.features, LABEL)
    schema = T.StructType(
        [T.StructField(name, T.DoubleType()) for name in columns]
        + [T.StructField(IS_VALIDATION, T.BooleanType())]
        + [T.StructField(QUERY, T.LongType()) for _ in range(bool(plan.frame.query))]
    )

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for shard in (shard for batch in batches for shard in batch.column(0).to_pylist()):
            first = 0
            for span, is_validation in ((plan.train, False), (plan.validate, True)):
                examples = examples_of(plan, span, shard, plan.workers)
                if not is_validation:
                    key_hash = shard_hash(examples, plan.frame.entity)
                    leave_record(workspace, WorkerRecord(shard, os.getpid(), len(examples), key_hash))
                rows = flatten(examples, plan.frame).select(list(columns))
                rows = rows.cast(pa.schema([(name, pa.float64()) for name in columns]))
                rows = rows.append_column(IS_VALIDATION, pa.array([is_validation] * len(rows), pa.bool_()))
                if plan.frame.query:
                    query = numbers(examples[plan.frame.query], first)
                    first = int(query[-1]) + 1 if len(query) else first
                    rows = rows.append_column(QUERY, pa.array(query, pa.int64()))
                    rows = rows.filter(pa.array(teaches(rows[LABEL].to_numpy(), query)))
                elif not plan.is_unlabelled:
                    rows = rows.filter(pc.is_valid(rows[LABEL]))
                yield from rows.to_batches()

    return spark.range(0, plan.workers, 1, plan.workers).mapInArrow(read, schema)
