from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from sqlalchemy import update

import pipelines.domains
from pipelines import runner
from pipelines.contracts.domain import Domain
from pipelines.contracts.names import DeclarationError
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.domains import UnknownDomainError, domains
from pipelines.io import lock
from pipelines.io.leases import lease
from pipelines.io.ledger import Ledger
from pipelines.io.ledger_schema import leases
from pipelines.io.publication import LandedFile, Publication, Written
from pipelines.io.session import SessionError
from pipelines.runner.work import Context, Work, fingerprint
from pipelines.settings import PROJECT, Settings
from pipelines.stages.train import gold_tables
from tests.house import drop, settings_on
from tests.toy_domains.mill.domain import DOMAIN as MILL


def test_an_unknown_name_is_refused_before_anything_is_made(tmp_path):
    settings = settings_on(tmp_path)
    with pytest.raises(runner.UnknownStageError, match=r"unknown stage 'sliver'\. There are: land, bronze, silver, "):
        runner.run(settings, stages=["land", "sliver"])
    with pytest.raises(UnknownDomainError, match=r"unknown domain 'enrgy'\. There are: energy"):
        runner.run(settings, names=["enrgy"])
    assert not (tmp_path / "root").exists()


def test_what_fails_in_one_domain_does_not_hold_up_the_next(tmp_path, monkeypatch):
    monkeypatch.setitem(domains(), "mill", MILL)
    settings = settings_on(tmp_path)
    drop(settings, "energy", {"weather/undated.jsonl": "{}\n"})
    drop(settings, "mill", {"gauges/2024-01-02.csv": "station_id,read_at,flow\n"})
    outcome = runner.run(settings, names=["energy", "mill"], stages=["land"])
    assert set(outcome.failures) == {"energy"}
    assert outcome.domains == ("energy", "mill")
    assert len(Ledger(settings.ledger).batches_awaiting("mill", "bronze")) == 1


@pytest.mark.parametrize(
    ("names", "stages", "brief_mb", "is_brief"),
    [
        (["mill"], ["land", "bronze", "silver"], 32, True),
        (["mill"], ["land", "bronze", "silver"], 0, False),
        (["mill"], [], 32, False),
        (["mill", "energy"], ["land", "bronze", "silver"], 32, False),
    ],
)
def test_spark_is_told_where_all_that_it_is_for_is_a_small_delivery(
    tmp_path, monkeypatch, names, stages, brief_mb, is_brief
):
    def started(_: Settings, *, is_brief: bool) -> None:
        raise SessionError(f"brief: {is_brief}")

    monkeypatch.setitem(domains(), "mill", MILL)
    monkeypatch.setattr("pipelines.io.session.begin", started)
    settings = settings_on(tmp_path, spark={"brief_mb": brief_mb})
    drop(settings, "mill", {"gauges/2024-01-02.csv": "station_id,read_at,flow\n1,2,3\n"})
    assert runner.run(settings, names=names, stages=stages).failures["mill"] == f"brief: {is_brief}"


def test_spark_is_not_started_for_what_nothing_is_made_of(tmp_path, monkeypatch):
    started = []
    monkeypatch.setitem(domains(), "mill", MILL)
    monkeypatch.setattr("pipelines.io.session.begin", lambda *_, **__: started.append("spark"))
    settings = settings_on(tmp_path)
    drop(settings, "mill", {"gauges/2024-01-02.csv": "station_id,read_at,flow\n1,2,3\n"})
    assert runner.run(settings, names=["mill"], stages=["land"]).failures == {}
    drop(settings, "mill", {"gauges/2024-01-03.csv": "station_id,read_at,flow\n1,2,3\n"})
    assert runner.run(settings, names=["mill"], stages=["land", "silver"]).failures == {}
    assert started == []


def test_a_defect_of_ours_keeps_its_trace(tmp_path, monkeypatch):
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(runner.ingest, "run", broken)
    with pytest.raises(ZeroDivisionError):
        runner.run(settings_on(tmp_path), names=["energy"], stages=["land"])


def test_a_domain_that_another_run_works_on_is_left_to_it_while_others_go_on(tmp_path, capsys):
    settings = settings_on(tmp_path, schedule={"wait_s": 0})
    with lease(Ledger(settings.ledger), "energy", print, 0):
        outcome = runner.run(settings, names=["energy", "finance"])
    assert set(outcome.failures) == {"energy"}
    assert (
        "works on it; waited 0 s (schedule.wait_s in conf). Run again when that has ended" in outcome.failures["energy"]
    )
    assert "finance    land      no file at all" in capsys.readouterr().out


