"""What maintenance says; what it does is in tests/end_to_end/test_maintain_command.py."""

from __future__ import annotations

from pipelines.io.leases import lease
from pipelines.io.ledger import Ledger
from pipelines.runner.maintain import Outcome, Upkeep, maintain, summary
from tests.house import settings_on


def test_a_table_with_work_has_a_line_and_the_others_are_counted() -> None:
    tables = (
        Upkeep("silver.energy_load", 100, 1, removed=41, bytes=12_345_678, kept=5),
        Upkeep("gold.energy_load", 2, 2, removed=0, bytes=0, kept=3),
        Upkeep("bronze.energy_readings", 9, 1, removed=0, bytes=0, kept=12),
    )
    assert summary(Outcome(tables, {}, 4.25, used_spark=True)).splitlines() == [
        "  table                   files before  after  deleted  MB freed  versions kept",
        "  ----------------------  ------------  -----  -------  --------  -------------",
        "  silver.energy_load               100      1       41      12.3              5",
        "  bronze.energy_readings             9      1        0       0.0             12",
        "1 of 3 tables are tidy; 4.2 s in all",
    ]
    assert summary(Outcome((), {}, 0.1, used_spark=False)) == "nothing is published yet. Next: headrace run"


def test_a_domain_that_a_run_works_on_is_left_to_it_while_others_are_tended(tmp_path) -> None:
    settings = settings_on(tmp_path, schedule={"wait_s": 0})
    with lease(Ledger(settings.ledger), "energy", print, 0):
        outcome = maintain(settings, ["energy", "finance"], None)
    assert set(outcome.failures) == {"energy"}
    assert "works on it; waited 0 s" in outcome.failures["energy"]
