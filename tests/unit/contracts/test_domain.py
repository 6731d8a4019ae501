from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pipelines.contracts.features import FeatureView, Lag
from pipelines.contracts.monitors import Monitor, ScoreMonitor
from pipelines.contracts.names import DeclarationError
from pipelines.contracts.tasks import Classify, Estimate, Protected
from pipelines.domains import domain, domains
from tests.toy_domains.press.domain import DOMAIN as PRESS
from tests.toy_domains.press.domain import ODD

ENERGY, FINANCE = domain("energy"), domain("finance")


def test_two_views_of_a_task_may_not_give_one_feature():
    again = FeatureView("again", table="load", entity="region_id", features=(Lag("load_mw", hours=(24,)),))
    task = replace(ENERGY.tasks[0], views=(*ENERGY.tasks[0].views, "again"))
    with pytest.raises(DeclarationError, match=r"domain 'energy', task 'load_mw': .* give 'load_mw__lag_24h' twice"):
        replace(ENERGY, views=(*ENERGY.views, again), tasks=(task,))


def test_a_name_that_is_not_declared_is_named_with_those_that_are():
    with pytest.raises(
        DeclarationError, match=r"task 'load_mw': no feature view 'weather'; there are: load_at_cut_off, "
    ):
        replace(ENERGY, tasks=(replace(ENERGY.tasks[0], views=("weather",)),))


def test_a_protected_column_is_one_of_the_asked_table():
    task = next(task for task in FINANCE.tasks if isinstance(task, Classify))
    with pytest.raises(DeclarationError, match=r"judged by it: no column of '\w+' 'gendre'; there are: "):
        replace(FINANCE, tasks=(replace(task, protected=(Protected("gendre"),)),))


def test_only_what_is_left_can_be_monitored_by_a_column_of_the_asked_table():
    monitor = Monitor("engine", limit=30.0, horizon=50.0)
    with pytest.raises(DeclarationError, match="only an Estimate can be of what is left"):
        replace(ENERGY.tasks[0], monitor=monitor)
    task = next(task for domain in domains().values() for task in domain.tasks if isinstance(task, Estimate))
    of = next(domain for domain in domains().values() if task in domain.tasks)
    with pytest.raises(DeclarationError, match=r"judged by it: no column of '\w+' 'engine'; there are: "):
        replace(of, tasks=(replace(task, monitor=monitor),))


def test_only_a_detect_that_is_split_by_time_can_monitor_a_score():
    monitor = ScoreMonitor("press_id", limit=0.9, horizon=timedelta(days=2))
    with pytest.raises(DeclarationError, match="only a Detect that is split by time can have a ScoreMonitor"):
        replace(ENERGY.tasks[0], monitor=monitor)
    with pytest.raises(DeclarationError, match="only an Estimate can be of what is left"):
        replace(ODD, monitor=Monitor("press_id", limit=30.0, horizon=50.0))
    with pytest.raises(DeclarationError, match=r"judged by it: no column of 'readings' 'machine'; there are: "):
        replace(PRESS, tasks=(replace(ODD, monitor=replace(monitor, machine="machine")),))


def test_only_a_task_that_picks_can_protect():
    with pytest.raises(DeclarationError, match="only a Classify of 0 and 1 picks"):
        replace(ENERGY.tasks[0], protected=(Protected("region_id"),))
