"""The table of coverage: read from what was published, marked where it is off, and the README shows what is held."""

from __future__ import annotations

from datetime import UTC, datetime

from pipelines.io.ledger import Ledger
from pipelines.io.publication import Fit, Publication
from tests import results
from tests.quality import coverage
from tests.toy_domains.mill.domain import DOMAIN

TASK = DOMAIN.tasks[0]


def record(task: str, split: float, others: dict, **changed) -> dict:
    of = {"domain": "mill", "task": task, "family": "linear", "nominal": 0.8, "split": split, "low": 0.701}
    rest = {"high": 0.8449, "others": others, "tested_on": "May", "as_of": "2024-06-01", "commit": "abc"}
    return of | rest | changed


def test_what_lies_farther_than_3_points_from_what_was_promised_is_marked():
    records = [record("flow", 0.77, {"by_step": 0.7699, "adaptive": 0.801}), record("rain", 0.9, {}, low=None)]
    assert coverage.table(records) == (
        "| task: family | promised | split (95 % interval) | by step | adaptive |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| flow: linear | 80% | 77.0 % (70.1 to 84.5) | 77.0 % [-3.0] | 80.1 % |\n"
        "| rain: linear | 80% | 90.0 % [+10.0] |  |  |\n"
    )


def test_a_task_that_was_read_again_replaces_its_rows_alone():
    before = [record("flow", 0.1, {}), record("rain", 0.2, {})]
    found = coverage.renewed(before, [record("flow", 0.5, {}, family="xgboost")])
    assert [(of["task"], of["family"], of["split"]) for of in found] == [
        ("flow", "xgboost", 0.5),
        ("rain", "linear", 0.2),
    ]


def test_each_familys_newest_published_fit_is_read_the_baseline_last(tmp_path):
    ledger, at = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}"), datetime(2024, 6, 1, tzinfo=UTC)
    metrics = {"coverage": 0.75, "nominal_coverage": 0.8, "conformal/adaptive_coverage": 0.79}
    metrics |= {"interval/coverage_low": 0.7, "interval/coverage_high": 0.8}
    fits = [Fit(TASK.name, family, "run", "key", metrics, {}, at) for family in ("seasonal_naive", "linear")]
    ledger.publish(ledger.open_attempt("mill", "learn"), Publication(fits=tuple(fits)))
    found = list(coverage.held(ledger, "mill", TASK, "abc"))
    assert [of["family"] for of in found] == ["linear", "seasonal_naive"]
    assert set(found[0]) == set(coverage.NAMES)
    assert (found[0]["split"], found[0]["low"], found[0]["others"]) == (0.75, 0.7, {"adaptive": 0.79})


def test_the_readme_shows_what_is_held():
    text = coverage.README.read_text()
    assert coverage.in_readme(text, results.read(coverage.RECORDS)) == text
