"""What words on the command line may be."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime


def positive(text: str) -> int:
    """A whole number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number above 0")
    return int(text)


def instant(text: str) -> datetime:
    """An ISO 8601 instant, in UTC where it has no offset."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no ISO 8601 instant such as 2014-12-01T00:00Z") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
