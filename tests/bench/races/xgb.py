"""A hundred boosted trees on a million events: ours on Spark against plain xgboost and pyspark.ml's own.

From gold's parquet files to a model file: cut-offs with thirty numbers, outcomes in a table of their own. Plain xgboost
gets both joined by Polars and has them in memory as one matrix, and computes the same curves over both spans.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from tests.bench.harness import OURS, Figure, Race, Side, VoidRace
from tests.bench.made_events import FEATURES, JUDGED, events
from tests.bench.sides import conf_of
from tests.bench.sides.boosting import TREES
from tests.bench.sides.twice import LARGE, SMALL

ROWS, SMALL_ROWS, SEED = 1_000_000, 15_000, 1
PLAIN, MLLIB = "xgboost in one process", "a twentieth of the trees by MLlib's GBTClassifier"
FEW = TREES // 20
TOLERANCE = 0.002
PROTOCOL = (
    f"events (seed {SEED}) with {len(FEATURES)} numbers to train on, a {JUDGED}th as many to validate and as many to "
    f"test on; {TREES} trees of depth 6 from gold's parquet files to a model file. Ours is the engine xgboost_spark "
    f"with two workers of one thread; plain xgboost has two threads; MLlib makes {FEW} trees in the same Spark. A "
    "process each; 15,000 events are done first, so that code is loaded and compiled, and only the second work counts, "
    f"but where whole processes are said. The reference is {PLAIN}. Void unless the areas under ours' and {PLAIN}'s "
    f"ROC curves over the test rows are within {TOLERANCE}"
)


def race(folder: Path, rows: int = ROWS) -> Race:
    """Make so many events to train on, and those to judge by."""
    data = folder / "data"
    events(data / SMALL, SMALL_ROWS, SEED)
    events(data / LARGE, rows, SEED)
    conf = conf_of(folder, folder / "root")
    areas: list[float] = []

    def emptied(made: Path) -> Callable[[], None]:
        return lambda: shutil.rmtree(made, ignore_errors=True)

    def close(printed: str) -> str:
        told = re.search(r"^auc (\S+)$", printed, flags=re.MULTILINE)
        if told is None:
            raise VoidRace(f"xgb: no area under the curve was told: {printed[-500:]}")
        areas.append(float(told[1]))
        if max(areas) - min(areas) > TOLERANCE:
            raise VoidRace(f"xgb: areas under the curve of {min(areas)} and {max(areas)}; void")
        return ""

    def side(label: str, program: str, *words: str, output: Callable[[str], str]) -> Side:
        made = folder / program
        command = (sys.executable, "-m", f"tests.bench.sides.{program}", *words, str(data), str(made))
        return Side(label, command, made / LARGE, emptied(made), output)

    return Race(
        name="xgb",
        sides=(
            side(OURS, "boosting_ours", str(conf), output=close),
            side(PLAIN, "boosting_plain", output=close),
            side(MLLIB, "boosting_mllib", str(conf), str(FEW), output=lambda _: ""),
        ),
        floor=PLAIN,
        figures=(
            Figure("100 trees, warm, s", "", None, None, cost="work_seconds"),
            Figure(f"times the seconds of {PLAIN}", PLAIN, 1.5, 3.0, cost="work_seconds"),
            Figure(f"times the seconds of {MLLIB}", MLLIB, 1.0, None, cost="work_seconds"),
            Figure(f"whole processes: times the seconds of {PLAIN}", PLAIN, None, None),
            Figure(f"peak memory, times that of {PLAIN}", PLAIN, None, None, cost="peak_mib"),
        ),
        protocol=f"{rows:,} {PROTOCOL}",
    )
