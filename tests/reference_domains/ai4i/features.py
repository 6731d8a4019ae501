"""What a machine's readings say together."""

from __future__ import annotations

import math

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def readings(rows: DataFrame) -> DataFrame:
    """Mechanical power, warmth that is not carried away, and the load on a worn tool."""
    return rows.withColumns(
        {
            "power_w": F.col("torque_nm") * F.col("speed_rpm") * F.lit(2.0 * math.pi / 60.0),
            "temp_gap_k": F.col("process_temp_k") - F.col("air_temp_k"),
            "strain_nmmin": F.col("torque_nm") * F.col("wear_min"),
        }
    )
