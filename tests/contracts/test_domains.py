"""What holds for every domain that is found by looking."""

from __future__ import annotations

import ast
import re
import unicodedata
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import pytest

import pipelines.domains
from pipelines.contracts.policies import Assigning, Picking, Shortlisting, Sizing
from pipelines.contracts.tasks import SPLITS, ByTime, Classify, Detect, Rank, Spine
from pipelines.domains import domains, policy
from pipelines.models.base import families

FOLDER = Path(pipelines.domains.__file__).parent
DOMAINS = list(domains().values())
REFERENCE = Path(__file__).parents[1] / "reference_domains"
DECLARED = [
    *DOMAINS,
    *[
        import_module(f"tests.reference_domains.{p.parent.name}.domain").DOMAIN
        for p in sorted(REFERENCE.glob("*/domain.py"))
    ],
]
PARSERS = [path for folder in (FOLDER, REFERENCE) for path in sorted(folder.glob("*/parse.py"))]
TASKS = [(domain, task) for domain in DOMAINS for task in domain.tasks]
SPELT = {"%": "pct", "°": "deg"}


def suffix(unit: str) -> str:
    """How a unit is spelt at a name's end: MW → mw, °C → c, m³/s → m3s."""
    plain = unicodedata.normalize("NFKD", SPELT.get(unit, unit))
    return re.sub(r"[^a-z0-9]", "", plain.lower())


@pytest.mark.parametrize("domain", DECLARED, ids=lambda domain: domain.name)
def test_a_column_with_a_unit_ends_with_it(domain):
    wrong = [
        c.name for t in domain.tables for c in t.of_features if c.unit and not c.name.endswith(f"_{suffix(c.unit)}")
    ]
    assert wrong == []


@pytest.mark.parametrize("domain", DECLARED, ids=lambda domain: domain.name)
def test_instants_end_with_at_days_with_on(domain):
    ends = {"timestamp": "_at", "date": "_on"}
    wrong = [
        c.name for t in domain.tables for c in t.of_features if c.type in ends and not c.name.endswith(ends[c.type])
    ]
    assert wrong == []


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.name)
def test_every_source_feeds_a_table_and_has_sample_rows(domain):
    sample = FOLDER / domain.name / "sample"
    for source in domain.sources:
        assert any(table.source == source.name for table in domain.tables), source.name
        assert any((sample / source.name).iterdir()), source.name
    assert (sample / "quarantined.csv").is_file()


@pytest.mark.parametrize("path", PARSERS, ids=lambda path: path.parent.name)
def test_a_parser_is_named_as_its_source(path):
    """One that is named otherwise would never be asked."""
    public = {
        node.name
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }
    (domain,) = [each for each in DECLARED if each.name == path.parent.name]
    assert public and public <= {source.name for source in domain.sources}


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.name)
def test_what_features_py_computes_is_declared(domain):
    """A function for a table that declares no computed column would never be asked."""
    path = FOLDER / domain.name / "features.py"
    body = ast.parse(path.read_text()).body if path.is_file() else []
    public = {node.name for node in body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")}
    assert public == {table.name for table in domain.tables if table.computed}


@pytest.mark.parametrize("domain", DECLARED, ids=lambda domain: domain.name)
def test_a_domain_says_what_it_is_for(domain):
    assert domain.question.endswith("?") and domain.owner
    assert all(table.doc for table in domain.tables) and all(task.doc for task in domain.tasks)


@pytest.mark.parametrize(("domain", "task"), TASKS, ids=lambda part: part.name)
def test_a_tasks_policy_and_families_exist(domain, task):
    found = policy(domain, task.decide)
    assert found.unit and found.action and found.doc
    if isinstance(task, Classify | Detect):
        assert isinstance(found, Assigning if task.classes else Picking)
    elif isinstance(task, Rank):
        assert isinstance(found, Shortlisting)
    else:
        assert isinstance(found, Sizing)
    if isinstance(found, Picking):
        given = {name for view in domain.views_of(task) if view.moment == "cut_off" for name in view.names()}
        assert set(found.needs) <= given and found.limit > 0
    known = families()
    for family in task.families:
        assert known[family].settled(task.params.get(family, {})).keys() == {p.name for p in known[family].params}


@pytest.mark.parametrize(("domain", "task"), TASKS, ids=lambda part: part.name)
def test_a_task_is_judged_by_what_it_was_not_tuned_on(domain, task):
    """No label of one span is known after the next one's first cut-off; shares, which have no time, do not overlap."""
    spans = task.split.spans
    assert tuple(spans) == SPLITS
    reach = task.horizon + task.label_known_after if isinstance(task.split, ByTime) else 0
    for earlier, later in pairwise(spans.values()):
        assert earlier.end + reach <= later.start
    has_time = isinstance(task.spine, Spine) or bool(domain.table(task.spine.table).event_time)
    assert isinstance(task.split, ByTime) == has_time
