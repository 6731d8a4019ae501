"""What an account's six months come to."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

_MONTHS = (1, 2, 3, 4, 5, 6)


def accounts(rows: DataFrame) -> DataFrame:
    """Bills and payments by the limit, and delays over the months."""
    bills, paid, delays = (
        [F.col(name.format(month)) for month in _MONTHS] for name in ("bill_{}_twd", "paid_{}_twd", "delay_{}")
    )
    limit = F.col("limit_twd")
    late = [F.greatest(delay, F.lit(0)) for delay in delays]
    used = [bill / limit for bill in bills]
    return rows.withColumns(
        {
            **{f"used_{month}": used[month - 1] for month in _MONTHS},
            # a month's payment is of the bill of the month before
            **{f"left_{month}": (bills[month] - paid[month - 1]) / limit for month in _MONTHS[:-1]},
            "used_mean": sum(used[1:], used[0]) / len(used),
            "used_change": used[0] - used[-1],
            "paid_by_billed": sum(paid[1:], paid[0])
            / F.nullif(F.greatest(sum(bills[1:], bills[0]), F.lit(0.0)), F.lit(0.0)),
            "months_late": sum([(delay > 0).cast("int") for delay in delays[1:]], (delays[0] > 0).cast("int")),
            "longest_delay": F.greatest(*late),
            "delays_sum": sum(late[1:], late[0]),
            "least_paid_twd": F.least(*paid),
        }
    )
