"""A domain that `headrace new-domain` wrote goes all the way as it is: from a user's file to a registered champion."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from pipelines import runner
from pipelines.io.ledger import Ledger
from pipelines.scaffold.new_domain import new_domain
from tests.found_domains import found_in
from tests.house import query, settings_on, tables
from tests.reference import reference

TO_REGISTER = ("land", "bronze", "silver", "gold", "train", "evaluate", "register")
SINGLE = {"training": {"workers": 1, "engines": dict.fromkeys(("linear", "logistic", "xgboost"), "single")}}


def test_a_small_file_goes_from_its_rows_to_a_champion(spark, tmp_path):
    """No column names a row, numbers have decimal commas, the answer is a word, and one record is torn."""
    lines = ["Wear (min);Type;Torque [Nm];State"]
    for row in range(500):
        wear = (row * 7919) % 251
        state = "broken" if wear + 90 * math.sin(row) > 150 else "fine"
        lines.append(f"{wear},5;{'LMH'[row % 3]};{'n/a' if row % 40 == 3 else 40 + row % 11};{state}")
    (tmp_path / "my.csv").write_text("\n".join([*lines, "1,5;L"]) + "\n")
    done = new_domain("tools", tmp_path / "my.csv", "State", _folder(tmp_path))
    settings = settings_on(tmp_path, **SINGLE | {"samples": True})
    with found_in(done.folder.parent):
        outcome = runner.run(settings, names=["tools"], stages=TO_REGISTER)
        assert outcome.failures == {}
    held = tables(settings, "tools")
    for name in ("silver.tools_rows", "silver.tools_outcomes"):
        assert (held[name]["outcomes"]["new"], held[name]["outcomes"]["quarantined"]) == (500, 1)
    states = query(settings, "tools", "silver.tools_outcomes", "select state, count(*) from t group by 1 order by 1")
    broken = sum(line.endswith("broken") for line in lines)
    assert states == [("0", 500 - broken), ("1", broken)]
    assert query(settings, "tools", "silver.tools_rows", "select max(wear_min) from t") == [(250.5,)]
    (champion,) = Ledger(settings.ledger).champions("tools", "state")
    assert champion.family in ("logistic", "xgboost")


REFERENCES = {
    "ai4i": ("manufacturing/ai4i/ai4i2020.csv.gz", "Machine_failure", 10_000, "log_loss"),
    "ccpp": ("energy/ccpp/Folds5x2_pp.csv.gz", "EP", 9_568, "mae"),
    "pjme": ("energy/pjm/PJME_hourly.csv.gz", "PJME_MW", 145_366, "mae"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", REFERENCES)
def test_files_that_nobody_declared_go_all_the_way(spark, tmp_path, name):
    """With no edit but that of the lines which the report asks to confirm, here all answered with yes."""
    file, target, rows, metric = REFERENCES[name]
    done = new_domain(name, reference(file), target, _folder(tmp_path))
    for path in done.folder.glob("*.py"):
        path.write_text(re.sub(r"^ *# confirm: .*\n( *#   .*\n)*", "", path.read_text(), flags=re.MULTILINE))
    settings = settings_on(tmp_path, **SINGLE | {"samples": True})
    with found_in(done.folder.parent):
        outcome = runner.run(settings, names=[name], stages=TO_REGISTER)
        assert outcome.failures == {}
    counted = [table["outcomes"] for table in tables(settings, name).values() if "outcomes" in table]
    assert all((of["in"], of["quarantined"]) == (rows, 0) for of in counted)
    task = done.draft.shape.target.name
    (champion,) = Ledger(settings.ledger).champions(name, task)
    runs = outcome.status["domains"][name]["tasks"][task]["runs"]
    assert runs[champion.family][metric] < 0.98 * runs[champion.family][f"naive_{metric}"]


def _folder(tmp_path) -> Path:
    folder: Path = tmp_path / "domains"
    folder.mkdir()
    return folder
