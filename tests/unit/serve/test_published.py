"""What a reader sees of a root: what is pinned, nothing newer, and nothing made by looking."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

import pipelines.serve.published
from pipelines.contracts.tasks import Events
from pipelines.domains import domain
from pipelines.io.failures import LedgerError
from pipelines.io.ledger import Ledger
from pipelines.io.publication import Fit, Publication, Written
from pipelines.serve.labels import label_series, labelled
from pipelines.serve.published import Published
from pipelines.settings import load
from tests.house import overlay_on

ENERGY = domain("energy")
(TASK,) = ENERGY.tasks
INSTANT = pa.timestamp("us", tz="UTC")


def at(*texts: str | None) -> pa.Array:
    return pa.array([text and datetime.fromisoformat(text).replace(tzinfo=UTC) for text in texts], INSTANT)


def publish(conf: Path, tables: dict[str, list[pa.Table]], fits: tuple[Fit, ...] = ()) -> None:
    """By table the rows of its versions from 1 on, of which the first is published."""
    settings = load(conf)
    ledger = Ledger(settings.ledger)
    attempt = ledger.open_attempt("energy", "ingest")
    for name, (published, *newer) in tables.items():
        path = str(Path(settings.root, *name.split(".", 1)))
        write_deltalake(path, published.slice(0, 0))
        for rows in (published, *newer):
            write_deltalake(path, rows, mode="append")
        ledger.create(attempt, name, path)
    written = {name: Written(1, len(versions[0])) for name, versions in tables.items()}
    ledger.publish(attempt, Publication(tables=written, fits=fits))


@pytest.fixture
def conf(tmp_path):
    return overlay_on(tmp_path)


def test_where_nothing_was_ever_run_it_says_so_and_makes_nothing(conf):
    before = sorted(conf.parent.rglob("*"))
    with pytest.raises(LedgerError, match=r"^nothing is published yet. Run: headrace run$"):
        Published(conf)
    assert sorted(conf.parent.rglob("*")) == before


def test_a_ledger_without_a_published_table_is_nothing_published(conf):
    Ledger(load(conf).ledger).open_attempt("energy", "ingest")
    with pytest.raises(LedgerError, match="nothing is published yet"):
        Published(conf)


def test_the_pinned_version_is_read_and_nothing_newer(conf):
    publish(conf, {"silver.energy_load": [pa.table({"load_mw": [1.0, 2.0]}), pa.table({"load_mw": [3.0]})]})
    published = Published(conf)
    assert [d.name for d in published.domains] == ["energy"]
    assert published.read("silver.energy_load", ("load_mw",))["load_mw"].tolist() == [1.0, 2.0]
    assert (published.pin("silver.energy_load").version, published.pin("silver.energy_load").rows) == (1, 2)
    assert published.pin("silver.energy_weather") is None
    with pytest.raises(LedgerError, match=r"^silver.energy_weather: not published yet. Run: headrace run$"):
        published.read("silver.energy_weather", ("temp_c",))


def test_a_large_table_is_sampled_evenly_and_says_so(conf):
    rows = pa.table({"load_mw": [float(row) for row in range(1000)]})
    publish(conf, {"silver.energy_load": [rows]})
    published = Published(conf)
    sample = published.sample("silver.energy_load", most=300)
    assert sample.frame["load_mw"].tolist() == [float(row) for row in range(0, 1000, 4)]
    assert sample.told == "a sample: 250 of 1,000 rows"
    assert published.sample("silver.energy_load").told == "1,000 rows"


def test_an_empty_table_has_its_columns(conf):
    publish(conf, {"silver.energy_load": [pa.table({"load_mw": pa.array([], pa.float64())})]})
    sample = Published(conf).sample("silver.energy_load")
    assert ([*sample.frame.columns], len(sample.frame)) == (["load_mw"], 0)


def test_fits_come_in_the_tasks_order_and_without_a_store_there_are_no_curves(conf):
    of = datetime(2024, 1, 1, tzinfo=UTC)
    fits = tuple(Fit("load_mw", name, "run", "key", {"mae": 1.0}, {}, of) for name in ("xgboost", "seasonal_naive"))
    publish(conf, {"silver.energy_load": [pa.table({"load_mw": [1.0]})]}, fits)
    published = Published(conf)
    assert [*published.fits(ENERGY, TASK)] == ["seasonal_naive", "xgboost"]
    assert published.champion(ENERGY, TASK) is None
    assert published.decisions(ENERGY, TASK) is None
    assert published.curves(fits[0]) == []
    assert not Path(load(conf).root, "mlflow").exists()


SERIES = {
    "region_id": ["VIC"] * 4,
    "at": at("2014-01-01 00:00", "2014-01-01 00:30", "2014-01-01 01:00", "2014-01-01 00:00"),
    "known_until": at(None, None, None, "2014-01-02"),
    "load_mw": [1.0, 3.0, 8.0, 99.0],
}
CUT_OFFS = {"region_id": ["VIC", "VIC", "NSW"], "cut_at": at("2014-01-01 00:00", "2014-01-01 01:00", "2014-01-01")}


def gold(conf: Path) -> Published:
    publish(conf, {"gold.energy_load_series": [pa.table(SERIES)], "gold.energy_load_mw": [pa.table(CUT_OFFS)]})
    return Published(conf)


def test_the_label_is_what_was_last_said(conf):
    assert label_series(gold(conf), ENERGY, TASK)["label"].tolist() == [1.0, 3.0, 8.0]


def test_the_label_of_many_steps_is_their_mean_where_all_are_known(conf):
    label = labelled(gold(conf), ENERGY, replace(TASK, steps=2)).frame["label"]
    assert label.fillna(-1).tolist() == [2.0, -1.0, -1.0]


def test_the_label_of_an_event_is_its_own(conf):
    spine = Events("load", entity="region_id")
    task = replace(TASK, steps=1)
    object.__setattr__(task, "spine", spine)
    assert labelled(gold(conf), ENERGY, task).frame["label"].fillna(-1).tolist() == [1.0, 1.0, -1.0]


def test_reading_opens_no_attempt(conf, monkeypatch):
    gold(conf)
    monkeypatch.setattr(pipelines.serve.published.Ledger, "writing", None)
    published = Published(conf)
    assert published.outcomes(ENERGY) == {}
    assert len(published.sample("gold.energy_load_series").frame) == 4
