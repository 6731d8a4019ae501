"""The digits of MNIST: from bytes in Delta to a net trained by two ranks under Horovod."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipelines import runner
from pipelines.io.ledger import Ledger
from pipelines.io.session import stop
from pipelines.stages.train import SEED
from tests.house import settings_on
from tests.mnist import FILE, delivery, digits
from tests.quality.figure import Figure
from tests.reference import deliver, reference_domains

DATA = FILE
FIRST_MARK, GOAL = 0.991, 0.994
RANKS = 2
PROTOCOL = (
    "MNIST: the pictures as binary rows through land, bronze, silver and gold; image_cnn by Horovod, two ranks, "
    "trained on the first 52,000 of the published training set, stopped by the next 4,000; accuracy on the published "
    "10,000 test images, which chose nothing. Published: CNNs 0.98 to 0.9912"
)


def figures(data: Path, reference: Mapping[str, Any], quick: bool) -> Iterator[Figure]:
    """The share of test images whose digit is named."""
    if quick:
        return
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, reference_domains():
        from pipelines.domains.mnist.domain import TEST_ROWS, TRAIN_ROWS, seen_at

        settings = settings_on(Path(folder), training={"workers": RANKS})
        pictures, labels = digits(data / FILE)
        at = [seen_at(number) for number in range(TRAIN_ROWS + TEST_ROWS)]
        deliver(settings, "mnist", {"pictures/2024-03-01.csv.gz": delivery(pictures, labels, at)})
        stages = ["land", "bronze", "silver", "gold", "train", "evaluate"]
        outcome = runner.run(settings, names=["mnist"], stages=stages)
        stop()
        if outcome.failures:
            raise RuntimeError(str(outcome.failures))
        accuracy = Ledger(settings.ledger).fits("mnist", "digit")["image_cnn"].metrics["accuracy"]
    seconds = time.monotonic() - started
    yield Figure(
        "MNIST accuracy",
        accuracy,
        0.9912,
        GOAL,
        FIRST_MARK,
        PROTOCOL,
        SEED,
        TEST_ROWS,
        seconds,
        True,
        more_is_better=True,
    )