def test_a_run_that_lost_its_lease_opens_no_attempt(tmp_path, monkeypatch):
    """It would end the attempt of the run that took over."""
    settings = settings_on(tmp_path)

    def paused(context: Context, domain: Domain, _: object) -> None:
        with context.ledger.writing() as c:
            c.execute(update(leases).values(token="taken over"))
        Work(context, domain, "ingest").open()

    monkeypatch.setattr(runner.ingest, "run", paused)
    outcome = runner.run(settings, names=["energy"], stages=["land"])
    assert outcome.failures["energy"].startswith("energy: this process stood still for so long that it lost its lease")
    assert Ledger(settings.ledger).newest_attempt() == 0


@pytest.mark.parametrize(("failure", "is_free"), [(ZeroDivisionError, True), (KeyboardInterrupt, False)])
def test_a_failed_run_lets_go_of_its_tables_but_not_an_interrupted_one(tmp_path, monkeypatch, failure, is_free):
    """Spark's driver may still be at a commit when Python is interrupted."""
    table = tmp_path / "root" / "silver" / "energy_load"

    def failing(context: Context, *_: object) -> None:
        attempt = context.warehouse.open_attempt("energy", "ingest")
        lock.hold("silver.energy_load", str(table))
        attempt.locked.add(str(table))
        raise failure

    monkeypatch.setattr(runner.ingest, "run", failing)
    with pytest.raises(failure):
        runner.run(settings_on(tmp_path), names=["energy"], stages=["land"])
    taken = "import sys; from pipelines.io import lock; lock.hold('silver.energy_load', sys.argv[1])"
    other = subprocess.run([sys.executable, "-c", taken, str(table)], cwd=PROJECT, capture_output=True)
    assert (other.returncode == 0) == is_free
    if not is_free:
        lock.release(str(table))


@pytest.mark.parametrize(
    ("stage", "why"),
    [
        (
            "train",
            "train waits for gold.energy_load_mw, gold.energy_load_series, gold.energy_weather_series, "
            "gold.energy_workdays_series. Run the stage gold first",
        ),
        ("decide", "decide waits for gold.energy_load_mw_predictions. Run the stage score first"),
        ("act", "act waits for gold.energy_load_mw_decisions. Run the stage decide first"),
        ("observe", "observe waits for gold.energy_load_mw_decisions. Run the stage decide first"),
    ],
)
def test_a_stage_that_waits_for_another_is_not_complete_and_says_what_to_run(tmp_path, stage, why):
    outcome = runner.run(settings_on(tmp_path), names=["energy"], stages=[stage])
    assert (outcome.failures, outcome.used_spark) == ({"energy/load_mw": why}, False)


def test_where_nothing_was_ever_delivered_a_run_of_all_stages_is_complete(tmp_path, capsys):
    outcome = runner.run(settings_on(tmp_path), names=["energy"])
    assert (outcome.failures, outcome.used_spark) == ({}, False)
    said = capsys.readouterr().out
    assert "land      no file at all: put raw files into " in said
    assert "idle      nothing was ever delivered: " in said


def test_a_task_that_fails_does_not_hold_up_the_next(tmp_path, monkeypatch, capsys):
    """Of the mill's two tasks one has no champion; the other has predictions and decisions, all of them done."""
    monkeypatch.setitem(domains(), "mill", MILL)
    settings = settings_on(tmp_path)
    publish_gold_and_decisions_of_one_task(settings)
    outcome = runner.run(settings, names=["mill"], stages=["score", "decide", "act"])
    assert set(outcome.failures) == {"mill/flow_m3s"}
    assert outcome.failures["mill/flow_m3s"].startswith("no champion, so nothing is scored. Run the stages train, ")
    said = capsys.readouterr().out
    for line in (
        "score     level_m: nothing to do",
        "decide    level_m: nothing to do",
        "act       level_m: nothing to",
    ):
        assert line in said


def test_every_task_is_asked_to_learn(tmp_path, monkeypatch):
    monkeypatch.setitem(domains(), "mill", MILL)
    failures = runner.run(settings_on(tmp_path), names=["mill"], stages=["train"]).failures
    assert list(failures) == ["mill/flow_m3s", "mill/level_m"]
    assert failures["mill/level_m"].startswith("train waits for gold.mill_level_m, gold.mill_levels_series. Run ")


