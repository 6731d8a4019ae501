"""Features of time itself: the parts of a moment's local time, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import version
from zoneinfo import available_timezones

from pipelines.contracts.names import DeclarationError

CIRCLES = ("day", "week", "month", "year")
CALENDAR_PARTS = (
    *("time_of_day", "weekday", "is_weekend", "month", "day_of_year"),
    *(f"{circle}_{axis}" for circle in CIRCLES for axis in ("cos", "sin")),
)
HOLIDAY_PARTS = ("is_holiday", "days_to_holiday", "days_since_holiday")


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
