"""From the summary to a bad record's raw text in two commands; what passes after a mend is moved and accounted for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

import pipelines.domains
from pipelines import cli, runner
from pipelines.contracts.domain import Domain
from pipelines.contracts.expectations import quarantine
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.io.failures import LedgerError
from pipelines.io.ledger import Ledger
from pipelines.io.table_hash import PROVENANCE, table_hash
from pipelines.runner import quarantine as commands
from tests.house import drop, overlay_on, query, settings_on, tables

TRIPS = Table(
    "trips",
    source="trips",
    key=("trip_id",),
    event_time="left_at",
    columns=(
        Column("trip_id", "string"),
        Column("left_at", "timestamp"),
        Column("passengers", "int"),
        Column("skipper", "string", pii=True),
    ),
    expect=(quarantine("boat_is_not_overloaded", "passengers <= 100"),),
)
STRICT = Domain(
    name="ferry",
    owner="harbour",
    question="How many people cross?",
    sources=(Source("trips", format="csv"),),
    tables=(TRIPS,),
    views=(),
    tasks=(),
)
MENDED = replace(STRICT, tables=(replace(TRIPS, expect=(quarantine("boat_is_not_overloaded", "passengers <= 200"),)),))
HEADER = "trip_id,left_at,passengers,skipper\n"
FIRST = {
    "trips/2024-01-01.csv": HEADER + "a,2024-01-01T08:00Z,120,Ann Lee\n"
    "b,2024-01-01T09:00Z,50,Bo\nc,2024-01-01T10:00Z,many,Cy\nd,2024-01-01T11:00Z\n"
    '"e",2024-01-01T12:00Z,130,"Eve, of Ely"\n'
}
SECOND = {"trips/2024-01-02.csv": HEADER + "a,2024-01-01T08:00Z,60,Ann Lee\n"}
LOAD = "silver.ferry_trips"


class House:
    """A data root of its own, whose domain is declared as the moment wants it."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        (folder / "domains" / "ferry").mkdir(parents=True)
        (folder / "domains" / "ferry" / "__init__.py").touch()
        patch.setattr(pipelines.domains, "__path__", [*pipelines.domains.__path__, str(folder / "domains")])
        self.settings, self._conf, self._patch = settings_on(folder), overlay_on(folder), patch

    def says(self, declared: Domain, *words: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of a command under this declaration."""
        for module in (runner, commands):
            self._patch.setattr(module, "domain_named", lambda _: declared)
        self._patch.setattr(commands, "domains", lambda: {"ferry": declared})
        with redirect_stdout(StringIO()) as printed, redirect_stderr(StringIO()) as errors:
            code = cli.main([*words, "--conf", str(self._conf)])
        return code, printed.getvalue(), errors.getvalue()

    def takes_in(self, declared: Domain, files: dict[str, str]) -> str:
        drop(self.settings, "ferry", files)
        stages = [word for stage in ("land", "bronze", "silver") for word in ("--stage", stage)]
        code, printed, errors = self.says(declared, "run", "--domain", "ferry", *stages)
        assert (code, errors) == (0, "")
        return printed

    def rows(self, table: str, sql: str) -> list[tuple[Any, ...]]:
        return query(self.settings, "ferry", table, sql)

    def silver_hash(self) -> str:
        table = tables(self.settings, "ferry")[LOAD]
        return table_hash(table["path"], table["version"], without=PROVENANCE)


@pytest.fixture(scope="module")
def made(spark, tmp_path_factory) -> Iterator[tuple[House, str]]:
    """A house that has taken in both deliveries under the strict rule, and what its first run printed."""
    with pytest.MonkeyPatch.context() as patch:
        house = House(tmp_path_factory.mktemp("ferry"), patch)
        printed = house.takes_in(STRICT, FIRST)
        house.takes_in(STRICT, SECOND)
        yield house, printed


def test_two_commands_lead_from_the_summary_to_the_raw_text(made):
    house, printed = made
    (first,) = re.findall(r"See: headrace (quarantine list .*)", printed)
    code, listed, _ = house.says(STRICT, *first.split())
    assert code == 0 and "ferry_trips: 4 open records" in listed
    line = next(line for line in listed.splitlines() if "boat_is_not_overloaded" in line)
    code, shown, _ = house.says(STRICT, "quarantine", "show", line.split()[0])
    assert code == 0
    assert "  file       trips/2024-01-01.csv, position 2" in shown
    assert "  raw text   a,2024-01-01T08:00Z,120,***" in shown
    assert "boat_is_not_overloaded (passengers <= 100)" in shown
    assert "Ann Lee" not in listed + shown


def test_a_record_in_quotes_is_shown_as_it_came_and_with_its_fields(made):
    house, _ = made
    listed = house.says(STRICT, "quarantine", "list", "--table", "trips")[1]
    (record,) = re.findall(r"\S+-6\b", listed)
    shown = house.says(STRICT, "quarantine", "show", record)[1]
    assert '  raw text   "e",2024-01-01T12:00Z,130,"***"' in shown
    assert "  fields     trip_id     e\n" in shown and "skipper     ***\n" in shown
    assert "Ely" not in listed + shown


def test_the_list_counts_by_rule_and_file(made):
    code, listed, _ = made[0].says(STRICT, "quarantine", "list", "--domain", "ferry")
    assert code == 0
    assert [line.split("  ") for line in (re.sub(r" {2,}", "  ", of.strip()) for of in listed.splitlines()[3:-1])] == [
        ["ferry_trips", "boat_is_not_overloaded", "trips/2024-01-01.csv", "2", "0", "0"],
        ["ferry_trips", "unreadable: 2 fields where the header has 4", "trips/2024-01-01.csv", "1", "0", "0"],
        ["ferry_trips", "unreadable: passengers", "trips/2024-01-01.csv", "1", "0", "0"],
    ]


def test_what_is_asked_for_and_is_not_there_is_named(made):
    code, _, errors = made[0].says(STRICT, "quarantine", "list", "--table", "trips", "--rule", "boat_is_overloaded")
    assert code == 2
    assert errors.startswith(
        "headrace: unknown rule 'boat_is_overloaded'. Did you mean 'boat_is_not_overloaded'? There are: "
    )
    code, _, errors = made[0].says(STRICT, "quarantine", "show", "ffff")
    assert (code, errors) == (2, "headrace: no record 'ffff' was set apart. See: headrace quarantine list\n")


def test_after_a_mend_a_replay_moves_what_passes_and_accounts_for_it(made, monkeypatch):
    house, _ = made
    before = tables(house.settings, "ferry")[LOAD]
    replay = ("quarantine", "replay", "--table", "trips")
    code, trial, _ = house.says(MENDED, *replay, "--dry-run")
    assert code == 0 and "ferry_trips: 2 would leave the quarantine: 1 new, 1 superseded" in trial
    assert tables(house.settings, "ferry")[LOAD] == before

    with monkeypatch.context() as patch:  # all is written, and the last step fails

        def refuse(*_: object) -> None:
            raise LedgerError("no ledger any more")

        patch.setattr(Ledger, "publish", refuse)
        assert house.says(MENDED, *replay)[::2] == (1, "headrace: no ledger any more\n")
    assert tables(house.settings, "ferry")[LOAD] == before

    code, printed, _ = house.says(MENDED, *replay)
    assert code == 0 and "ferry_trips: 2 left the quarantine: 1 new, 1 superseded" in printed
    assert "ferry_trips: 2 stay open" in printed
    after = tables(house.settings, "ferry")[LOAD]
    assert after["outcomes"] == before["outcomes"], "what the delivery came to is not rewritten"
    assert after["quarantine"] == {"open": 2, "replayed": 2, "discarded": 0}
    sql = "SELECT trip_id, passengers FROM t ORDER BY trip_id"
    assert house.rows(LOAD, sql) == [("a", 60), ("b", 50), ("e", 130)]
    sql = "SELECT _position, _state, _moved_as FROM t ORDER BY _position"
    assert house.rows("quarantine.ferry_trips", sql) == [
        (2, "replayed", "superseded"),
        (4, "open", None),
        (5, "open", None),
        (6, "replayed", "new"),
    ]
    assert "no open record matches" in house.says(MENDED, *replay, "--rule", "boat_is_not_overloaded")[1]


def test_a_discarded_record_is_kept_with_its_reason(made):
    house, _ = made
    ((record,),) = house.rows("quarantine.ferry_trips", "SELECT _record_id FROM t WHERE _position = 5")
    code, printed, _ = house.says(MENDED, "quarantine", "discard", record, "--why", "a test of the printer")
    assert (code, "ferry_trips: 1 discarded: a test of the printer" in printed) == (0, True)
    assert tables(house.settings, "ferry")[LOAD]["quarantine"] == {"open": 1, "replayed": 2, "discarded": 1}
    assert "discarded: a test of the printer" in house.says(MENDED, "quarantine", "show", record)[1]


def test_replayed_and_read_right_at_once_end_in_the_same_table(made, tmp_path, monkeypatch):
    at_once = House(tmp_path, monkeypatch)
    at_once.takes_in(MENDED, FIRST)
    at_once.takes_in(MENDED, SECOND)
    assert at_once.silver_hash() == made[0].silver_hash()
