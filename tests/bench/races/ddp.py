"""A net of a million weights trained by two ranks of one thread, against one process with one thread and with two."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from tests.bench.harness import OURS, Figure, Race, Side, VoidRace
from tests.bench.made_events import FEATURES, JUDGED, events
from tests.bench.sides import conf_of
from tests.bench.sides.net import BATCH, EPOCHS, HIDDEN

ROWS, SEED = 200_000, 1
TORCH, ONE, TWO = "torch's ranks", "one process, one thread", "one process, two threads"
TOLERANCE = 0.005
PROTOCOL = (
    f"events (seed {SEED}) with {len(FEATURES)} numbers to train on and a {JUDGED}th as many to validate on: an MLP of "
    f"{HIDDEN} units, {EPOCHS} epochs at a global batch of {BATCH}. Ours is two ranks by Horovod with one thread each; "
    f"beside it two ranks by torch.distributed, and one process with one and with two threads. A process each; what "
    "comes after the first epoch counts as work, so no start, no reading, but where whole processes are said. Void "
    f"unless the last validate losses are within {TOLERANCE}; the ranks' batches hold other rows, so weights differ"
)


def race(folder: Path, rows: int = ROWS) -> Race:
    """Make so many events to train on."""
    data, conf, losses = folder / "data", conf_of(folder, folder / "root"), []
    events(data, rows, SEED)

    def emptied(made: Path) -> Callable[[], None]:
        return lambda: shutil.rmtree(made, ignore_errors=True)

    def close(printed: str) -> str:
        told = re.search(r"^loss (\S+) after", printed, flags=re.MULTILINE)
        if told is None:
            raise VoidRace(f"ddp: no loss was told: {printed[-500:]}")
        losses.append(float(told[1]))
        if max(losses) - min(losses) > TOLERANCE:
            raise VoidRace(f"ddp: losses of {min(losses)} and {max(losses)}; void")
        return ""

    def side(label: str, way: str) -> Side:
        made = folder / way
        command = (sys.executable, "-m", "tests.bench.sides.net", way, str(conf), str(data), str(made))
        return Side(label, command, made, emptied(made), close)

    return Race(
        name="ddp",
        sides=(side(OURS, "horovod"), side(TORCH, "torch"), side(ONE, "one"), side(TWO, "two")),
        floor=TWO,
        figures=(
            Figure(f"{EPOCHS - 1} epochs by Horovod, s", "", None, None, cost="work_seconds"),
            Figure(f"Horovod, times the seconds of {TWO}", TWO, 1 / 0.9, 1 / 0.7, cost="work_seconds"),
            Figure(f"Horovod, times the seconds of {ONE}", ONE, None, None, cost="work_seconds"),
            Figure(f"Horovod, times the seconds of {TORCH}", TORCH, None, None, cost="work_seconds"),
            Figure(f"whole processes: times the seconds of {TWO}", TWO, None, None),
        ),
        protocol=f"{rows:,} {PROTOCOL}",
    )
