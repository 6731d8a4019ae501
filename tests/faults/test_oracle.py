"""The oracle finds what was planted: lost, doubled and changed rows, false counts, unreadable versions."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from pipelines.contracts.domain import Domain
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.io.ledger import Ledger
from pipelines.io.publication import LandedFile, Outcomes, Publication, Written
from tests.faults import oracle

DOMAIN = Domain(
    name="tiny",
    owner="tests",
    question="?",
    sources=(Source("meter", format="csv"),),
    tables=(Table("load", source="meter", key=("id",), columns=(Column("id", "string"), Column("load_mw", "double"))),),
)
FILE = "meter/2024-01-01.csv"
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
BRONZE = [{"_record_id": f"f-{line}", "_file": FILE} for line in (2, 3, 4)]
SILVER = [
    {"id": "a", "load_mw": 1.0, "_record_id": "f-2", "_ordinal": 0, "ingested_at": NOON},
    {"id": "b", "load_mw": 2.0, "_record_id": "f-3", "_ordinal": 0, "ingested_at": NOON},
]
APART = [{"_record_id": "f-4", "_ordinal": 0, "_file": FILE}]
COUNTS = {"new": 2, "quarantined": 1}
Rows = Sequence[Mapping[str, Any]]


def publish(
    folder: Path, bronze: Rows = BRONZE, silver: Rows = SILVER, apart: Rows = APART, counts: Mapping[str, int] = COUNTS
) -> Ledger:
    """A ledger in `folder` that has published these tables, written without Spark."""
    ledger = Ledger(str(folder / "ledger.db"))
    batch = ledger.open_batch("tiny", [LandedFile("meter", FILE, "kept.csv", 9, "0" * 64, NOON)])
    attempt = ledger.open_attempt("tiny", "ingest")
    written = {}
    for name, rows in (("bronze.tiny_meter", bronze), ("silver.tiny_load", silver), ("quarantine.tiny_load", apart)):
        path = folder / name
        write_deltalake(str(path), pa.Table.from_pylist([dict(row) for row in rows]))
        ledger.create(attempt, name, str(path))
        written[name] = Written(0, len(rows))
    outcomes = Outcomes(batch, FILE, "silver.tiny_load", sum(counts.values()), counts)
    ledger.publish(attempt, Publication(tables=written, outcomes=(outcomes,)))
    return ledger


def test_tables_that_lack_nothing_break_no_promise(tmp_path: Path) -> None:
    assert oracle.broken(publish(tmp_path), DOMAIN, {FILE: 3}) == []


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ({"bronze": BRONZE[:2]}, f"bronze.tiny_meter: records of {FILE}: 2, but it must be 3"),
        ({"bronze": [*BRONZE, BRONZE[0]]}, "bronze.tiny_meter: raw record ids among its rows: 3, but it must be 4"),
        ({"silver": SILVER[:1]}, "silver.tiny_load: rows against new − deleted: 1, but it must be 2"),
        (
            {"silver": [SILVER[0], SILVER[0]]},
            "silver.tiny_load: (raw record id, ordinal) among its rows: 1, but it must be 2",
        ),
        (
            {"silver": [SILVER[0], {**SILVER[1], "_record_id": "g-9"}]},
            "silver.tiny_load: raw record ids that bronze lacks: 1, but it must be 0",
        ),
        (
            {"silver": [SILVER[0], {**SILVER[1], "_record_id": "f-4"}]},
            "silver.tiny_load: records held and set apart: 1, but it must be 0",
        ),
        (
            {"counts": {"new": 2, "quarantined": 1, "unchanged": 1}},
            f"{FILE} in silver.tiny_load: outcomes: 4, but it must be 3",
        ),
        (
            {"counts": {"new": 2, "unchanged": 1}},
            f"{FILE} in silver.tiny_load: rows in quarantine: 1, but it must be 0",
        ),
    ],
)
def test_what_is_planted_is_named(tmp_path: Path, planted: dict[str, Any], found: str) -> None:
    assert found in oracle.broken(publish(tmp_path, **planted), DOMAIN, {FILE: 3})


def test_a_pinned_version_that_is_gone_is_named(tmp_path: Path) -> None:
    ledger = publish(tmp_path)
    next((tmp_path / "silver.tiny_load").glob("*.parquet")).unlink()
    shutil.rmtree(tmp_path / "bronze.tiny_meter" / "_delta_log")
    bronze, silver = oracle.broken(ledger, DOMAIN, {FILE: 3})
    assert bronze.startswith("bronze.tiny_meter: version 0 cannot be read: ")
    assert silver.startswith("silver.tiny_load: version 0 cannot be read: ")


def test_states_differ_by_content_and_count_but_not_by_provenance(tmp_path: Path) -> None:
    def state(name: str, **planted: Any) -> oracle.State:
        (tmp_path / name).mkdir()
        return oracle.state(publish(tmp_path / name, **planted), DOMAIN)

    once = state("once")
    later = [{**row, "ingested_at": NOON + timedelta(days=1)} for row in reversed(SILVER)]
    assert once.difference(state("later", silver=later)) == ""
    changed = [SILVER[0], {**SILVER[1], "load_mw": 2.5}]
    assert once.difference(state("changed", silver=changed)) == "silver.tiny_load"
    counted = state("counted", counts={"new": 1, "updated": 1, "quarantined": 1})
    assert once.difference(counted) == f"outcomes of {FILE} in silver.tiny_load"
