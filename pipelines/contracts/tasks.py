"""Tasks: which question is asked of which entity at which cut-offs, and when its answer becomes known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from pipelines.contracts.names import DeclarationError, checked_name

ParamValue = int | float | str | bool


@dataclass(frozen=True)
class Spine:
    """The cut-offs: every entity of `table`, every `every`, shifted by `offset` from midnight UTC."""

    table: str
    entity: str
    every: timedelta
    offset: timedelta = timedelta(0)


@dataclass(frozen=True)
class Span:
    """A half-open span of cut-offs [start, end), instants in UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None or self.start >= self.end:
            raise DeclarationError(f"span {self.start} – {self.end}: needs time zones and start < end")


SPLITS = ("train", "validate", "calibrate", "test")


@dataclass(frozen=True)
class ByTime:
    """Four spans of cut-offs in time order, no label of one known after the next one's first cut-off minus `gap`.

    train fits; validate stops early; calibrate sets the intervals and picks the champion; test chooses nothing.
    """

    train: Span
    validate: Span
    calibrate: Span
    test: Span
    gap: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        spans = [self.train, self.validate, self.calibrate, self.test]
        for earlier, later in pairwise(spans):
            if earlier.end + self.gap > later.start:
                raise DeclarationError(
                    f"split: {earlier.end} + gap {self.gap} reaches into the span from {later.start}"
                )

    def span(self, name: str) -> Span:
        spans: dict[str, Span] = {
            "train": self.train,
            "validate": self.validate,
            "calibrate": self.calibrate,
            "test": self.test,
        }
        return spans[name]


@dataclass(frozen=True)
class Promote:
    """The gate: `metric` (smaller is better) must beat the baseline family `must_beat` by the fraction `by`."""

    metric: str
    must_beat: str
    by: float


@dataclass(frozen=True)
class Forecast:
    """The next `steps` values of `column`, `step` apart, the first at the cut-off itself, asked at every cut-off.

    label_known_after: how long after a step's own time its value is known at the latest.
    quantiles: ascending, with 0.5 among them (the point forecast). families: names in pipelines/models, each with the
    parameters that differ from the family's defaults in `params`. decide: name of a Policy in the domain's decide.py.
    """

    column: str
    table: str
    spine: Spine
    step: timedelta
    steps: int
    label_known_after: timedelta
    quantiles: tuple[float, ...]
    views: tuple[str, ...]
    families: tuple[str, ...]
    split: ByTime
    promote: Promote
    decide: str
    unit: str = ""
    params: Mapping[str, Mapping[str, ParamValue]] = field(default_factory=dict)
    doc: str = ""

    def __post_init__(self) -> None:
        checked_name(self.column, "task")
        if 0.5 not in self.quantiles or list(self.quantiles) != sorted(set(self.quantiles)):
            raise DeclarationError(f"task '{self.column}': quantiles must ascend and hold 0.5")
        if self.promote.must_beat not in self.families:
            raise DeclarationError(f"task '{self.column}': the baseline '{self.promote.must_beat}' is not in families")
        unknown = set(self.params) - set(self.families)
        if unknown:
            raise DeclarationError(f"task '{self.column}': params for {sorted(unknown)}, which are not in families")
        if self.split.gap < self.horizon + self.label_known_after:
            raise DeclarationError(f"task '{self.column}': the split's gap lets a label reach into the next span")

    @property
    def name(self) -> str:
        """The task's name is the column it predicts."""
        return self.column

    @property
    def horizon(self) -> timedelta:
        return self.step * self.steps


def utc(text: str) -> datetime:
    """An instant from ISO text; text without an offset is UTC."""
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def quantile_column(quantile: float) -> str:
    """The name of a quantile's column in predictions: 0.1 → "q10", 0.975 → "q97_5"."""
    return f"q{quantile * 100:g}".replace(".", "_")
