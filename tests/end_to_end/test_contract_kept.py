"""Deliveries and declarations that change: what is added, widened, renamed loses nothing; a break is refused whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

import pipelines.domains
from pipelines import cli, runner
from pipelines.contracts.domain import Domain
from pipelines.contracts.expectations import accepted, references, warn
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.settings import Settings
from tests.house import drop, overlay_on, query, settings_on, tables

PORTS = Table("ports", source="ports", key=("port_id",), columns=(Column("port_id", "string"),))
TRIPS = Table(
    "trips",
    source="trips",
    key=("trip_id",),
    event_time="left_at",
    columns=(
        Column("trip_id", "string"),
        Column("left_at", "timestamp"),
        Column("port_id", "string"),
        Column("passengers", "int"),
    ),
    expect=(
        references("port_is_known", ["port_id"], "ports", "warn"),
        accepted("port_is_ours", "port_id", ["ABO", "NEW"], "quarantine"),
        warn("trip_is_not_empty", "passengers > 0"),
    ),
    on_break="refuse",
)
BEFORE = Domain(
    name="ferry",
    owner="harbour",
    question="How many people cross?",
    sources=(Source("ports", format="csv"), Source("trips", format="csv")),
    tables=(PORTS, TRIPS),
    views=(),
    tasks=(),
)
AFTER = replace(
    BEFORE,
    tables=(
        PORTS,
        replace(
            TRIPS,
            columns=(
                *TRIPS.columns[:2],
                Column("port_id", "string", field="port", formerly=("port_id",)),
                Column("passengers", "bigint"),
                Column("wind", "string", nullable=True, optional=True),
            ),
        ),
    ),
)
FIRST = {
    "ports/2024-01-01.csv": "port_id\nABO\n",
    "trips/2024-01-01.csv": "trip_id,left_at,port_id,passengers\n"
    "a,2024-01-01T08:00Z,ABO,120\nb,2024-01-01T09:00Z,NEW,0\n",
}
ADDED = {
    "trips/2024-01-02.csv": "trip_id,left_at,port_id,passengers,wind\n"
    "c,2024-01-02T08:00Z,ABO,90,fresh\nd,2024-01-02T09:00Z,ABO,3000000000,\ne,2024-01-02T10:00Z,XXX,5,\n"
}
RENAMED = {
    "trips/2024-01-03.csv": "trip_id,left_at,port,passengers,wind\n"
    "a,2024-01-01T08:00Z,ABO,121,\nf,2024-01-03T08:00Z,NEW,3000000000,gale\n"
}
BROKEN = {
    "trips/2024-01-04.csv": "id,day,port,passengers\ng,2024-01-04,ABO,1\n",
    "ports/2024-01-04.csv": "port_id\nNEW\n",
}
STEPS = {  # the declaration, what is delivered, what is shown of the trips then
    "first": (BEFORE, FIRST, "trip_id, passengers"),
    "added": (BEFORE, ADDED, "trip_id, passengers"),
    "renamed": (AFTER, RENAMED, "trip_id, port_id, passengers, wind"),
    "broken": (AFTER, BROKEN, "trip_id, port_id, passengers, wind"),
}


@dataclass(frozen=True)
class Seen:
    """What was said by and after one run, and the trips held then."""

    code: int
    printed: str
    errors: str
    tables: dict[str, dict[str, Any]]
    trips: list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def house(spark, tmp_path_factory) -> Iterator[tuple[Settings, Path, dict[str, Seen]]]:
    """Its settings, its conf, and what was seen after each delivery under the declaration of its time."""
    folder = tmp_path_factory.mktemp("ferry")
    (folder / "domains" / "ferry").mkdir(parents=True)
    (folder / "domains" / "ferry" / "__init__.py").touch()
    settings, conf = settings_on(folder), overlay_on(folder)
    stages = [word for stage in ("land", "bronze", "silver") for word in ("--stage", stage)]
    seen = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipelines.domains, "__path__", [*pipelines.domains.__path__, str(folder / "domains")])
        for name, (declared, files, columns) in STEPS.items():
            patch.setattr(runner, "domain_named", lambda _, declared=declared: declared)
            drop(settings, "ferry", files)
            with redirect_stdout(StringIO()) as printed, redirect_stderr(StringIO()) as errors:
                code = cli.main(["run", "--domain", "ferry", *stages, "--conf", str(conf)])
            trips = query(settings, "ferry", "silver.ferry_trips", f"SELECT {columns} FROM t ORDER BY trip_id")
            said = printed.getvalue(), errors.getvalue()
            seen[name] = Seen(code, *said, tables(settings, "ferry"), trips)
        yield settings, conf, seen


def test_a_field_that_nobody_declared_is_told_and_kept_in_bronze(house):
    settings, _, seen = house
    assert (seen["first"].code, seen["added"].code) == (0, 0)
    assert "trips: new field 'wind' since trips/2024-01-02.csv; kept in bronze, declare a Column to use it" in (
        seen["added"].printed
    )
    sql = "SELECT _raw FROM t WHERE _file = 'trips/2024-01-02.csv' AND _position = 2"
    assert query(settings, "ferry", "bronze.ferry_trips", sql) == [("c,2024-01-02T08:00Z,ABO,90,fresh",)]


def test_a_number_too_great_for_its_type_is_set_apart_and_never_cut(house):
    settings, _, seen = house
    assert seen["added"].trips == [("a", 120), ("b", 0), ("c", 90)]
    sql = "SELECT _raw, _reasons FROM t ORDER BY _raw"
    assert query(settings, "ferry", "quarantine.ferry_trips", sql) == [
        ("d,2024-01-02T09:00Z,ABO,3000000000,", ["unreadable: passengers"]),
        ("e,2024-01-02T10:00Z,XXX,5,", ["port_is_ours"]),
    ]


def test_widened_added_and_renamed_by_declaration_loses_no_value(house):
    _, _, seen = house
    after = seen["renamed"]
    assert (after.code, after.errors) == (0, "")
    assert after.trips == [
        ("a", "ABO", 121, None),
        ("b", "NEW", 0, None),
        ("c", "ABO", 90, None),  # what bronze has of it came before it was declared
        ("f", "NEW", 3_000_000_000, "gale"),
    ]
    assert "trips: added columns: wind" in after.printed
    assert "trips: retyped columns: passengers" in after.printed
    assert "trips: field 'port_id' is not delivered any more" in after.printed


def test_a_delivery_that_breaks_the_contract_is_refused_whole_with_a_diff(house):
    _, _, seen = house
    refused = seen["broken"]
    assert refused.code == 1
    assert refused.errors == (
        "headrace: ferry: the batch is refused: trips: breaks the schema contract: trips/2024-01-04.csv: lacks "
        "trip_id, left_at, has day, id instead. Nothing of it was published; correct the delivery and drop it again.\n"
    )
    assert refused.trips == seen["renamed"].trips
    assert refused.tables["silver.ferry_ports"] == seen["renamed"].tables["silver.ferry_ports"]


def test_how_the_columns_changed_is_on_record(house, capsys):
    assert cli.main(["status", "--schemas", "--conf", str(house[1])]) == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()[2:]] == [
        ["bronze.ferry_ports", "1", "added:", "port_id"],
        ["bronze.ferry_trips", "1", "added:", "left_at,", "passengers,", "port_id,", "trip_id"],
        ["bronze.ferry_trips", "2", "added:", "wind"],
        ["bronze.ferry_trips", "3", "added:", "port"],
        ["bronze.ferry_trips", "3", "removed:", "port_id"],
        ["silver.ferry_ports", "1", "added:", "port_id"],
        ["silver.ferry_trips", "1", "added:", "trip_id,", "left_at,", "port_id,", "passengers"],
        ["silver.ferry_trips", "3", "added:", "wind"],
        ["silver.ferry_trips", "3", "retyped:", "passengers", "(int", "to", "bigint)"],
    ]


def test_what_became_of_each_expectation_is_a_table_for_analysts(house):
    sql = "SELECT batch, expectation, checked, broken, is_refused FROM t ORDER BY batch, expectation"
    assert query(house[0], "ferry", "silver.ferry_checks", sql) == [
        (1, "port_is_known", 2, 1, False),
        (1, "port_is_ours", 2, 0, False),
        (1, "trip_is_not_empty", 2, 1, False),
        (2, "port_is_known", 1, 0, False),
        (2, "port_is_ours", 2, 1, False),
        (2, "trip_is_not_empty", 1, 0, False),
        (3, "port_is_known", 2, 1, False),
        (3, "port_is_ours", 2, 0, False),
        (3, "trip_is_not_empty", 2, 0, False),
        (4, "port_is_known", 0, 0, True),
        (4, "port_is_ours", 0, 0, True),
        (4, "trip_is_not_empty", 0, 0, True),
    ]
    assert "trips: warning: port_is_known 1" in house[2]["first"].printed
