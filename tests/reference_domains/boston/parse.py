"""The tracts have no name, so they are numbered as they stand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pipelines.contracts.records import Fields, Unparsed


def tracts(records: Iterable[Fields]) -> Iterator[Sequence[Fields] | Unparsed]:
    """Each tract with its number, from 0."""
    for number, record in enumerate(records):
        yield [{**record, "number": f"{number:03d}"}]
