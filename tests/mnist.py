"""The digits as their source would deliver them: a CSV line a picture, its bytes in base64."""

from __future__ import annotations

import base64
import gzip
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

FILE = "other/mnist/mnist.npz"


def digits(path: Path) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """(70,000, 28, 28) pictures and their digits, the published training set first."""
    with np.load(path) as held:
        pictures = np.concatenate([held["x_train"], held["x_test"]])
        return pictures, np.concatenate([held["y_train"], held["y_test"]])


def delivery(pictures: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8], at: list[datetime]) -> bytes:
    """A packed CSV file."""
    lines = ["picture_id,seen_at,digit,ink,pixels"]
    for number, (picture, digit, moment) in enumerate(zip(pictures, labels, at, strict=True)):
        pixels = base64.b64encode(picture.tobytes()).decode()
        lines.append(f"{number:05d},{moment:%Y-%m-%dT%H:%M:%SZ},{digit},{picture.mean():.4f},{pixels}")
    return gzip.compress("\n".join(lines).encode() + b"\n", compresslevel=1)
