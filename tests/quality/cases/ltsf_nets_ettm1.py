"""Nets on the long-horizon benchmark on ETTm1, four times the rows of ETTh1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.quality.cases.ltsf_nets import HORIZONS, Net, measured
from tests.quality.ett import ETTM1
from tests.quality.figure import Figure

DATA = ETTM1.file
NET = Net(
    "dlinear",
    "DLinear",
    336,
    {"epochs": 6, "patience": 6, "batch": 256, "learning_rate": 5e-4},
    validate_every=4,
    if_missed="ETTm1, DLinear: half a percent short in the squared error, of one seed. Tried by the validate rows, on "
    "half of the train rows: windows of 512 steps gained nothing, 720 lost; other learning rates. No PatchTST, which "
    "takes minutes a horizon of two cores on ETTh1, a quarter of the rows",
)


def figures(data: Path, reference: Mapping[str, Any], quick: bool) -> Iterator[Figure]:
    """MSE and MAE per horizon; nothing in the quick round, whose ETTh1 goes the same way."""
    if not quick:
        yield from measured(ETTM1, data, reference, (NET,), HORIZONS)
