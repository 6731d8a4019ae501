"""Twenty features of hourly readings, every reading a cut-off: ours against dbl-tempo, plain PySpark and mlforecast.

Features of a reading are made of those before it: three lags; mean, deviation, least and greatest over 6, 24 and 72
hours; sum and count over 24; the mean of the last 12 rows; two exponentially weighted means. Readings are hourly
without a gap, so windows of rows (mlforecast) and of time (the others) are the same.

The weighted means: ours and plain PySpark's are over 24 hours, with weights that add up to 1; tempo's EMA is over as
many rows, with weights that add up to less until the window is full; mlforecast's is over all rows, from the first on.
Half-lives of half an hour and an hour leave a weight of 2^-24 to what lies a day back, so from 24 rows on all are equal
to a millionth. Before that only plain PySpark's are compared with ours.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from tests.bench import equal
from tests.bench.domains.meters.domain import EWM_H, EWMS, RECENT
from tests.bench.harness import OURS, Figure, Race, Side
from tests.bench.made_series import ROWS_EACH, readings
from tests.bench.sides import conf_of
from tests.bench.sides.twice import LARGE, SMALL

ROWS, SMALL_ROWS, SEED = 3_000_000, 15_000, 1
TEMPO, NAIVE, MLFORECAST = "dbl-tempo", "a window for each feature", "mlforecast"
KEY = ("meter_id", "read_at")
FULL = f"epoch(read_at) >= epoch(timestamp '2024-01-01') + {EWM_H * 3_600}"
PROTOCOL = (
    f"hourly readings (seed {SEED}), {ROWS_EACH} of each meter, 20 features of what was known an hour before each; "
    "parquet in no order to parquet in any. Ours is gold's add_view with one feature view, its rows written as gold's "
    "are. Two threads each, a process "
    "each; 15,000 readings are done first, so that code is loaded and compiled, and only the second work counts, but "
    "where whole processes are said. The reference is mlforecast. Void unless all have the same rows and every value "
    f"is within a millionth of ours; weighted means of {TEMPO} and {MLFORECAST} from {EWM_H} rows on, where their "
    "definitions meet ours"
)


def race(folder: Path, rows: int = ROWS) -> Race:
    """Make the readings of so many rows, rounded down to whole meters."""
    data, ours = folder / "data", folder / "features_ours" / LARGE
    readings(data / SMALL, SMALL_ROWS, SEED)
    readings(data / LARGE, rows // ROWS_EACH * ROWS_EACH, SEED)
    conf = conf_of(folder, folder / "root")
    always = dict.fromkeys(RECENT.names(), "true")

    def emptied(made: Path) -> Callable[[], None]:
        return lambda: shutil.rmtree(made, ignore_errors=True)

    def side(label: str, program: str, *words: Path, ewm_where: str = "true") -> Side:
        made = folder / program
        command = (sys.executable, "-m", f"tests.bench.sides.{program}", *map(str, (*words, data, made)))

        def output(_printed: str) -> str:
            values = {} if label == OURS else always | dict.fromkeys(EWMS, ewm_where)
            return equal.must_be_close(made / LARGE, ours, KEY, values)

        return Side(label, command, made / LARGE, emptied(made), output)

    def compared(peer: str, goal: float | None, mark: float | None) -> Figure:
        return Figure(f"times the seconds of {peer}", peer, goal, mark, cost="work_seconds")

    return Race(
        name="features",
        sides=(
            side(OURS, "features_ours", conf),
            side(TEMPO, "features_tempo", conf, ewm_where=FULL),
            side(NAIVE, "features_naive", conf),
            side(MLFORECAST, "features_mlforecast", ewm_where=FULL),
        ),
        floor=MLFORECAST,
        figures=(
            Figure("20 features, warm, s", "", None, None, cost="work_seconds"),
            compared(TEMPO, 1 / 5, 1 / 2),
            compared(NAIVE, 1 / 5, 1 / 2),
            compared(MLFORECAST, 1 / 0.15, None),
            Figure(f"whole processes: times the seconds of {NAIVE}", NAIVE, None, None),
        ),
        protocol=f"{rows:,} {PROTOCOL}",
    )
