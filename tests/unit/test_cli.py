"""What a user sees: one clear line for a mistake, the right exit code, never a stack trace."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from pipelines import cli
from pipelines.contracts.tables import OUTCOMES
from pipelines.io.ledger import Ledger
from pipelines.io.publication import Champion, Decisions, Fit, LandedFile, Outcomes, Publication, Written
from pipelines.settings import PROJECT
from tests.house import drop, loaded_by, overlay_on, settings_on


def told(capsys, *words: object) -> tuple[int, str]:
    """The exit code of a command, and what it wrote to stderr."""
    try:
        code = cli.main([str(word) for word in words])
    except SystemExit as end:  # argparse's own way out
        code = int(end.code or 0)
    return code, capsys.readouterr().err


def conf(tmp_path, text: str):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return path


def test_an_unknown_domain_is_named_with_those_that_exist(capsys, tmp_path):
    code, line = told(capsys, "run", "--conf", overlay_on(tmp_path), "--domain", "enrgy")
    assert (code, line) == (2, "headrace: unknown domain 'enrgy'. There are: energy, finance, logistics\n")


def test_an_unknown_stage_is_named_with_those_that_exist(capsys, tmp_path):
    code, line = told(capsys, "run", "--conf", overlay_on(tmp_path), "--stage", "sliver")
    assert (code, line.count("\n")) == (2, 1)
    assert line.startswith("headrace: unknown stage 'sliver'. There are: land, bronze, silver, gold, train, ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("training:\n  wrokers: 2\n", "line 2: unknown key 'training.wrokers'. Did you mean 'training.workers'?"),
        ("training:\n  workers: two\n", "line 2: 'training.workers' must be a whole number"),
        ("samples: yes please\n", "line 1: 'samples' must be true or false, not 'yes please'"),
        ("root: [", "not valid YAML"),
    ],
)
def test_a_mistake_in_conf_is_one_line_with_its_place(capsys, tmp_path, text, said):
    path = conf(tmp_path, text)
    code, line = told(capsys, "status", "--conf", path)
    assert (code, line.count("\n")) == (2, 1)
    assert line.startswith(f"headrace: {path}: ") and said in line


def test_a_conf_file_that_is_missing_is_named(capsys, tmp_path):
    code, line = told(capsys, "run", "--conf", tmp_path / "none.yaml")
    assert (code, line.count("\n")) == (2, 1)
    assert line.startswith(f"headrace: {tmp_path}/none.yaml: No such file or directory")


def test_an_as_of_that_is_no_instant_is_refused(capsys):
    code, said = told(capsys, "run", "--as-of", "tomorrow")
    assert code == 2
    assert said.splitlines()[-1].endswith("--as-of: 'tomorrow' is no ISO 8601 instant such as 2014-12-01T00:00Z")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_seen_enough_gets_no_stack_trace(unbuffered):
    command = [sys.executable, "-m", "pipelines", "domains"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, env={**os.environ, "PYTHONUNBUFFERED": unbuffered}, cwd=PROJECT) as cut:
        cut.stdout.close()
        assert (cut.stderr.read(), cut.wait()) == (b"", 1)


def test_a_command_that_does_not_exist_is_refused(capsys):
    code, said = told(capsys, "rnu")
    assert code == 2
    assert "invalid choice: 'rnu'" in said.splitlines()[-1]


@pytest.mark.parametrize("words", [("status",), ("status", "--json"), ("tables",), ("run", "--stage", "land")])
def test_a_ledger_that_cannot_be_read_is_named_in_one_line(capsys, tmp_path, words):
    overlay = overlay_on(tmp_path)
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "ledger.db").write_text("this is no database")
    code, line = told(capsys, *words, "--conf", overlay)
    assert (code, line.count("\n")) == (1, 1)
    assert line.startswith("headrace: ledger ") and "file is not a database" in line


def test_a_file_without_a_date_is_named_and_an_as_of_instant_helps(capsys, tmp_path):
    settings, overlay = settings_on(tmp_path), overlay_on(tmp_path)
    drop(settings, "energy", {"weather/newest.jsonl": "{}\n"})
    command = ("run", "--conf", overlay, "--domain", "energy", "--stage", "land")
    assert told(capsys, *command) == (
        1,
        "headrace: energy: weather/newest.jsonl: no date (YYYY-MM-DD) in the name. Rename it, or give --as-of\n",
    )
    assert told(capsys, *command, "--as-of", "2014-02-01")[0] == 0
    (batch,) = Ledger(settings.ledger).batches_awaiting("energy", "bronze")
    assert batch.files[0].delivered_at.isoformat() == "2014-02-01T00:00:00+00:00"


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_landed(capsys, tmp_path):
    settings, overlay = settings_on(tmp_path), overlay_on(tmp_path)
    drop(settings, "energy", {"weather/2014-02-01.jsonl": "{}\n"})
    (settings.drops / "energy" / "weather" / "2014-02-02.jsonl").symlink_to(tmp_path / "gone")
    code, line = told(capsys, "run", "--conf", overlay, "--domain", "energy", "--stage", "land")
    assert (code, line) == (
        1,
        "headrace: energy: weather/2014-02-02.jsonl: cannot be read (No such file or directory). Mend or remove it\n",
    )
    (batch,) = Ledger(settings.ledger).batches_awaiting("energy", "bronze")
    assert [file.name for file in batch.files] == ["weather/2014-02-01.jsonl"]


def test_an_empty_drop_folder_is_said_and_is_no_failure(capsys, tmp_path):
    overlay = overlay_on(tmp_path)
    assert cli.main(["run", "--conf", str(overlay), "--domain", "energy", "--stage", "land"]) == 0
    shown = capsys.readouterr().out
    assert (
        f"no file at all: put raw files into {tmp_path}/root/drops/energy (meter_readings, weather, calendar)" in shown
    )
    assert "energy: nothing is published yet" in shown


@pytest.mark.parametrize("words", [(), ("run",), ("status",)])
def test_help_shows_examples_and_exit_codes(capsys, words):
    assert told(capsys, *words, "--help")[0] == 0
    cli._parser().print_help()
    shown = capsys.readouterr().out
    assert "headrace run --domain energy --stage silver" in shown
    assert "exit codes: 0 everything asked for is complete" in shown


# What must be quick, or must fail before anything has started: a process of its own.


def process(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipelines", *[str(word) for word in words]]
    kept = {name: value for name, value in os.environ.items() if name not in ("JAVA_HOME", "SPARK_HOME")}
    return subprocess.run(
        command, env={**kept, **environment}, capture_output=True, text=True, cwd=PROJECT, timeout=120
    )


def status(overlay) -> dict:
    printed, loaded = loaded_by("status", "--json", "--conf", overlay)
    assert loaded == "0\n"
    return json.loads(printed)


def test_status_of_an_empty_root_is_an_empty_object_of_the_agreed_shape(tmp_path):
    assert status(overlay_on(tmp_path)) == {"domains": {}}


def test_status_has_exactly_the_agreed_keys_and_loads_nothing_heavy(tmp_path):
    settings = settings_on(tmp_path)
    publish_a_little(settings)
    outcomes = dict.fromkeys(OUTCOMES, 0) | {"in": 3, "new": 2, "quarantined": 1}
    assert status(overlay_on(tmp_path)) == {
        "domains": {
            "energy": {
                "files": 1,
                "tables": {
                    "silver.energy_load": {
                        "path": "load",
                        "version": 1,
                        "rows": 2,
                        "outcomes": outcomes,
                        "quarantine": {"open": 1, "replayed": 0, "discarded": 0},
                    },
                },
                "checks": [],
                "tasks": {
                    "load_mw": {
                        "runs": {"xgboost": {"mae": 0.5, "naive_mae": 1.0}},
                        "champion": {"model": "energy-load_mw", "version": 1, "family": "xgboost", "why": "best"},
                        "predictions": 48,
                        "decisions": {
                            "rows": 48,
                            "value": 1.0,
                            "naive_value": 2.0,
                            "foresight_value": 0.0,
                            "unit": "AUD",
                            "higher_is_better": False,
                        },
                    }
                },
            }
        }
    }


def test_status_accounts_for_the_records_of_each_file(capsys, tmp_path):
    overlay = overlay_on(tmp_path)
    assert cli.main(["status", "--files", "--conf", str(overlay)]) == 0
    assert capsys.readouterr().out == "no file is taken in yet. Next: headrace run\n"
    publish_a_little(settings_on(tmp_path))
    assert cli.main(["status", "--files", "--conf", str(overlay)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "energy: records of each file",
        "  file  table               in  new  updated  deleted  unchanged  duplicate  superseded  quarantined",
        "  ----  ------------------  --  ---  -------  -------  ---------  ---------  ----------  -----------",
        "  f     silver.energy_load   3    2        0        0          0          0           0            1",
    ]


def test_status_tells_what_stages_took(tmp_path, capsys):
    from pipelines.contracts.usage import Usage

    overlay = overlay_on(tmp_path)
    assert cli.main(["status", "--costs", "--conf", str(overlay)]) == 0
    assert capsys.readouterr().out == "no cost is on record. Next: headrace run\n"
    ledger = Ledger(settings_on(tmp_path).ledger)
    publish_a_little(settings_on(tmp_path))
    for _ in range(2):
        taken = {("silver", ""): Usage(1.25, 2.0, bytes_written=3_500_000), ("train", "load_mw"): Usage(900.0, 1798.0)}
        ledger.publish(ledger.open_attempt("energy", "ingest"), Publication(costs=taken))
    assert cli.main(["status", "--costs", "--conf", str(overlay)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "  domain  stage   task     times        s   core s  MB written",
        "  ------  ------  -------  -----  -------  -------  ----------",
        "  energy  silver               2      2.5      4.0         7.0",
        "  energy  train   load_mw      2  1,800.0  3,596.0         0.0",
        "  energy  in all                  1,802.5  3,600.0         7.0",
    ]
    priced = overlay_on(tmp_path, training={"price_per_core_hour": 0.05})
    assert cli.main(["status", "--costs", "--conf", str(priced)]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split() == [
        "energy",
        "in",
        "all",
        "1,802.5",
        "3,600.0",
        "7.0",
        "0.0500",
    ]


def publish_a_little(settings):
    """What a run leaves in the ledger, without the tables: status reads nothing else."""
    from pipelines.contracts.tasks import utc

    ledger = Ledger(settings.ledger)
    at = utc("2014-02-11")
    batch = ledger.open_batch("energy", [LandedFile("meter_readings", "f", "f", 1, "0", at)])
    attempt = ledger.open_attempt("energy", "ingest")
    ledger.create(attempt, "silver.energy_load", "load")
    ledger.publish(
        attempt,
        Publication(
            tables={"silver.energy_load": Written(1, 2)},
            progress=((batch, "bronze"), (batch, "silver")),
            outcomes=(Outcomes(batch, "f", "silver.energy_load", 3, {"new": 2, "quarantined": 1}),),
            fits=(Fit("load_mw", "xgboost", "run", "key", {"mae": 0.5, "naive_mae": 1.0}, {}, at),),
            champions=(Champion("load_mw", "energy-load_mw", 1, "xgboost", "best", "run", at),),
            predictions={"load_mw": 48},
            decisions=(Decisions("load_mw", 48, "AUD", False, 1.0, 2.0, 0.0),),
        ),
    )


def test_without_java_the_failure_says_what_to_do(tmp_path):
    settings, overlay = settings_on(tmp_path), overlay_on(tmp_path)
    drop(settings, "energy", {"weather/2014-02-11.jsonl": '{"region_id": "VIC"}\n'})
    command = ("run", "--conf", overlay, "--domain", "energy", "--stage", "land", "--stage", "bronze")
    ran = process(*command, JAVA_HOME=str(tmp_path / "nowhere"), PATH=str(tmp_path))
    assert (ran.returncode, ran.stderr) == (
        1,
        f"headrace: energy: JAVA_HOME is {tmp_path}/nowhere, where there is no bin/java. "
        "Unset it or correct it, then: make setup\n",
    )
    # what was landed waits for the next run
    assert len(Ledger(settings.ledger).batches_awaiting("energy", "bronze")) == 1
