from __future__ import annotations

import pytest

import pipelines.domains
from pipelines import runner
from pipelines.contracts.names import DeclarationError
from pipelines.domains import UnknownDomainError, domains
from pipelines.io.ledger import Ledger
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


def test_a_defect_of_ours_keeps_its_trace(tmp_path, monkeypatch):
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(runner.UNIT_RUNNERS, "ingest", broken)
    with pytest.raises(ZeroDivisionError):
        runner.run(settings_on(tmp_path), names=["energy"], stages=["land"])


def test_a_stage_that_waits_for_an_earlier_one_says_so(tmp_path, capsys):
    outcome = runner.run(settings_on(tmp_path), names=["energy"], stages=["gold", "decide", "act", "observe"])
    assert (outcome.failures, outcome.used_spark) == ({}, False)
    said = capsys.readouterr().out
    assert "gold      waits for silver.energy_load, silver.energy_weather, silver.energy_workdays" in said
    assert "decide    load_mw: waits for predictions" in said
    assert "act       load_mw: waits for decisions" in said


def test_training_before_there_is_gold_says_what_to_run(tmp_path):
    failures = runner.run(settings_on(tmp_path), names=["energy"], stages=["train"]).failures
    assert failures == {"energy": "gold.energy_load_mw: not published yet; run the stage that writes it first"}


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
