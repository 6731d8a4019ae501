"""Features: what may be known of an entity at a cut-off, as data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import UnionType
from typing import Literal

from pipelines.contracts.calendar import Calendar
from pipelines.contracts.names import DeclarationError, checked_name

Op = Literal["mean", "std", "min", "max", "sum", "count"]
MOST_BUCKETS = 1024
"""More columns than that would only be slow: what is rarer than one row in a thousand teaches little."""


def _span(hours: float) -> str:
    """Hours as a part of a column's name, in which a point would be read as the way into a struct: 0.5 → "0_5h"."""
    return f"{hours:g}h".replace(".", "_")


def _check_span(what: str, column: str, *spans_h: float) -> None:
    """Refuse spans that no window can have; a negative one would ask for the future."""
    if not spans_h or not all(0.0 < hours < float("inf") for hours in spans_h):
        told = ", ".join(f"{hours:g} h" for hours in spans_h) or "nothing"
        raise DeclarationError(f"{what} of '{column}': {told} given; every span must be more than 0 h and have an end")


@dataclass(frozen=True)
class Lag:
    """The value exactly `hours` before the moment (cut-off or target), if known by the cut-off."""

    column: str
    hours: tuple[float, ...]

    def __post_init__(self) -> None:
        _check_span("lag", self.column, *[hours or 1.0 for hours in self.hours])  # 0: the value at the moment itself

    @property
    def reach_h(self) -> float:
        return max(self.hours)

    def names(self) -> tuple[str, ...]:
        return tuple(f"{self.column}__lag_{_span(hours)}" for hours in self.hours)


def lag_named(feature: str) -> tuple[str, float] | None:
    """The column and the hours of a Lag's feature, by its name; None for any other feature."""
    found = re.fullmatch(r"(.+)__lag_(\d+(?:_\d+)?)h", feature)
    return (found[1], float(found[2].replace("_", "."))) if found else None


@dataclass(frozen=True)
class Rolling:
    """`op` over the values that happened in the `hours` up to the cut-off (start excluded) and were known by it."""

    column: str
    op: Op
    hours: float

    def __post_init__(self) -> None:
        _check_span(self.op, self.column, self.hours)

    @property
    def reach_h(self) -> float:
        return self.hours

    def names(self) -> tuple[str, ...]:
        return (f"{self.column}__{self.op}_{_span(self.hours)}",)


@dataclass(frozen=True)
class Quantile:
    """The quantile `q` (0–1) of the values of the same window as Rolling's, linear between two of them."""

    column: str
    q: float
    hours: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.q <= 1.0:
            raise DeclarationError(f"quantile of '{self.column}': q is {self.q:g}, and must be within 0 and 1")
        _check_span("quantile", self.column, self.hours)

    @property
    def reach_h(self) -> float:
        return self.hours

    def names(self) -> tuple[str, ...]:
        return (f"{self.column}__q{self.q * 100:g}_{_span(self.hours)}".replace(".", "_"),)


@dataclass(frozen=True)
class Ewm:
    """The mean of the same window with weights that halve every `half_life_hours` before the cut-off.

    Made afresh from the window each time, so that it is the same however a table came to be.
    """

    column: str
    half_life_hours: float
    hours: float

    def __post_init__(self) -> None:
        _check_span("ewm", self.column, self.half_life_hours, self.hours)

    @property
    def reach_h(self) -> float:
        return self.hours

    def names(self) -> tuple[str, ...]:
        return (f"{self.column}__ewm_{_span(self.half_life_hours)}_{_span(self.hours)}",)


@dataclass(frozen=True)
class Change:
    """The newest value against the newest that had happened `hours` earlier, both as they are known at the cut-off and
    neither as old as `ttl_hours` at its own instant. by: "difference", or "ratio", which is null where it is of zero.
    """

    column: str
    hours: float
    ttl_hours: float
    by: Literal["difference", "ratio"] = "difference"

    def __post_init__(self) -> None:
        _check_span("change", self.column, self.hours, self.ttl_hours)

    @property
    def reach_h(self) -> float:
        return self.hours + self.ttl_hours

    def names(self) -> tuple[str, ...]:
        return (f"{self.column}__{self.by}_{_span(self.hours)}",)


