from __future__ import annotations

from pipelines.contracts.tables import OUTCOMES
from pipelines.contracts.tasks import ByHash, Classify, Events, Promote, Rank, Share
from pipelines.io.publication import Outcomes
from pipelines.runner.report import ROWS_SHOWN, file_tables, files_of_run, summary, table_text, told
from tests.toy_domains.mill.domain import DOMAIN

RUNS = {
    "seasonal_naive": {"mae": 400.0, "naive_mae": 400.0, "skill": 0.0, "coverage": 0.81, "nominal_coverage": 0.8},
    "xgboost": {"mae": 150.25, "naive_mae": 400.0, "skill": 0.624375, "coverage": 0.79, "nominal_coverage": 0.8},
}
TASK = {
    "runs": RUNS,
    "champion": {"model": "energy-load_mw", "version": 3, "family": "xgboost", "why": "least mae"},
    "predictions": 4320,
    "decisions": {
        "rows": 4320,
        "value": 1234567.8,
        "naive_value": 3000000.0,
        "foresight_value": 0.0,
        "unit": "AUD",
        "higher_is_better": False,
    },
}
COUNTS = dict.fromkeys(OUTCOMES, 0) | {"in": 1440, "new": 1428, "quarantined": 12}
QUARANTINE = {"open": 9, "replayed": 2, "discarded": 1}
LOAD = {"path": "p", "version": 1, "rows": 9, "outcomes": COUNTS, "quarantine": QUARANTINE}
CHECKS = [
    {"table": "silver.energy_load", "expectation": "load_is_usual", "severity": "warn", "checked": 1440, "broken": 36}
    | {"share": 0.025, "observed": None, "was_broken": True, "trend": [0.0, 0.05, 0.025]},
    {"table": "silver.energy_load", "expectation": "a_day_is_whole", "severity": "fail", "checked": 1, "broken": 0}
    | {"share": 0.0, "observed": 1440.0, "was_broken": False, "trend": [1440.0]},
    {"table": "silver.energy_load", "expectation": "load_is_positive", "severity": "quarantine", "checked": 9}
    | {"broken": 0, "share": 0.0, "observed": None, "was_broken": False, "trend": [0.0]},
]
TABLES = {"silver.energy_load": LOAD}
STATUS = {"domains": {"energy": {"files": 25, "tables": TABLES, "checks": CHECKS, "tasks": {"load_mw": TASK}}}}


def test_a_run_ends_with_outcomes_families_champion_and_the_worth_of_decisions():
    assert summary(STATUS, ["energy"]).splitlines() == [
        "energy: 25 files",
        "  records of             in    new  updated  deleted  unchanged  duplicate  superseded  quarantined",
        "  ------------------  -----  -----  -------  -------  ---------  ---------  ----------  -----------",
        "  silver.energy_load  1,440  1,428        0        0          0          0           0           12",
        "  silver.energy_load: 9 set apart. See: headrace quarantine list --domain energy --table load",
        "",
        "  expectation                         severity  checked  broken  share or value  trend",
        "  ----------------------------------  --------  -------  ------  --------------  -----",
        "  silver.energy_load: load_is_usual       warn    1,440      36           2.50%    ▁█▅",
        "  silver.energy_load: a_day_is_whole      fail        1       0           1,440      █",
        "",
        "  task: family (test span)    MAE  naive MAE    gain    coverage",
        "  ------------------------  -----  ---------  ------  ----------  --------",
        "  load_mw: xgboost          150.2        400  +62.4%  79% of 80%  champion",
        "  load_mw: seasonal_naive     400        400   +0.0%  81% of 80%",
        "  champion energy-load_mw/3: least mae",
        "  4,320 decisions, AUD (lower is better)   champion      naive  foresight",
        "  --------------------------------------  ---------  ---------  ---------",
        "  realised value                          1,234,568  3,000,000          0",
    ]


BY_CHANCE = {
    "log_loss": 0.5,
    "naive_log_loss": 0.5,
    "auc": 0.5,
    "naive_auc": 0.5,
    "average_precision": 0.2,
    "skill": 0.0,
}
TREES = BY_CHANCE | {"log_loss": 0.41231, "auc": 0.80449, "average_precision": 0.51, "skill": 0.17538}


def test_families_that_predict_a_probability_are_shown_by_their_ranking_and_loss():
    runs = {"base_rate": BY_CHANCE, "linear": {}, "xgboost": TREES}
    champion = {"model": "rail-is_late", "version": 1, "family": "xgboost", "why": "least log_loss"}
    tasks = {"is_late": {"runs": runs, "champion": champion, "predictions": 0, "decisions": None}}
    shown = summary({"domains": {"rail": {"files": 0, "tables": {}, "checks": [], "tasks": tasks}}}, ["rail"])
    assert shown.splitlines()[2:] == [
        "  task: family (test span)    AUC  avg precision  log loss  naive log loss    gain",
        "  ------------------------  -----  -------------  --------  --------------  ------  --------",
        "  is_late: xgboost          0.804          0.510    0.4123          0.5000  +17.5%  champion",
        "  is_late: base_rate        0.500          0.200    0.5000          0.5000   +0.0%",
        "  is_late: linear",
        "  champion rail-is_late/1: least log_loss",
    ]


