"""Twenty features by the product's own view of features."""

from __future__ import annotations

import sys
from pathlib import Path

from pyspark.sql import functions as F

from pipelines.contracts.made import picked
from pipelines.io import table_files
from pipelines.stages.gold import add_view
from tests.bench.domains.meters.domain import DOMAIN, LEAD_H, RECENT
from tests.bench.sides.spark import started
from tests.bench.sides.twice import counted


def main(conf: str, data: str, made: str) -> None:
    spark = started(conf)

    def work(read: Path, written: Path) -> None:
        readings = spark.read.parquet(str(read / "readings"))
        cut_at = F.col("read_at") - F.expr(f"interval {LEAD_H} hour")
        asked = readings.select("meter_id", "read_at", cut_at.alias("cut_at"))
        found = add_view(asked, RECENT, DOMAIN, {"readings": readings})
        columns = [name for name in found.columns if name != "cut_at"]
        table_files.write(picked(found, columns), str(written))

    counted(work, data, made)


if __name__ == "__main__":
    main(*sys.argv[1:])
