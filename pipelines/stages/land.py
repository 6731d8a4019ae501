"""land: which of the dropped files are new, and when they count as delivered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pipelines.contracts.deliveries import DroppedFile

_ISO_DATE = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")


class UndatedDelivery(ValueError):
    """A file has no date in its name and the run was given no as-of instant."""


@dataclass(frozen=True)
class Landing:
    """new: files to land, each with its logical date. repeats: (name now, name landed under) of known content.
    later: files that are delivered after the as-of instant, so not yet there for this run."""

    new: tuple[tuple[DroppedFile, datetime], ...]
    repeats: tuple[tuple[str, str], ...]
    later: tuple[str, ...] = ()


def plan(dropped: Iterable[DroppedFile], known: Mapping[str, str], as_of: datetime | None) -> Landing:
    """Pick the files whose content was never landed; known: sha256 → the name under which it was."""
    seen, new, repeats, later = dict(known), [], [], []
    for file in dropped:
        if file.sha256 in seen:
            if seen[file.sha256] != file.name:
                repeats.append((file.name, seen[file.sha256]))
            continue
        at = delivered_at(file.name, as_of)
        if as_of is not None and at > as_of:
            later.append(file.name)
            continue
        new.append((file, at))
        seen[file.sha256] = file.name
    return Landing(tuple(new), tuple(repeats), tuple(later))


def delivered_at(name: str, as_of: datetime | None) -> datetime:
    """The logical date of a delivery: midnight UTC of the first ISO date in its name, else the run's as-of instant."""
    for year, month, day in _ISO_DATE.findall(name):
        try:
            return datetime(int(year), int(month), int(day), tzinfo=UTC)
        except ValueError:
            continue  # digits that only look like a date
    if as_of is None:
        raise UndatedDelivery(f"{name}: no date (YYYY-MM-DD) in the name. Rename it, or give --as-of.")
    return as_of
