"""The engine `auto`: one process for few rows."""

from __future__ import annotations

from tiny_gold import plan_for, write_gold

from pipelines.runner import fits


def test_few_rows_are_fitted_in_one_process_and_the_line_says_why(tmp_path, monkeypatch):
    plan = plan_for("xgboost", write_gold(tmp_path), engine="xgboost_spark", workers=2)
    small = fits.by_size(plan)
    assert small.engine == "single"
    assert fits.told_where(small, "auto") == "in one process (auto: 600 rows, 300,000 are worth several workers)"
    monkeypatch.setattr(fits, "FEW_ROWS", 600)
    assert fits.by_size(plan) == plan
    assert fits.told_where(plan, "auto").startswith("by xgboost_spark, 2 workers (auto: 600 rows, ")
    assert fits.told_where(plan, None) == "by xgboost_spark, 2 workers"