def test_how_many_features_models_see_is_told_where_a_budget_is_declared():
    given = {"features_given": 9.0, "features_declared": 21.0}
    runs = {"base_rate": BY_CHANCE | {"features_given": 21.0, "features_declared": 21.0}, "xgboost": TREES | given}
    tasks = {"is_late": {"runs": runs, "champion": None, "predictions": 0, "decisions": None}}
    shown = summary({"domains": {"rail": {"files": 0, "tables": {}, "checks": [], "tasks": tasks}}}, ["rail"])
    assert shown.splitlines()[-1] == "  models see 9 of 21 features"


def test_a_family_is_told_of_in_the_words_of_its_task():
    shares = [Share(n / 4, (n + 1) / 4) for n in range(4)]
    is_late = Classify(
        column="is_late",
        table="trains",
        spine=Events("trains", entity="train_id"),
        views=(),
        families=("base_rate", "xgboost"),
        split=ByHash(*shares),
        promote=Promote("log_loss", "base_rate", by=0.05),
        decide="warn",
    )
    assert told(TREES, is_late) == "log loss 0.4123, +17.5% against base_rate; AUC 0.804 (naive 0.500)"
    assert told(RUNS["xgboost"] | {"mae": 1150.25}, DOMAIN.tasks[0]) == (
        "MAE 1,150.2 m³/s, +62.4% against seasonal_naive; 79% in the 80% band"
    )
    ends = {"interval/mae_skill_low": -0.051, "interval/mae_skill_high": 0.8}
    assert ", +62.4% (-5.1% to +80.0%) against seasonal_naive;" in told(RUNS["xgboost"] | ends, DOMAIN.tasks[0])


def test_an_order_is_told_of_by_its_first_places():
    grade = Rank(
        column="grade",
        query="job",
        top=3,
        table="works",
        spine=Events("works", entity="work_id"),
        views=(),
        families=("in_order", "xgboost"),
        split=ByHash(*[Share(n / 4, (n + 1) / 4) for n in range(4)]),
        promote=Promote("ndcg", "in_order", by=0.05),
        decide="show",
    )
    naive = {"ndcg": 0.5, "naive_ndcg": 0.5, "map": 0.3, "mrr": 0.4, "queries": 1200.0, "skill": 0.0}
    ends = {"interval/ndcg_skill_low": 0.4, "interval/ndcg_skill_high": 0.6}
    boosted = {**naive, "ndcg": 0.75, "map": 0.6, "mrr": 0.7, "skill": 0.5, **ends}
    assert told(boosted, grade) == (
        "NDCG at 3 0.750 (naive 0.500), +50.0% (+40.0% to +60.0%) against in_order; "
        "MAP 0.600, MRR 0.700 in 1,200 queries"
    )
    tasks = {"grade": {"runs": {"in_order": naive, "xgboost": boosted}, "champion": None, "decisions": None}}
    shown = summary({"domains": {"rail": {"files": 0, "tables": {}, "checks": [], "tasks": tasks}}}, ["rail"])
    assert [line.split() for line in shown.splitlines()[-2:]] == [
        ["grade:", "xgboost", "0.750", "0.500", "0.600", "0.700", "+50.0%"],
        ["grade:", "in_order", "0.500", "0.500", "0.300", "0.400", "+0.0%"],
    ]


def test_what_is_not_known_yet_is_left_out():
    task = TASK | {"champion": None, "decisions": TASK["decisions"] | {"value": None}}
    status = {"domains": {"energy": {"files": 0, "tables": {}, "checks": [], "tasks": {"load_mw": task}}}}
    shown = summary(status, ["energy", "finance"])
    assert "champion" not in shown and "realised value" not in shown
    assert shown.endswith("finance: nothing is published yet")


def test_columns_of_a_table_are_as_wide_as_their_widest_cell():
    assert list(table_text(["name", "n"], [["a", "1,000"], ["longer", "2"]])) == [
        "  name        n",
        "  ------  -----",
        "  a       1,000",
        "  longer      2",
    ]


def test_of_each_file_is_told_what_became_of_its_records_for_every_table():
    files = {
        "energy": [
            Outcomes(1, "meter_readings/2014-02-11.csv", "silver.energy_load", 1440, {"new": 1400, "quarantined": 40}),
            Outcomes(2, "weather/2014-02-12.jsonl", "silver.energy_weather", 3, {"updated": 1, "unchanged": 2}),
        ],
        "finance": [],
    }
    told = [
        "energy: records of each file",
        "  file                           table                     in    new  updated  deleted  unchanged  duplicate"
        "  superseded  quarantined",
        "  -----------------------------  ---------------------  -----  -----  -------  -------  ---------  ---------"
        "  ----------  -----------",
        "  meter_readings/2014-02-11.csv  silver.energy_load     1,440  1,400        0        0          0          0"
        "           0           40",
        "  weather/2014-02-12.jsonl       silver.energy_weather      3      0        1        0          2          0"
        "           0            0",
    ]
    assert file_tables(files).splitlines() == told
    assert files_of_run(files).splitlines() == told


def test_a_run_that_took_in_many_files_says_only_how_many():
    feeds = ("silver.energy_load", "silver.energy_weather")
    files = {"energy": [Outcomes(1, f"f{n}.csv", name, 1, {"new": 1}) for n in range(ROWS_SHOWN) for name in feeds]}
    assert files_of_run(files) == (
        "40 files taken in; the records of each are the sum of their outcomes. See: headrace status --files"
    )
    assert files_of_run({"energy": []}) == ""
