"""The parquet files of a table version as one Arrow dataset, whichever engine wrote them; without a JVM."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.dataset as ds

from pipelines.contracts.fits import Shard
from pipelines.io.failures import WarehouseError
from pipelines.io.s3 import arrow_place

_INSTANT = pa.timestamp("us", tz="UTC")


class UnreadableFiles(WarehouseError):
    """A version's files cannot be read; the message names the table, the version and what to do."""


def dataset(table: Shard) -> ds.Dataset:
    """The files that hold the version, none of whose rows is read yet; instants are timestamp[us, UTC].

    A column that only some files have is null in the others. A page that differs from its checksum ends the reading;
    whether every byte is as it was written, `integrity` tells. UnreadableFiles without a file that can be opened.
    """
    if not table.files:
        raise UnreadableFiles(f"{table.name} at version {table.version} holds no file")
    # Spark writes INT96 by default, which pyarrow would read as nanoseconds: years before 1677 would not fit
    parquet = ds.ParquetFileFormat(
        coerce_int96_timestamp_unit="us",
        default_fragment_scan_options=ds.ParquetFragmentScanOptions(page_checksum_verification=True),
    )
    with unreadable_named(table):
        filesystem, _ = arrow_place(table.files[0])
        files = [parquet.make_fragment(arrow_place(file)[1], filesystem) for file in table.files]
        schema = pa.unify_schemas([pa.schema([_zoned(field) for field in file.physical_schema]) for file in files])
    return ds.FileSystemDataset(files, schema, parquet, filesystem)


@contextmanager
def unreadable_named(table: Shard) -> Iterator[None]:
    """What Arrow cannot read inside is told as UnreadableFiles, which names the table and its version."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        told = " ".join(str(error).split())
        raise UnreadableFiles(
            f"{table.name} at version {table.version} cannot be read: {told}; put what is damaged back from a copy"
        ) from error


def _zoned(field: pa.Field) -> pa.Field:
    return field.with_type(_INSTANT) if pa.types.is_timestamp(field.type) else field
