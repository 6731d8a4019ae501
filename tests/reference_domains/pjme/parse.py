"""Hours of the local clock as instants; of the two hours of one name in autumn, the one with the greater load is first.

The file's own order does not tell: in 2014 and 2016 the smaller load comes first, between 01:00 and 03:00 of the same
night with falling loads. In 958 of the 960 October and November nights without a doubled hour the load falls from 01:00
to 02:00 to 03:00.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from pipelines.contracts.records import Fields, Unparsed

CLOCK = ZoneInfo("America/New_York")
HOUR = timedelta(hours=1)


def hours(records: Iterable[Fields]) -> Iterator[Sequence[Fields] | Unparsed]:
    """The instant at which the hour ends, and whether it was inferred which of two hours of one name it is."""
    kept = list(records)
    named = defaultdict(list)
    for place, record in enumerate(kept):
        named[record.get("Datetime")].append(place)
    for place, record in enumerate(kept):
        begin = _local_begin(record.get("Datetime") or "")
        if begin is None:
            yield Unparsed("Datetime is not dd-MM-yyyy HH:mm")
            continue
        instants = _instants(begin)
        if not instants:
            yield Unparsed("the local clock has no such hour: it goes forward here")
            continue
        alike = named[record.get("Datetime")]
        if len(instants) == 2 and len(alike) != 2:
            yield Unparsed(f"the local clock has this hour twice, and the file has it {len(alike)} times")
            continue
        # without two instants, two records are two statements about one hour, and the table says which counts
        rank = sorted(alike, key=lambda other: (-_load(kept[other]), other)).index(place) if len(instants) == 2 else 0
        yield [
            {
                **record,
                "hour_ends_at": (instants[rank] + HOUR).isoformat(),
                "is_order_inferred": str(len(instants) == 2).lower(),
            }
        ]


def _local_begin(text: str) -> datetime | None:
    """When the hour begins, by the clock on the wall."""
    try:
        return datetime.strptime(text, "%d-%m-%Y %H:%M") - HOUR
    except ValueError:
        return None


def _instants(wall: datetime) -> list[datetime]:
    """When the clock shows this: once, twice or never."""
    found = {wall.replace(tzinfo=CLOCK, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return sorted(instant for instant in found if instant.astimezone(CLOCK).replace(tzinfo=None) == wall)


def _load(record: Fields) -> float:
    try:
        return float(record.get("PJME_MW") or 0)
    except ValueError:
        return 0.0
