"""Whether a line came late: the day of delivery is after the scheduled one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from pipelines.contracts.records import Fields, Unparsed

_DAY = "%d-%b-%y"


def lines(records: Iterable[Fields]) -> Iterator[Sequence[Fields] | Unparsed]:
    """The record with 1 or 0 for late."""
    for record in records:
        try:
            scheduled, delivered = (
                datetime.strptime(record.get(f"{name} Date") or "", _DAY)
                for name in ("Scheduled Delivery", "Delivered to Client")
            )
        except ValueError:
            yield Unparsed("a day of delivery is not d-MMM-yy")
            continue
        yield [{**record, "is_late": str(int(delivered > scheduled))}]
