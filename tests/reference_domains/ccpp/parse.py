"""The hours have no name and no time; they are numbered as they stand, since 41 are told twice word for word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pipelines.contracts.records import Fields, Unparsed


def hours(records: Iterable[Fields]) -> Iterator[Sequence[Fields] | Unparsed]:
    """Each hour with its number, from 0."""
    for number, record in enumerate(records):
        yield [{**record, "number": f"{number:05d}"}]
