"""What the README shows can be done."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from pipelines.cli import main
from pipelines.contracts.calendar import Calendar
from pipelines.contracts.domain import Domain
from pipelines.contracts.expectations import quarantine
from pipelines.contracts.features import FeatureView, Lag
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.contracts.tasks import (
    ByTime,
    Classify,
    Detect,
    Estimate,
    Events,
    Forecast,
    Promote,
    Rank,
    Span,
    Spine,
    utc,
)
from pipelines.domains import domains
from pipelines.models.base import families
from pipelines.runner.catalog import catalog

PROJECT = Path(__file__).resolve().parents[2]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
SPLIT = ByTime(
    *[Span(utc(f"2024-{month:02d}-03"), utc(f"2024-{month + 1:02d}-01")) for month in (1, 2, 3, 4)],
    gap=timedelta(hours=25),
)
WORDS = [Calendar, Column, Domain, FeatureView, Forecast, Lag, Promote, Source, Spine, Table, quarantine, timedelta]


def test_the_domain_in_20_lines_is_a_domain():
    (block,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    names = {word.__name__: word for word in WORDS} | {"split_shown": SPLIT}
    exec(block.replace("ByTime(…)", "split_shown"), names)
    domain = names["DOMAIN"]
    assert isinstance(domain, Domain)
    assert set(domain.task("level_m").families) <= set(families())
    assert len(block.splitlines()) <= 25


KINDS = {kind.__name__: kind for kind in (Forecast, Estimate, Classify, Rank, Detect)}


def test_the_kinds_of_task_that_the_readme_shows_are_tasks():
    (block,) = re.findall(r"```py\n(Forecast.*?)```", README, flags=re.DOTALL)
    made = []

    def kept(kind):
        return lambda *args, **told: made.append(kind(*args, **told))

    rest = {"table": "levels", "views": (), "split": SPLIT, "decide": "as_told"}
    names = {name: kept(kind) for name, kind in KINDS.items()}
    exec(block, names | {of.__name__: of for of in (Spine, Events, Promote, timedelta)} | {"rest": rest})
    assert {type(task) for task in made} == set(KINDS.values())
    assert all(type(task) in families()[name].tasks for task in made for name in task.families)


def test_the_table_of_kinds_names_the_families_that_answer_each():
    (block,) = re.findall(r"<!-- kinds -->\n(.*?)\n<!-- end -->", README, flags=re.DOTALL)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in block.splitlines()[2:]]
    told = {row[0].strip("`"): set(re.sub(r"\(.*?\)", "", row[3]).replace(" ", "").split(",")) for row in rows}
    assert told == {name: {of.name for of in families().values() if kind in of.tasks} for name, kind in KINDS.items()}


def test_every_make_target_that_the_readme_names_exists():
    targets = set(re.findall(r"^([a-z0-9]+):", (PROJECT / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(re.findall(r"make ([a-z0-9]+)", README)) <= targets


def test_every_command_that_the_readme_names_exists(capsys):
    named = set(re.findall(r"^headrace ([a-z-]+)", README, flags=re.MULTILINE))
    assert named == {
        "run",
        "status",
        "maintain",
        "quarantine",
        "domains",
        "features",
        "leakcheck",
        "tables",
        "tracking",
        "estimate",
        "why",
        "reproduce",
        "tune",
        "export",
        "effect",
        "conf",
        "doctor",
        "ui",
        "notebooks",
        "new-domain",
    }
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    told = capsys.readouterr().out
    assert ended.value.code == 0
    assert all(f"headrace {name}" in told for name in named)


def test_the_table_of_domains_is_that_of_the_declarations():
    """After a change: put what `headrace domains` prints between the marks."""
    (block,) = re.findall(r"<!-- headrace domains -->\n(.*?)\n<!-- end -->", README, flags=re.DOTALL)
    assert block == catalog(domains().values())


def test_every_place_that_the_readme_names_is_there():
    places = re.findall(r"\]\(([^)#]+)\)", README) + re.findall(r"`((?:pipelines|conf|jobs)/[\w/.]+)`", README)
    assert [place for place in places if not (PROJECT / place).exists()] == []
