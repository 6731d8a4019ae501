"""land: which of the dropped files are new, and when they count as delivered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pipelines.contracts.deliveries import DroppedFile

_ISO_DATE = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")


@dataclass(frozen=True)
class Landing:
    """new: files to land, each with its logical date. repeats: (name now, name landed under) of known content.
    later: files that are delivered after the as-of instant, so not yet there for this run. undated: files that cannot
    be landed, because they have no date in the name and the run was given no as-of instant."""

    new: tuple[tuple[DroppedFile, datetime], ...]
    repeats: tuple[tuple[str, str], ...]
    later: tuple[str, ...]
    undated: tuple[str, ...]


def plan(dropped: Iterable[DroppedFile], known: Mapping[str, str], as_of: datetime | None) -> Landing:
    """Pick the files whose content was never landed; known: sha256 → the name under which it was."""
    seen = dict(known)
    new, repeats, later, undated = [], [], [], []
    for file in dropped:
        if file.sha256 in seen:
            if seen[file.sha256] != file.name:
                repeats.append((file.name, seen[file.sha256]))
            continue
        at = delivered_at(file.name, as_of)
        if at is None:
            undated.append(file.name)
            continue
        if as_of is not None and at > as_of:
            later.append(file.name)
            continue
        new.append((file, at))
        seen[file.sha256] = file.name
    return Landing(tuple(new), tuple(repeats), tuple(later), tuple(undated))


def delivered_at(name: str, as_of: datetime | None) -> datetime | None:
    """The logical date of a delivery: midnight UTC of the first ISO date in its name, else the run's as-of instant."""
    for year, month, day in _ISO_DATE.findall(name):
        try:
            return datetime(int(year), int(month), int(day), tzinfo=UTC)
        except ValueError:
            continue  # digits that only look like a date
    return as_of
