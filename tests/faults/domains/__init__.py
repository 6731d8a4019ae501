"""Small domains on which faults are inflicted: with every kind of table that a domain can have, and few of each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pipelines.domains


@contextmanager
def known() -> Iterator[None]:
    """The domains of this folder are found like any other."""
    here = str(Path(__file__).parent)
    pipelines.domains.__path__.append(here)
    pipelines.domains.domains.cache_clear()
    try:
        yield
    finally:
        pipelines.domains.__path__.remove(here)
        pipelines.domains.domains.cache_clear()
