"""A row of seven channels as seven rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pipelines.contracts.records import Fields, Unparsed


def hours(records: Iterable[Fields]) -> Iterator[Sequence[Fields] | Unparsed]:
    """A row for each channel, with the hour that they share."""
    for record in records:
        channels = {name: text for name, text in record.items() if name != "date"}
        yield [{"channel": name, "read_at": record["date"], "value": text} for name, text in channels.items()]
