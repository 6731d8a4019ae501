"""All that was found of a file, and what follows from it for the files that are written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from pipelines.scaffold.columns import Inferred, number
from pipelines.scaffold.horizon import Horizon
from pipelines.scaffold.reading import SOURCE, Reading
from pipelines.scaffold.roles import Role
from pipelines.scaffold.shape import Shape
from pipelines.scaffold.spans import DAY

ROW_NUMBER = "row_number"
"""The field that parse.py adds where no column names a row."""
_CLASS = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")


@dataclass(frozen=True)
class Draft:
    """name: the domain's. horizon: of a series. target_was_named: by the user."""

    name: str
    reading: Reading
    columns: tuple[Inferred, ...]
    shape: Shape
    roles: tuple[Role, ...]
    leaks: dict[str, str]
    horizon: Horizon | None
    target_was_named: bool

    @property
    def event_time(self) -> Inferred | None:
        """The time as it is declared: a day counts from when it begins."""
        time = self.shape.time
        if time is None or time.type == "timestamp":
            return time
        return replace(time, type="timestamp", name=f"{time.name.removesuffix('_on')}_at")

    @property
    def entity(self) -> Inferred:
        """The column that models ask about: the key of events, what a series is one of."""
        time = self.event_time
        if self.shape.kind == "series":
            assert time is not None
            return self.shape.entity or Inferred(self.free("series_id"), time.field, "string")
        return self.shape.key or Inferred(self.free("row_id"), ROW_NUMBER, "string")

    def free(self, name: str) -> str:
        """A name that no column has."""
        return f"{name}_made" if name in {column.name for column in self.columns} else name

    @property
    def is_numbered(self) -> bool:
        """Whether rows are named by their place in the file."""
        return self.shape.kind != "series" and self.shape.key is None

    @property
    def with_comma(self) -> tuple[Inferred, ...]:
        return tuple(column for column in self.columns if column.comma)

    @property
    def has_parser(self) -> bool:
        return self.is_numbered or bool(self.with_comma)

    @property
    def classes(self) -> dict[str, str]:
        """By text of the target, what it is called as a label: "0" and "1" of two, names of more; none of a number."""
        if self.shape.asked != "classify":
            return {}
        if self.is_binary:
            return dict(zip(self.shape.among, ("0", "1"), strict=True))
        named: dict[str, str] = {}
        for place, value in enumerate(self.shape.among):
            name = re.sub(r"[^a-z0-9]+", "_", value.lower()).strip("_")
            is_free = _CLASS.fullmatch(name) and name not in named.values()
            named[value] = name if is_free else f"class_{place}"
        return named

    @property
    def is_binary(self) -> bool:
        return self.shape.asked == "classify" and len(self.shape.among) == 2

    @property
    def is_label_as_it_is(self) -> bool:
        """Whether the target's own values are the label's."""
        if self.is_binary:
            target = self.shape.target
            return target.type != "string" and [number(target, value) for value in self.shape.among] == [0.0, 1.0]
        return all(value == name for value, name in self.classes.items())

    @property
    def delivered_on(self) -> str:
        """The ISO date by which the file counts as delivered: the first midnight after its last instant, once that is
        known; without times, the day on which the file was written."""
        if self.shape.last is None:
            return f"{datetime.fromtimestamp(self.reading.path.stat().st_mtime, UTC):%Y-%m-%d}"
        end = self.shape.last + (self.shape.step or timedelta(0))
        midnight = end.replace(hour=0, minute=0, second=0, microsecond=0)
        return f"{midnight if midnight == end else midnight + DAY:%Y-%m-%d}"

    @property
    def drop(self) -> str:
        """Where the file lies below the domain's drop folder."""
        name = self.reading.path.name
        ending = ".csv.gz" if name.lower().endswith(".gz") else ".csv"
        return f"{SOURCE}/{self.delivered_on}{ending}"

    def left_out(self) -> Sequence[Role]:
        return [role for role in self.roles if role.use == "left out"]

    def frequencies(self) -> Counter[str]:
        """How many rows have each value of the target."""
        return Counter(self.reading.columns[self.shape.target.field])
