"""What a delivery's columns can become, and what must be said and held of each such delivery."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pipelines.contracts.tables import Column, Table
from tests.faults.domains.columns.domain import TRIPS

FIRST, CHANGED, GOOD = (f"trips/2024-01-0{day}.csv" for day in (1, 2, 3))
HEADER = ("trip_id", "harbour", "passengers", "fare_eur")
OnBreak = Literal["quarantine", "refuse"]
Row = tuple[Any, ...]
"""A trip as silver holds it."""


@dataclass(frozen=True)
class Change:
    """One changed delivery. named: what is changed, as printed. lines: its records, without the header.

    counts: what becomes of its records; none where it is refused. held: the trips that silver has of it then. told:
    what the run must say. declared: the table's declaration by then.
    """

    named: str
    header: tuple[str, ...]
    lines: tuple[str, ...]
    counts: Mapping[str, int]
    held: tuple[Row, ...]
    told: tuple[str, ...]
    declared: Table = field(default=TRIPS)

    @property
    def text(self) -> str:
        return text_of(self.header, self.lines)


def text_of(header: Sequence[str], lines: Sequence[str]) -> str:
    """A file's text."""
    return "".join(f"{line}\n" for line in (",".join(header), *lines))


def trips(prefix: str, number: int, draw: random.Random) -> list[Row]:
    """So many trips, with fares that no whole number holds."""
    return [
        (f"{prefix}{i}", draw.choice(("ABO", "NEW")), draw.randint(1, 300), draw.randint(1, 99) + 0.5)
        for i in range(number)
    ]


def lines_of(rows: Sequence[Sequence[Any]]) -> tuple[str, ...]:
    """The records of rows, with the words of a CSV file."""
    return tuple(",".join(map(str, row)) for row in rows)


def added(draw: random.Random, on_break: OnBreak) -> Change:
    rows, place = _rows(draw), draw.randrange(5)
    header = (*HEADER[:place], "wind", *HEADER[place:])
    lines = lines_of([(*row[:place], "fresh", *row[place:]) for row in rows])
    told = f"trips: new field 'wind' since {CHANGED}; kept in bronze, declare a Column to use it"
    return Change(f"added at {place}", header, lines, {"new": len(rows)}, tuple(rows), (told,), _table(on_break))


def dropped(draw: random.Random, on_break: OnBreak) -> Change:
    rows, place = _rows(draw), draw.randrange(1, 4)
    header = HEADER[:place] + HEADER[place + 1 :]
    field_name = TRIPS.columns[place].field
    lines = lines_of([row[:place] + row[place + 1 :] for row in rows])
    told = (f"{CHANGED}: lacks {field_name}", f"field missing: {field_name} {len(rows)}")
    return _broken(f"dropped {HEADER[place]}", header, lines, told, on_break)


def renamed(draw: random.Random, on_break: OnBreak) -> Change:
    rows, place = _rows(draw), draw.randrange(2, 4)
    return _renamed(rows, HEADER[place], f"{HEADER[place]}_now", "renamed", on_break)


def case_changed(draw: random.Random, on_break: OnBreak) -> Change:
    rows, place = _rows(draw), draw.randrange(2, 4)
    return _renamed(rows, HEADER[place], HEADER[place].title(), "in another case", on_break)


def renamed_by_declaration(draw: random.Random, on_break: OnBreak) -> Change:
    rows = _rows(draw)
    header = ("trip_id", "port", *HEADER[2:])
    told = ("trips: new field 'port' since " + CHANGED, "trips: field 'harbour' is not delivered any more")
    named = "renamed as declared: harbour to port"
    return Change(named, header, lines_of(rows), {"new": len(rows)}, tuple(rows), told, _table(on_break))


def widened(draw: random.Random, on_break: OnBreak) -> Change:
    """Too great for the type that is declared: set apart, never cut."""
    rows = _rows(draw)
    great = (rows[0][0], rows[0][1], draw.randint(2**31, 2**53), rows[0][3])
    return _one_apart("widened: int to long values", [great, *rows[1:]], rows[1:], "unreadable: passengers 1", on_break)


