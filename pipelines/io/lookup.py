"""What tables hold of some rows' keys: files that can hold none are left alone, and a few are looked through here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.contracts.fits import Shard
from pipelines.contracts.shares import HELD_FILE, HELD_ROW
from pipelines.io import delta_log, file_ranges, table_files
from pipelines.io.integrity import must_be_as_long, must_be_whole
from pipelines.io.lock import local_path
from pipelines.io.s3 import arrow_place
from pipelines.io.upsert import BROADCAST_ROWS

if TYPE_CHECKING:  # a run that finds nothing to do shall not wait for their import
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

LOOKED_THROUGH_BYTES = 32 * 1024**2
"""Files of all tables together, up to which they are looked through sooner here than planned for by Spark."""


@dataclass(frozen=True)
class Held:
    """A version of a table."""

    table: str
    path: str
    version: int


def of_keys(
    spark: SparkSession, among: Sequence[Held], rows: DataFrame, key: Sequence[str], most: int
) -> list[DataFrame]:
    """Of each table the rows with a key of `rows`, each with HELD_FILE and HELD_ROW. A key with a null is no row's.

    most: so many `rows` there are at most. Up to BROADCAST_ROWS their keys alone are read here, at once; of more they
    are read again whenever the result is, so better cached.
    """
    from pyspark.sql import functions as F

    lying = [file_ranges.lying(held.path, held.version, key) for held in among]
    ranges = list(dict.fromkeys(files.within for of_table in lying for files in of_table))
    keys, here, touched = rows.select(*key), None, []
    if ranges and most <= BROADCAST_ROWS:  # looked at here they take Spark no plan and no code of its own
        here = keys.toArrow().drop_null()
        touched = file_ranges.of_keys(here, ranges)
    elif ranges:
        count, touched = file_ranges.touched(keys.dropna(), ranges, key)
        keys = F.broadcast(keys) if count <= BROADCAST_ROWS else keys
    near = [[files for files in of_table if files.within in touched] for of_table in lying]
    if here is not None and _is_alike(here) and _size(near) <= LOOKED_THROUGH_BYTES:
        return [_looked_up(spark, held, _names(files), here) for held, files in zip(among, near, strict=True)]
    if here is not None:
        keys = F.broadcast(spark.createDataFrame(here.combine_chunks()))  # see below
    found = []
    for held, files in zip(among, near, strict=True):
        placed = table_files.read(spark, held.path, held.version, _names(files), is_placed=True)
        found.append(placed.join(keys, list(key), "left_semi") if files else placed)
    return found


def _looked_up(spark: SparkSession, held: Held, names: Sequence[str], keys: pa.Table) -> DataFrame:
    import pyarrow as pa

    # Imported here: see above.
    from pipelines.io.parquet_files import unreadable_named

    files = tuple(f"{held.path}/{name}" for name in names)
    if (folder := local_path(held.path)) is not None:
        sizes = delta_log.sizes_by_name(held.path, held.version)
        must_be_as_long({str(folder / name): sizes[name] for name in names})
        must_be_whole(held.table, files)
    schema = delta_log.arrow_schema(held.path, held.version)
    placed = schema.append(pa.field(HELD_FILE, pa.string())).append(pa.field(HELD_ROW, pa.int64()))
    with unreadable_named(Shard(held.table, held.version, files)):
        found = pa.concat_tables([placed.empty_table(), *_rows(files, keys, placed)])
    # of several parts Spark reads none after an empty one, without a word
    return spark.createDataFrame(found.combine_chunks(), table_files.placed_columns(held.path, held.version))


def _rows(files: Sequence[str], keys: pa.Table, placed: pa.Schema) -> Iterator[pa.Table]:
    """Of each row group the rows with one of the keys; a column that it lacks is null."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    of_key = pa.schema([placed.field(column) for column in (*keys.column_names, HELD_ROW)])
    wanted = keys.cast(pa.schema(list(of_key)[:-1]))
    for file in files:
        store, place = arrow_place(file)
        # Spark's default for instants, INT96, would be nanoseconds
        with pq.ParquetFile(place, filesystem=store, coerce_int96_timestamp_unit="us") as content:
            first = 0
            for group in range(content.num_row_groups):
                rows = content.read_row_group(group)
                rows = rows.append_column(HELD_FILE, pa.repeat(place.rpartition("/")[2], len(rows)))
                rows = rows.append_column(HELD_ROW, pa.array(np.arange(first, first + len(rows))))
                columns = [rows[c] if c in rows.column_names else pa.nulls(len(rows)) for c in placed.names]
                rows = pa.Table.from_arrays(columns, names=placed.names)
                # Arrow carries no maps and lists through a join
                keyed = rows.select(of_key.names).cast(of_key).join(wanted, wanted.column_names, join_type="left semi")
                yield rows.take(pc.subtract(keyed[HELD_ROW].combine_chunks().sort(), first)).cast(placed)
                first += len(rows)


def _is_alike(keys: pa.Table) -> bool:
    """Whether Arrow finds the same keys alike as Spark does, for which -0.0 is 0.0."""
    import pyarrow as pa

    kinds = [field.type for field in keys.schema]
    return not any(pa.types.is_floating(kind) or pa.types.is_nested(kind) for kind in kinds)


def _names(near: Sequence[file_ranges.Lying]) -> list[str]:
    return [name for files in near for name in files.names]


def _size(near: Sequence[Sequence[file_ranges.Lying]]) -> int:
    return sum(files.size for of_table in near for files in of_table)
