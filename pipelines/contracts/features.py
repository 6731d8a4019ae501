"""Features: what may be known of an entity at a cut-off, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import version
from types import UnionType
from typing import Literal
from zoneinfo import available_timezones

from pipelines.contracts.names import DeclarationError, checked_name

Op = Literal["mean", "std", "min", "max", "sum", "count"]
CIRCLES = ("day", "week", "month", "year")
CALENDAR_PARTS = (
    *("time_of_day", "weekday", "is_weekend", "month", "day_of_year"),
    *(f"{circle}_{axis}" for circle in CIRCLES for axis in ("cos", "sin")),
)
HOLIDAY_PARTS = ("is_holiday", "days_to_holiday", "days_since_holiday")


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
class AsOf:
    """The newest value that had happened by the moment and was known by the cut-off; null past its time to live."""

    column: str
    ttl_hours: float

    def names(self) -> tuple[str, ...]:
        return (f"{self.column}__as_of",)


@dataclass(frozen=True)
class Calendar:
    """Parts of the moment's local time: "time_of_day" (hours, 0–24), "weekday" (0 Monday – 6), "is_weekend" (0/1),
    "month" (1–12), "day_of_year" (1–366); and its place on a circle, as cosine and sine, so that the end of a round is
    next to its start: "day_cos" and "day_sin" (from midnight), "week_cos" … (from Monday's midnight), "month_cos" …
    (from the first, in whole days), "year_cos" … (from 1 January, in whole days).
    time_zone: an IANA name; local time keeps its daylight saving, as people do.

    With a country (ISO 3166: "AU") and, if need be, its subdivision ("VIC"): "is_holiday" (0/1), "days_to_holiday" and
    "days_since_holiday" (0 on one) of the local date; public holidays as the library `holidays` has them, null before
    1970 and after its last year. It knows of every year today what was proclaimed in it: where holidays are made at
    short notice, declare a table of them with its `available_at` instead.
    edition: the library's, so that what another edition said is made anew.
    """

    parts: tuple[str, ...]
    time_zone: str = "UTC"
    country: str = ""
    subdivision: str = ""
    edition: str = field(init=False, default="")

    def __post_init__(self) -> None:
        known = (*CALENDAR_PARTS, *HOLIDAY_PARTS)
        unknown = set(self.parts) - set(known)
        if unknown:
            raise DeclarationError(f"calendar: unknown {sorted(unknown)}; known: {', '.join(known)}")
        if self.time_zone not in available_timezones():
            raise DeclarationError(f"calendar: no time zone '{self.time_zone}'; use an IANA name such as Europe/Vienna")
        asked = [part for part in self.parts if part in HOLIDAY_PARTS]
        if asked and not self.country:
            raise DeclarationError(f"calendar: '{asked[0]}' needs a country, such as country='AU', subdivision='VIC'")
        if not asked and (self.country or self.subdivision):
            raise DeclarationError(f"calendar: a country is for {', '.join(HOLIDAY_PARTS)}, none of which is asked for")
        if asked:
            object.__setattr__(self, "edition", _edition_that_knows(self.country, self.subdivision))

    def names(self) -> tuple[str, ...]:
        return tuple(f"calendar__{part}" for part in self.parts)


def _edition_that_knows(country: str, subdivision: str) -> str:
    """The version of the library that has the holidays of this place; DeclarationError if it has none."""
    import holidays  # takes 0.1 s, which domains without holidays need not wait for

    try:
        of_country = holidays.country_holidays(country)
    except NotImplementedError:
        raise DeclarationError(
            f"calendar: no holidays of a country '{country}' are known; use its ISO 3166 code, such as AT or AU"
        ) from None
    if subdivision and subdivision not in of_country.subdivisions:
        there_are = ", ".join(of_country.subdivisions) or "none"
        raise DeclarationError(f"calendar: no subdivision '{subdivision}' of {country} is known, only: {there_are}")
    return version("holidays")


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


Windowed = Lag | Rolling | Quantile | Ewm | Change | Last
"""Features made of the facts of a window before the cut-off."""
Feature = Windowed | AsOf | Calendar | History | Own | Category
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
            "cut_off": (Windowed, AsOf, Calendar, Own, Category),
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