@dataclass(frozen=True)
class Last:
    """`op` over the newest `rows` values of the same window, however far apart; over fewer where it has no more."""

    column: str
    op: Op
    rows: int
    hours: float

    def __post_init__(self) -> None:
        if self.rows < 1:
            raise DeclarationError(f"last of '{self.column}': {self.rows} rows; it must be 1 or more")
        _check_span("last", self.column, self.hours)

    @property
    def reach_h(self) -> float:
        return self.hours

    def names(self) -> tuple[str, ...]:
        return (f"{self.column}__{self.op}_last_{self.rows}",)


@dataclass(frozen=True)
class CategoryCount:
    """How many facts of Rolling's window have each value of `among`: 0 where there is none. A column a value, named by
    it in letters and digits."""

    column: str
    among: tuple[str, ...]
    hours: float

    def __post_init__(self) -> None:
        _check_span("category count", self.column, self.hours)
        flags = list(self.flags())
        twice = next((flag for flag in flags if flags.count(flag) > 1), None)
        if twice or not flags:
            told = f"two values would be named '{twice}'" if twice else "it is among nothing"
            raise DeclarationError(f"category count of '{self.column}': {told}; name values that differ in letters")

    @property
    def reach_h(self) -> float:
        return self.hours

    def flags(self) -> tuple[str, ...]:
        """A column a value of `among`, which gold adds to the facts: 1.0 where the fact has it, else null."""
        return tuple(f"{self.column}__is_{re.sub('[^A-Za-z0-9]+', '_', value)}" for value in self.among)

    def counts(self) -> tuple[Rolling, ...]:
        """The windows over the flags that it comes down to."""
        return tuple(Rolling(flag, "count", self.hours) for flag in self.flags())

    def names(self) -> tuple[str, ...]:
        return tuple(name for count in self.counts() for name in count.names())


@dataclass(frozen=True)
class Expanding:
    """`op` over all values that had happened and were known, from the first on: a total that is carried along.

    What is taken back later is taken off again, so that of a sum of fractions the rounding of what was in it stays.
    """

    column: str
    op: Literal["count", "sum", "mean"]

    @property
    def reach_h(self) -> float:
        return float("inf")

    def names(self) -> tuple[str, ...]:
        return (f"{self.column}__{self.op}_so_far",)


@dataclass(frozen=True)
class AsOf:
    """The newest value that had happened by the moment and was known by the cut-off; null past its time to live."""

    column: str
    ttl_hours: float

    @property
    def reach_h(self) -> float:
        return self.ttl_hours

    def names(self) -> tuple[str, ...]:
        return (f"{self.column}__as_of",)


@dataclass(frozen=True)
class History:
    """The last `hours` of a series in steps of the task, each step the newest value that was known by the cut-off.

    Cut from gold where a net trains or scores; tabular families do not see it.
    """

    column: str
    hours: float

    def names(self) -> tuple[str, ...]:
        return (f"{self.column}__history_{_span(self.hours)}",)


@dataclass(frozen=True)
class Own:
    """What the row that is asked about says itself, as it was known at the cut-off; for spines of events."""

    column: str

    def names(self) -> tuple[str, ...]:
        return (f"{self.column}__own",)


@dataclass(frozen=True)
class Category:
    """Own, as a name: the place of its text among the values `among`, from 1; 0 for any other and for none."""

    column: str
    among: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(set(self.among)) < len(self.among):
            raise DeclarationError(f"category '{self.column}': a value is listed twice")

    def names(self) -> tuple[str, ...]:
        return (f"{self.column}__place",)


@dataclass(frozen=True)
class Hashed:
    """Own, as a text of any content in so many columns (feature hashing, Weinberger et al. 2009).

    Each word adds 1 or −1 to one column. by: "words", what lies between spaces, tabs and line ends, or "value", the
    text as one. Both as they are written: case and signs are silver's to settle. h is the word's xxHash64 (UTF-8, seed
    42, as Spark's xxhash64 has it, a signed number): the column is h modulo `buckets`, never negative, the sign that of
    h. So words that fall together cancel out on average, and the columns are the same on every machine for ever. An
    empty text is 0 in all columns, none is null.
    """

    column: str
    buckets: int
    by: Literal["words", "value"] = "words"

    def __post_init__(self) -> None:
        if not 2 <= self.buckets <= MOST_BUCKETS:
            raise DeclarationError(f"hash of '{self.column}': {self.buckets} buckets; from 2 to {MOST_BUCKETS} can be")

    def names(self) -> tuple[str, ...]:
        return tuple(f"{self.column}__hash_{bucket}" for bucket in range(self.buckets))


