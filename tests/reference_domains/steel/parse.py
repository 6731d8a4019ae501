"""When a quarter of an hour ended: the last of a day is written as 00:00 of the same day, after its 23:45."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from pipelines.contracts.records import Fields, Unparsed


def quarters(records: Iterable[Fields]) -> Iterator[Sequence[Fields] | Unparsed]:
    """The record with the instant at which the quarter ended, taken as UTC: the local clock has no daylight saving."""
    for record in records:
        try:
            ended = datetime.strptime(record.get("date") or "", "%d/%m/%Y %H:%M")
        except ValueError:
            yield Unparsed("date is not dd/MM/yyyy HH:mm")
            continue
        if (ended.hour, ended.minute) == (0, 0):
            ended += timedelta(days=1)
        yield [{**record, "ended_at": f"{ended.isoformat()}Z"}]
