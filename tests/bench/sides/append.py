"""The least that must be done with changed rows: read them, append them to a Delta table of their own."""

from __future__ import annotations

import sys

from tests.bench.sides.spark import started
from tests.bench.sides.spark_parquet import SCHEMA


def main(conf: str, raw: str, made: str) -> None:
    rows = started(conf).read.csv(raw, SCHEMA, header=True, timestampFormat="yyyy-MM-dd HH:mm:ss", escape='"')
    rows.coalesce(1).write.format("delta").save(made)


if __name__ == "__main__":
    main(*sys.argv[1:])
