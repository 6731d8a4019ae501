"""Pictures in a column of bytes, as what a net looks at."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from PIL import Image as Picture
from PIL import UnidentifiedImageError

from pipelines.contracts.features import Image

Pixels = npt.NDArray[np.uint8]

_MOST_PIXELS = 50_000_000
"""A file that says it has more is none that should be unpacked: a few bytes can stand for gigabytes."""
_FORMATS = ("PNG", "JPEG")


def pixels(examples: pa.Table, image: Image) -> tuple[Pixels, npt.NDArray[np.bool_]]:
    """(examples, channels, height, width), and which of them there are: no picture, or bytes that are none, are 0."""
    rows = examples[image.names()[0]].to_pylist()
    found = np.zeros((len(rows), image.height, image.width, image.channels), np.uint8)
    is_there = np.zeros(len(rows), np.bool_)
    for place, content in enumerate(rows):
        picture = _picture(content, image) if content is not None else None
        if picture is not None:
            found[place], is_there[place] = picture, True
    return np.ascontiguousarray(np.moveaxis(found, 3, 1)), is_there


def _picture(content: bytes, image: Image) -> Pixels | None:
    """(height, width, channels), None where the bytes are neither a file that can be read nor of the right number."""
    shape = (image.height, image.width, image.channels)
    if len(content) == image.height * image.width * image.channels:
        return np.frombuffer(content, np.uint8).reshape(shape)
    try:
        with Picture.open(io.BytesIO(content), formats=_FORMATS) as file:
            if file.width * file.height > _MOST_PIXELS:
                return None
            read = file.convert("L" if image.channels == 1 else "RGB")
            if read.size != (image.width, image.height):
                read = read.resize((image.width, image.height), Picture.Resampling.BILINEAR)
            return np.asarray(read, np.uint8).reshape(shape)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Picture.DecompressionBombError):
        return None  # what Pillow raises over damaged files
