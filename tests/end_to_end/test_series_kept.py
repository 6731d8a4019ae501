"""Gold after another delivery: a series whose own silver table did not change is left as it is, plan and all."""

from __future__ import annotations

from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from typing import Any

import pytest

from pipelines import runner
from pipelines.contracts.tasks import utc
from pipelines.domains import domains
from pipelines.io.ledger import Ledger
from pipelines.runner.gold import gold
from pipelines.runner.work import Context, Work
from pipelines.settings import Settings
from tests.end_to_end.deliveries import CORRECTED, FIRST
from tests.house import drop, query, settings_on, versions

pytestmark = pytest.mark.slow

TO_SILVER = ("land", "bronze", "silver")
LOAD, WEATHER, WORKDAYS = (f"gold.energy_{table}_series" for table in ("load", "weather", "workdays"))
FEATURES = "gold.energy_load_mw"
ALL = {LOAD, WEATHER, WORKDAYS, FEATURES}
WEATHER_ALONE = {name: text for name, text in CORRECTED.items() if name.startswith("weather/")}
EARLY = utc("2014-02-09 15:00")  # ten minutes before the last observation became known
SQL = 'SELECT cast("at" AS string) AS started, temp_c FROM t WHERE known_until IS NULL ORDER BY started'


@dataclass(frozen=True)
class Seen:
    """After a step: HEAD of each gold table, the version that is published, some rows, and what the run said."""

    heads: dict[str, int]
    pinned: dict[str, int]
    load: list[tuple[Any, ...]]
    weather: list[tuple[str, float]]
    told: str = ""

    def made_since(self, before: Seen) -> set[str]:
        return {name for name, version in self.heads.items() if version != before.heads[name]}


def look(settings: Settings, told: str = "") -> Seen:
    pinned = {name: pin.version for name, pin in Ledger(settings.ledger).pins("energy").items() if name in ALL}
    heads = {name: version for name, version in versions(settings, "energy").items() if name in ALL}
    weather = [(at[:16], temp_c) for at, temp_c in query(settings, "energy", WEATHER, SQL)]
    return Seen(heads, pinned, query(settings, "energy", LOAD, "SELECT * FROM t"), weather, told)


def run(settings: Settings, **others: Any) -> Seen:
    with redirect_stdout(StringIO()) as told:
        assert runner.run(settings, names=["energy"], stages=(*TO_SILVER, "gold"), **others).failures == {}
    return look(settings, told.getvalue())


@pytest.fixture(scope="module")
def seen(spark, tmp_path_factory):
    """A delivery of each source; one of weather alone, whose gold is first made by an attempt that is never published,
    then by one that is; the same as of an instant that is given, twice; and as of the newest delivery once more."""
    settings, after = settings_on(tmp_path_factory.mktemp("series")), {}
    drop(settings, "energy", FIRST)
    after["first"] = run(settings)
    drop(settings, "energy", WEATHER_ALONE)
    assert runner.run(settings, names=["energy"], stages=TO_SILVER).failures == {}
    context = Context.opened(settings, lambda *_: None)
    gold(Work(context, domains()["energy"], "ingest"))
    context.warehouse.abandon()
    after["failed"] = look(settings)
    after["weather"] = run(settings)
    after["early"] = run(settings, as_of=EARLY)
    after["early again"] = run(settings, as_of=EARLY)
    after["newest"] = run(settings)
    told: list[str] = []
    context = Context.opened(settings, lambda _domain, _stage, what: told.append(what))
    energy = domains()["energy"]
    fewer_steps = replace(energy, tasks=(replace(energy.tasks[0], steps=47),))
    for _ in range(2):
        work = Work(context, fewer_steps, "ingest")
        gold(work)
        work.publish()
    after["fewer steps"] = look(settings, "\n".join(told))
    return after


def test_a_delivery_of_one_source_makes_its_series_anew_and_leaves_the_others(seen):
    before, after = seen["first"], seen["weather"]
    assert {name for name in ALL if after.pinned[name] != before.pinned[name]} == {WEATHER, FEATURES}
    assert after.heads[LOAD] == before.heads[LOAD] and after.heads[WORKDAYS] == before.heads[WORKDAYS]
    assert after.load == before.load and len(after.load) == 6
    assert before.weather == [("2014-02-09T14:00", 21.0), ("2014-02-09T14:30", 20.5)]
    assert after.weather == [("2014-02-09T14:00", 22.0), ("2014-02-09T14:30", 20.5), ("2014-02-09T15:00", 19.5)]
    for said in (f"{LOAD}: as it was", f"{WORKDAYS}: as it was", f"{WEATHER}: 3 rows"):
        assert f"{said}\n" in after.told


def test_an_attempt_that_is_not_published_leaves_its_series_to_the_next(seen):
    assert seen["failed"].made_since(seen["first"]) == {WEATHER, FEATURES}
    assert (seen["failed"].pinned, seen["failed"].weather) == (seen["first"].pinned, seen["first"].weather)
    assert seen["weather"].made_since(seen["failed"]) == {WEATHER, FEATURES}


def test_an_as_of_instant_that_the_run_is_given_makes_every_series_anew(seen):
    assert seen["early"].made_since(seen["weather"]) == ALL
    assert seen["early"].weather == seen["weather"].weather[:2]
    assert seen["early again"].made_since(seen["early"]) == set()
    assert seen["newest"].made_since(seen["early again"]) == ALL
    assert seen["newest"].weather == seen["weather"].weather


def test_a_change_that_gold_does_not_hold_writes_nothing_and_is_looked_at_once(seen):
    """A task of fewer steps asks the same at the same cut-offs."""
    assert seen["fewer steps"].made_since(seen["newest"]) == set()
    assert seen["fewer steps"].told.count(f"{FEATURES}: ") == 1
    assert "of which 0 were made anew" in seen["fewer steps"].told
    assert seen["fewer steps"].told.endswith("nothing to do: made from just these tables before")
