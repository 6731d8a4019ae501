"""A small delivery into a big table: the product's own path against building the table anew from all files."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np

from tests.bench import equal
from tests.bench.harness import OURS, Figure, Race, Side
from tests.bench.made_orders import orders, revisions
from tests.bench.places import linked
from tests.bench.processes import measured
from tests.bench.sides import conf_of, ours

ROWS, FILES, SEED = 10_000_000, 8, 1
NEW, LATE = 0.01, 0.002
LATE_DAYS, DAYS = 3, 90
DOMAIN = "ordered_shop"
START, REFRESH, FLOOR = "starting Spark", "full refresh", "appending the changed rows"
PROTOCOL = (
    "1 % new rows and 0.2 % late ones (newer statements about orders of the last 3 of 90 days) are delivered to a "
    "silver table that `headrace maintain` has laid out by key: `headrace run --stage land --stage bronze --stage "
    "silver`, against the same run over all files from an empty root. Files taken in before lie untouched in the drop "
    "folder. Bytes are those written below silver/, history included, against one Delta append of the changed rows by "
    "hand, which is the floor as well. Figures leave out the start of Spark, but for those that say so. Void unless "
    "the tables hold equal rows"
)


def race(folder: Path, rows: int = ROWS) -> Race:
    """Build the big table once; each repetition begins with it."""
    first, second = folder / "first", folder / "second"
    orders(1, rows, SEED, dirty=0.0, repeated=0.0).write(first, "2024-06-01", FILES)
    newest = np.arange(rows - rows * LATE_DAYS // DAYS, rows) + 1
    late = np.random.default_rng(SEED).choice(newest, round(rows * LATE), replace=False)
    orders(rows + 1, round(rows * NEW), SEED + 1, dirty=0.0, repeated=0.0).write(second, "2024-06-02-new", 1)
    revisions(np.sort(late), 1, rows, SEED + 2).write(second, "2024-06-02-late", 1)
    root, anew, kept = folder / "root", folder / "anew", folder / "kept"
    conf, conf_anew = conf_of(folder, root, folder / "drops"), conf_of(folder / "for anew", anew)
    source = Path(DOMAIN) / "orders"
    shutil.copytree(first, folder / "drops" / source)
    measured(ours(DOMAIN, conf), root)
    maintain = (sys.executable, "-m", "tests.bench.sides.ours", "maintain", "--domain", DOMAIN, "--conf", str(conf))
    measured(maintain, root)
    shutil.copytree(second, folder / "drops" / source, dirs_exist_ok=True)
    shutil.move(root, kept)

    def all_dropped() -> None:
        shutil.rmtree(anew, ignore_errors=True)
        for files in (first, second):
            shutil.copytree(files, anew / "drops" / source, dirs_exist_ok=True)

    silver, by_hand = f"silver/{DOMAIN}_orders", folder / "hand"
    append = (sys.executable, "-m", "tests.bench.sides.append", *map(str, (conf, second, by_hand)))
    return Race(
        name="increment",
        sides=(
            Side(
                OURS,
                ours(DOMAIN, conf),
                root / "silver",
                lambda: linked(kept, root),
                lambda _: equal.rows_held(root / silver),
            ),
            Side(REFRESH, ours(DOMAIN, conf_anew), anew, all_dropped, lambda _: equal.rows_held(anew / silver)),
            Side(START, (sys.executable, "-m", "tests.bench.sides.spark", str(conf)), folder / "nothing"),
            Side(FLOOR, append, by_hand, lambda: shutil.rmtree(by_hand, ignore_errors=True)),
        ),
        floor=FLOOR,
        figures=(
            Figure("times the seconds of a full refresh", REFRESH, 0.05, 0.15, start=START, start_of_peer=START),
            Figure("bytes written, times those of the changed rows", FLOOR, 3.0, 10.0, cost="bytes_written"),
            Figure("whole process, s", "", None, None),
            Figure("whole processes: times the seconds of a full refresh", REFRESH, None, None),
        ),
        protocol=f"{rows:,} rows in {FILES} CSV files (seed {SEED}). {PROTOCOL}",
    )
