"""Each domain's hand-written raw rows: the good go through, each dirty one is set apart with its reason."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

import pipelines.domains
from pipelines.domains import domains, parser
from pipelines.io.drop_folders import lying_in
from pipelines.io.places import Place
from pipelines.io.records import RawFile, records
from pipelines.stages.land import delivered_at
from pipelines.stages.silver import refine, silver
from pipelines.transforms.derived import derived
from pipelines.transforms.fields import unpacked

FOLDER = Path(pipelines.domains.__file__).parent
CASES = [(domain, table) for domain in domains().values() for table in domain.tables]


@pytest.mark.parametrize(("domain", "table"), CASES, ids=lambda part: part.name)
def test_every_dirty_sample_row_is_set_apart_with_its_reason(spark, tmp_path, domain, table):
    sample = FOLDER / domain.name / "sample"
    source = domain.source(table.source)
    files = [
        RawFile(f.name, f.path, f.sha256, source, int(delivered_at(f.name, None).timestamp() * 1e6))
        for f in lying_in(source, Place(str(sample / source.name)), tmp_path).files
    ]
    assert files, f"{sample}/{source.name}: a domain shows how its source looks"
    provenance = {"batch": 1, "attempt": 1, "ingested_at": datetime(2026, 1, 1, tzinfo=UTC)}
    read, parse = records(spark, files), parser(domain, source.name)
    if parse:
        read = derived(unpacked(read), parse)
    rows = refine(read, table, has_header=source.has_header and parse is None)
    judged = silver(domain, table, rows, None, None, **provenance).judged.collect()
    set_apart = {
        (row["_file"], row["_position"]): " + ".join(row["_reasons"])
        for row in judged
        if row["outcome"] == "quarantined"
    }
    with (sample / "quarantined.csv").open(newline="") as lines:
        expected = {
            (row["file"], int(row["position"])): row["reason"]
            for row in csv.DictReader(lines)
            if row["table"] == table.name
        }
    assert set_apart.keys() == expected.keys()
    # a parser's own words may follow the reason
    assert [place for place, reason in expected.items() if not set_apart[place].startswith(reason)] == []
    assert expected and any(row["outcome"] == "new" for row in judged)
