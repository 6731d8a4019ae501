"""DuckDB on two threads: scan, filter, the newest row of each key, parquet. What it cannot read is left out."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

QUERY = """
copy (
    select * from read_csv('{raw}/*.csv', header = true, ignore_errors = true, auto_detect = false, delim = ',',
        quote = '"', escape = '"', timestampformat = '%Y-%m-%d %H:%M:%S', columns = {{
            'order_id': 'bigint', 'ordered_at': 'timestamp', 'revised_at': 'timestamp', 'customer_id': 'varchar',
            'region': 'varchar', 'quantity': 'integer', 'price_usd': 'double', 'note': 'varchar'}})
    where order_id is not null and quantity between 1 and 1000 and price_usd >= 0
    qualify row_number() over (partition by order_id order by revised_at desc) = 1
) to '{made}/orders.parquet' (format parquet)
"""


def main(raw: str, made: str) -> None:
    Path(made).mkdir(parents=True, exist_ok=True)
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute("set preserve_insertion_order = false")
        connection.execute(QUERY.format(raw=raw, made=made))


if __name__ == "__main__":
    main(*sys.argv[1:])
