"""The house that has taken in all hand-written deliveries, made once for all tests that look at it."""

from __future__ import annotations

import pytest

from pipelines import runner
from tests.end_to_end.deliveries import DELIVERIES
from tests.house import drop, settings_on, tables

TO_SILVER, TO_GOLD = ("land", "bronze", "silver"), ("land", "bronze", "silver", "gold")
STAGES = {"first": TO_SILVER, "corrected": TO_SILVER, "recreated": TO_SILVER, "old and odd": TO_GOLD}


@pytest.fixture(scope="session")
def house(spark, tmp_path_factory):
    """Its settings, and the tables that stood published after each delivery."""
    settings, after = settings_on(tmp_path_factory.mktemp("deliveries")), {}
    for name, files in DELIVERIES.items():
        drop(settings, "energy", files)
        assert runner.run(settings, names=["energy"], stages=STAGES[name]).failures == {}
        after[name] = tables(settings, "energy")
    return settings, after