def widened_by_declaration(draw: random.Random, on_break: OnBreak) -> Change:
    rows = _rows(draw)
    rows[0] = (rows[0][0], rows[0][1], draw.randint(2**31, 2**53), rows[0][3])
    table = _table(on_break, replace(TRIPS.columns[2], type="bigint"))
    told = ("trips: retyped columns: passengers",)
    named = "widened as declared: int to long"
    return Change(named, HEADER, lines_of(rows), {"new": len(rows)}, tuple(rows), told, table)


def widened_to_decimals(draw: random.Random, on_break: OnBreak) -> Change:
    """A whole number written as a decimal is one; any other is set apart, never rounded."""
    rows = _rows(draw)
    written = [(row[0], row[1], f"{row[2]}.0", row[3]) for row in rows]
    written[0] = (rows[0][0], rows[0][1], f"{rows[0][2]}.5", rows[0][3])
    named = "widened: whole numbers to decimals"
    return _one_apart(named, written, rows[1:], "unreadable: passengers 1", on_break)


def narrowed(draw: random.Random, on_break: OnBreak) -> Change:
    """Decimals come as whole numbers, which they can hold."""
    rows = [(*row[:3], float(int(row[3]))) for row in _rows(draw)]
    lines = lines_of([(*row[:3], int(row[3])) for row in rows])
    told = (f"trips: {len(rows)} records: {len(rows)} new",)
    return Change("narrowed: decimals to whole", HEADER, lines, {"new": len(rows)}, tuple(rows), told, _table(on_break))


def retyped(draw: random.Random, on_break: OnBreak) -> Change:
    rows = _rows(draw)
    lines = lines_of([(*row[:2], draw.choice(("many", "few", "12 or so")), row[3]) for row in rows])
    refused = f"{CHANGED}: no record has a readable passengers (int)"
    told = refused if on_break == "refuse" else f"unreadable: passengers {len(rows)}"
    return _broken("retyped: int to words", HEADER, lines, (told,), on_break)


def reordered(draw: random.Random, on_break: OnBreak) -> Change:
    rows, places = _rows(draw), list(range(4))
    while places == sorted(places):
        draw.shuffle(places)
    header = tuple(HEADER[place] for place in places)
    lines = lines_of([[row[place] for place in places] for row in rows])
    told = (f"trips: {len(rows)} records: {len(rows)} new",)
    named = f"reordered: {', '.join(header)}"
    return Change(named, header, lines, {"new": len(rows)}, tuple(rows), told, _table(on_break))


CHANGES: tuple[Callable[[random.Random, OnBreak], Change], ...] = (
    added,
    dropped,
    renamed,
    renamed_by_declaration,
    widened,
    widened_by_declaration,
    widened_to_decimals,
    narrowed,
    retyped,
    reordered,
    case_changed,
)


def _rows(draw: random.Random) -> list[Row]:
    return trips("n", draw.randint(3, 8), draw)


def _table(on_break: OnBreak, *instead: Column) -> Table:
    """The table with other columns in place of those of the same name."""
    by_name = {column.name: column for column in instead}
    return replace(TRIPS, on_break=on_break, columns=tuple(by_name.get(c.name, c) for c in TRIPS.columns))


def _renamed(rows: list[Row], before: str, now: str, how: str, on_break: OnBreak) -> Change:
    header = tuple(now if name == before else name for name in HEADER)
    told = (f"{CHANGED}: lacks {before}, has {now} instead", f"field missing: {before} {len(rows)}")
    return _broken(f"{how}: {before} to {now}", header, lines_of(rows), told, on_break)


def _broken(
    named: str, header: tuple[str, ...], lines: tuple[str, ...], told: tuple[str, ...], on_break: OnBreak
) -> Change:
    """A break of the contract; told: how it differs, and why rows are set apart where they are."""
    if on_break == "refuse":
        said = (
            f"columns: the batch is refused: trips: breaks the schema contract: {told[0]}. Nothing of it was "
            "published; correct the delivery and drop it again.",
        )
        return Change(f"{named} (refused)", header, lines, {}, (), said, _table(on_break))
    return Change(f"{named} (set apart)", header, lines, {"quarantined": len(lines)}, (), told, _table(on_break))


def _one_apart(named: str, written: Sequence[Row], held: Sequence[Row], reason: str, on_break: OnBreak) -> Change:
    counts = {"new": len(held), "quarantined": 1}
    told = (f"set apart with reason and raw text in quarantine.columns_trips: {reason}",)
    return Change(named, HEADER, lines_of(written), counts, tuple(held), told, _table(on_break))
