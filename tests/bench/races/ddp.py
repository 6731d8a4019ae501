"""A net of a million weights trained by two ranks of one thread, against one process with one thread and with two."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import safetensors.torch
from torch import Tensor

from tests.bench.harness import OURS, Figure, Race, Side, VoidRace
from tests.bench.made_events import FEATURES, JUDGED, events
from tests.bench.sides import conf_of
from tests.bench.sides.net import BATCH, EPOCHS, HIDDEN, MODEL

ROWS, SEED = 200_000, 1
TORCH, ONE, TWO = "torch's ranks", "one process, one thread", "one process, two threads"
TOLERANCE = 0.001
PROTOCOL = (
    f"events (seed {SEED}) with {len(FEATURES)} numbers to train on and a {JUDGED}th as many to validate on: an MLP of "
    f"{HIDDEN} units, {EPOCHS} epochs at a global batch of {BATCH}. Ours is two ranks by Horovod with one thread each; "
    f"beside it two ranks by torch.distributed, and one process with one and with two threads. A process each; what "
    "comes after the first epoch counts as work, so no start, no reading, but where whole processes are said. Together "
    "the ranks' batches are those of one process, so the last weights are alike. Void unless each is within "
    f"{TOLERANCE} of the first side's"
)


def race(folder: Path, rows: int = ROWS) -> Race:
    """Make so many events to train on."""
    data, conf = folder / "data", conf_of(folder, folder / "root")
    first: dict[str, Tensor] = {}
    events(data, rows, SEED)

    def emptied(made: Path) -> Callable[[], None]:
        return lambda: shutil.rmtree(made, ignore_errors=True)

    def close(made: Path) -> Callable[[str], str]:
        def told(_printed: str) -> str:
            weights = safetensors.torch.load_file(made / MODEL)
            first.update({} if first else weights)
            farthest = max(float((weights[name] - first[name]).abs().max()) for name in first)
            if farthest > TOLERANCE:
                raise VoidRace(f"ddp: a weight of {made.name} is {farthest} from the first side's; void")
            return ""

        return told

    def side(label: str, way: str) -> Side:
        made = folder / way
        command = (sys.executable, "-m", "tests.bench.sides.net", way, str(conf), str(data), str(made))
        return Side(label, command, made, emptied(made), close(made))

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
