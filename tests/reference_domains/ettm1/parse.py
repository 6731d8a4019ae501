"""A row of seven channels as seven rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pipelines.contracts.records import Fields, Unparsed

from ..etth1.parse import hours


def quarters(records: Iterable[Fields]) -> Iterator[Sequence[Fields] | Unparsed]:
    """A row for each channel, with the quarter of an hour that they share: the file is laid out as that of hours."""
    yield from hours(records)
