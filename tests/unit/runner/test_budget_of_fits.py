"""A fit that is estimated over the budget is refused before it begins, unless it is forced."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tiny_gold import plan_for, write_gold

from pipelines.contracts.fits import FitError
from pipelines.runner import measured
from pipelines.runner.fits import fitted, workspace_of
from pipelines.runner.work import Context, Work
from tests.house import settings_on
from tests.toy_domains.mill.domain import DOMAIN as MILL


def test_what_is_over_budget_is_not_begun_unless_forced(tmp_path):
    tables = write_gold(tmp_path)
    small, larger = (plan_for("xgboost", tables, rounds=rounds) for rounds in (3, 6))
    context = Context.opened(settings_on(tmp_path, training={"budget_minutes": 60}), lambda *_: None)
    work, forced = (Work(replace(context, is_forced=is_forced), MILL, "train") for is_forced in (False, True))
    model = fitted(work, small).model  # what was never measured may be tried
    of = measured.kept(workspace_of(work, small))
    hour = replace(of, usage=replace(of.usage, seconds=3600.0))
    measured.keep(hour, workspace_of(work, small))
    said = (
        r"^load_mw: the fit of xgboost is estimated at 120 min.*, over training\.budget_minutes 60\. Raise it in conf"
    )
    with pytest.raises(FitError, match=said):
        fitted(work, larger)
    assert not workspace_of(work, larger).path.exists()
    assert fitted(work, small).model == model, "what is kept costs nothing"
    assert fitted(forced, larger).model != model