@dataclass(frozen=True)
class TargetMean:
    """Own, as the label's mean over the training rows of the same value, pulled towards the mean of all as if that had
    been seen `smoothing` times more (target encoding, Micci-Barreca 2001): (sum + smoothing · mean) / (count +
    smoothing). A value that training had not is the mean of all; none is null.

    Learnt with each model from the labelled rows of the task's train span alone, kept in the model, and never in gold,
    which holds a number that stands for the text. A training row is given the mean of the other rows' folds (out of
    fold, five by a hash of the entity's name), since a model would read its own label from it otherwise, even where
    that row alone were left out (Prokhorenkova et al. 2018, 3.2).
    """

    column: str
    smoothing: float = 10.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.smoothing < float("inf"):
            raise DeclarationError(f"target mean of '{self.column}': smoothing is {self.smoothing:g}; it is 0 or more")

    def names(self) -> tuple[str, ...]:
        return (f"{self.column}__target_mean",)


@dataclass(frozen=True)
class Image:
    """The picture in a column of bytes, for families of nets that look at pictures; no tabular family sees it.

    Either a PNG or JPEG file of any size, which is scaled to `height` by `width` pixels, or just so many bytes: one a
    pixel and channel, row after row, the channels of a pixel side by side. channels: 1 is grey, 3 is red, green, blue.
    """

    column: str
    height: int
    width: int
    channels: Literal[1, 3] = 1

    def names(self) -> tuple[str, ...]:
        return (f"{self.column}__image",)


WHOLE_IN_A_DOUBLE = 2**53 - 1
"""The bits of a text's hash that gold keeps for a TargetMean; two of a million texts share them once in 18,000."""
Windowed = Lag | Rolling | Quantile | Ewm | Change | Last
"""Features made of the facts of a window before the cut-off."""
OfRow = Own | Category | Hashed | TargetMean | Image
"""Features that the row says itself which is asked about."""
Feature = Windowed | CategoryCount | Expanding | AsOf | Calendar | History | OfRow
Moment = Literal["cut_off", "target", "window"]


@dataclass(frozen=True)
class FeatureView:
    """Features of one entity from one table, at one kind of moment.

    moment: "cut_off": one value a cut-off, stored in the task's gold table. "target": one value a step, looked up at
    the step's own time, still only from what was known by the cut-off. "window": a history that nets read.
    table: "" for features of time itself (Calendar). entity: the column that identifies the entity, or several; ""
    where the table is about all entities alike (a public calendar, say).
    """

    name: str
    table: str
    features: tuple[Feature, ...]
    entity: str | tuple[str, ...] = ""
    moment: Moment = "cut_off"
    doc: str = ""

    def __post_init__(self) -> None:
        checked_name(self.name, "feature view")
        allowed: dict[Moment, tuple[type | UnionType, ...]] = {
            "cut_off": (Windowed, CategoryCount, Expanding, AsOf, Calendar, OfRow),
            "target": (Lag, AsOf, Calendar),
            "window": (History,),
        }
        for feature in self.features:
            if not isinstance(feature, allowed[self.moment]):
                raise DeclarationError(
                    f"feature view '{self.name}': {type(feature).__name__} cannot be had at the moment '{self.moment}'"
                )
            if not self.table and not isinstance(feature, Calendar):
                raise DeclarationError(f"feature view '{self.name}': {type(feature).__name__} needs a table")

        if self.moment != "cut_off" and len(self.entities) > 1:
            raise DeclarationError(f"feature view '{self.name}': the moment '{self.moment}' allows one entity alone")

    @property
    def entities(self) -> tuple[str, ...]:
        """The columns that identify the entity; none where the table is about all alike."""
        return self.entity if isinstance(self.entity, tuple) else (self.entity,) if self.entity else ()

    def names(self) -> tuple[str, ...]:
        return tuple(name for feature in self.features for name in feature.names())
