"""Small domains on which faults are inflicted: with every kind of table that a domain can have, and few of each."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from tests.found_domains import found_in


def known() -> AbstractContextManager[None]:
    """The domains of this folder are found like any other."""
    return found_in(Path(__file__).parent)
