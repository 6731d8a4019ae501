"""Splits: which cut-offs fit, stop, calibrate and judge a model, and which labels were known early enough for that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from pipelines.contracts.names import DeclarationError


@dataclass(frozen=True)
class Span:
    """A half-open span of cut-offs [start, end), instants in UTC."""

    start: datetime
    end: datetime

    column = "cut_at"

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None or self.start >= self.end:
            raise DeclarationError(f"span {self.start} – {self.end}: needs time zones and start < end")

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%dT%H:%MZ} – {self.end:%Y-%m-%dT%H:%MZ}"


@dataclass(frozen=True)
class Share:
    """A half-open share [start, end) of all entities, which are spread over [0, 1) by a hash of their names."""

    start: float
    end: float

    column = "split_share"

    def __post_init__(self) -> None:
        if not 0.0 <= self.start < self.end <= 1.0:
            raise DeclarationError(f"share {self.start:g} – {self.end:g}: needs 0 ≤ start < end ≤ 1")

    def __str__(self) -> str:
        return f"share {self.start:g} – {self.end:g} by hash"


SPLITS = ("train", "validate", "calibrate", "test")

Purge = tuple[tuple[Span, datetime], ...]
"""Spans, each with the instant from which on a label is known too late to count for it: when the next span begins."""


@dataclass(frozen=True)
class ByTime:
    """Four spans of cut-offs in time order, no label of one known after the next one's first cut-off minus `gap`.

    train fits; validate stops early; calibrate sets the intervals and picks the champion; test chooses nothing.
    A label that comes later than it should is left out (purge).
    """

    train: Span
    validate: Span
    calibrate: Span
    test: Span
    gap: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        for earlier, later in pairwise(self.spans.values()):
            if earlier.end + self.gap > later.start:
                raise DeclarationError(
                    f"split: {earlier.end} + gap {self.gap} reaches into the span from {later.start}"
                )

    def __str__(self) -> str:
        return "by time"

    @property
    def spans(self) -> dict[str, Span]:
        return {"train": self.train, "validate": self.validate, "calibrate": self.calibrate, "test": self.test}

    @property
    def purge(self) -> Purge:
        return _purge(*self.spans.values())


@dataclass(frozen=True)
class ByHash:
    """Four shares of the entities of a task without time; what they are for: see ByTime. Whole entities stand on one
    side. No claim about the future is made of it."""

    train: Share
    validate: Share
    calibrate: Share
    test: Share

    def __post_init__(self) -> None:
        for earlier, later in pairwise(self.spans.values()):
            if earlier.end > later.start:
                raise DeclarationError(f"split: {earlier} reaches into {later}")

    def __str__(self) -> str:
        return "by hash: its figures say nothing about a future"

    @property
    def spans(self) -> dict[str, Share]:
        return {"train": self.train, "validate": self.validate, "calibrate": self.calibrate, "test": self.test}

    @property
    def purge(self) -> Purge:
        return ()


@dataclass(frozen=True)
class ByEntity(ByHash):
    """ByHash of another column of the asked rows than their key, say their customer: all rows of one stand on one side,
    whether they have times or not, so the figures are of entities that training never saw."""

    entity: str

    def __str__(self) -> str:
        return f"by hash of {self.entity}: its figures are of others than were learnt from, not of a future"


@dataclass(frozen=True)
class Fold:
    """One step of a cross-validation: train fits, validate stops early, test judges. known_by: when the test span's
    labels must be known, so that nothing from after the development span counts."""

    train: Span
    validate: Span
    test: Span
    known_by: datetime

    @property
    def purge(self) -> Purge:
        return (*_purge(self.train, self.validate, self.test), (self.test, self.known_by))


@dataclass(frozen=True)
class RollingOrigin:
    """Cross-validation whose origin rolls through a split's development span, which ends with its validate span.

    The tests of the `folds` are `span` long, follow each other without a hole, and end where the development span does.
    Before each comes the split's gap, a validate span as long, a gap again, and what is fitted on: everything since the
    development span began ("expanding"), or a `window` of it.
    """

    folds: int
    span: timedelta
    window: timedelta | Literal["expanding"] = "expanding"

    def __post_init__(self) -> None:
        if self.folds < 2 or self.span <= timedelta(0):
            raise DeclarationError(f"rolling origin: {self.folds} folds of {self.span}; needs 2 or more, with a length")
        if self.window != "expanding" and self.window <= timedelta(0):
            raise DeclarationError(f"rolling origin: the window {self.window} holds nothing to fit on")

    def of(self, split: ByTime) -> tuple[Fold, ...]:
        """The folds in time order; DeclarationError where the development span has no room for them."""
        return tuple(self._fold(split, number) for number in range(self.folds))

    def _fold(self, split: ByTime, number: int) -> Fold:
        test_start = split.validate.end - (self.folds - number) * self.span
        validate_start = test_start - split.gap - self.span
        train_end = validate_start - split.gap
        train_start = split.train.start if self.window == "expanding" else train_end - self.window
        if not split.train.start <= train_start < train_end:
            raise DeclarationError(
                f"rolling origin: fold {number + 1} of {self.folds} would have to be fitted on cut-offs from before "
                f"{split.train.start:%Y-%m-%dT%H:%MZ}; declare fewer or shorter folds"
            )
        return Fold(
            train=Span(train_start, train_end),
            validate=Span(validate_start, validate_start + self.span),
            test=Span(test_start, test_start + self.span),
            known_by=split.calibrate.start,
        )


def _purge(*spans: Span) -> Purge:
    return tuple((earlier, later.start) for earlier, later in pairwise(spans))