def publish_gold_and_decisions_of_one_task(settings):
    """What the ledger holds then; nothing is read of the tables themselves."""
    ledger, (flow, level) = Ledger(settings.ledger), MILL.tasks
    gold = {name for task in (flow, level) for name in gold_tables(MILL, task)}
    made = [f"gold.mill_level_m_{what}" for what in ("predictions", "decisions")]
    attempt = ledger.open_attempt("mill", "ingest")
    for name in (*gold, *made):
        ledger.create(attempt, name, name)
    of_gold = fingerprint(level.split.spans["test"], dict.fromkeys(gold_tables(MILL, level), 1))
    done = {
        ("score", "level_m"): of_gold,
        ("decide", "level_m"): fingerprint("hold", 1),
        ("act", "level_m"): fingerprint(1),
    }
    tables = {name: Written(1, 2) for name in (*gold, *made)}
    ledger.publish(attempt, Publication(tables=tables, fingerprints=done))


def reader(name: str, table: str) -> Domain:
    """A domain whose only source is another's published table."""
    columns = (Column("station_id", "string"), Column("read_at", "timestamp"), Column("flow_m3s", "double"))
    kept = Table("bread", source="flour", key=("station_id", "read_at"), columns=columns)
    return Domain(name, "bakers", "?", sources=(Source("flour", format="jsonl", table=table),), tables=(kept,))


def test_a_published_table_of_another_domain_is_a_source_and_lands_when_it_changes(tmp_path, monkeypatch):
    monkeypatch.setitem(domains(), "bakery", reader("bakery", "silver.mill_flows"))
    settings = settings_on(tmp_path)
    assert not runner.run(settings, names=["bakery"], stages=["land"]).failures  # nothing is published yet
    ledger, path = Ledger(settings.ledger), str(tmp_path / "flows")
    read_at = datetime(2024, 1, 2, tzinfo=UTC)
    landed = LandedFile("gauges", "gauges/2024-01-03.csv", "kept.csv", 9, "0" * 64, read_at + timedelta(days=1))
    ledger.open_batch("mill", [landed])
    for version, flow in enumerate((1.5, 2.5, 2.5)):
        row = {"station_id": "a", "read_at": read_at, "flow_m3s": flow, "_batch": version, "ingested_at": read_at}
        write_deltalake(path, pa.Table.from_pylist([row]), mode="overwrite")
        attempt = ledger.open_attempt("mill", "ingest")
        if version == 0:
            ledger.create(attempt, "silver.mill_flows", path)
        ledger.claim(attempt, "silver.mill_flows")
        ledger.publish(attempt, Publication(tables={"silver.mill_flows": Written(version, 1)}))
        for _ in range(2):
            assert not runner.run(settings, names=["bakery"], stages=["land"]).failures
    batches = [batch.files for batch in ledger.batches_awaiting("bakery", "bronze")]
    # the third version says just what the second did
    assert [[file.name for file in files] for files in batches] == [
        ["flour/2024-01-03-v0.jsonl"],
        ["flour/2024-01-03-v1.jsonl"],
    ]
    assert [json.loads(Path(files[0].path).read_text()) for files in batches] == [
        {"station_id": "a", "read_at": "2024-01-02T00:00:00+00:00", "flow_m3s": flow} for flow in (1.5, 2.5)
    ]


def test_a_domain_comes_after_those_that_it_reads():
    chain = [reader("a", "silver.b_flows"), MILL, reader("b", "silver.mill_flows")]
    assert [domain.name for domain in runner.in_order(chain)] == ["mill", "b", "a"]
    with pytest.raises(DeclarationError, match="domains that read each other's tables: "):
        runner.in_order([reader("a", "silver.b_flows"), reader("b", "silver.a_flows")])


def test_a_folder_whose_domain_has_another_name_is_refused(tmp_path, monkeypatch):
    folder = tmp_path / "domains" / "forge"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "domain.py").write_text("from tests.toy_domains.mill.domain import DOMAIN\n")
    monkeypatch.setattr(pipelines.domains, "__path__", [*pipelines.domains.__path__, str(folder.parent)])
    domains.cache_clear()
    with pytest.raises(DeclarationError, match=r"pipelines/domains/forge: its domain calls itself 'mill'"):
        domains()
    domains.cache_clear()
