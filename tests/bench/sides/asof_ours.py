"""The newest known price by the product's own view of features."""

from __future__ import annotations

import sys
from pathlib import Path

from pipelines.io import table_files
from pipelines.stages.gold import add_view, known
from tests.bench.domains.market.domain import DOMAIN, NEWEST
from tests.bench.sides.spark import started
from tests.bench.sides.twice import counted


def main(conf: str, data: str, made: str) -> None:
    spark = started(conf)

    def work(read: Path, written: Path) -> None:
        asked, quotes = (spark.read.parquet(str(read / name)) for name in ("asked", "quotes"))
        statements = known(DOMAIN, {"quotes": quotes.drop("known_until")}, {})
        table_files.write(add_view(asked, NEWEST, DOMAIN, statements), str(written))

    counted(work, data, made)


if __name__ == "__main__":
    main(*sys.argv[1:])
