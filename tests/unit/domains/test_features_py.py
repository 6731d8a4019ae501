"""A domain's features.py is found by its tables' computed columns, and its text is part of what gold is made of."""

from __future__ import annotations

import sys

import pytest

import pipelines.domains
from pipelines.contracts.domain import Domain
from pipelines.contracts.features import AsOf, FeatureView
from pipelines.contracts.lineage import lineage
from pipelines.contracts.names import DeclarationError
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.domains import code_of_computed, computed

KEGS = Table(
    "kegs",
    source="cellar",
    key=("keg_id",),
    columns=(Column("keg_id", "string"), Column("filled_l", "double", field="litres")),
    computed=(Column("filled_pct", "double", unit="%"),),
)
VIEW = FeatureView("keg", table="kegs", entity="keg_id", features=(AsOf("filled_pct", ttl_hours=6),))
PUB = Domain("pub", "o", "q", sources=(Source("cellar", format="csv"),), tables=(KEGS,), views=(VIEW,))
CODE = "def kegs(rows):\n    return rows.selectExpr('*', 'filled_l / 50 * 100 as filled_pct')\n"


@pytest.fixture
def pub(tmp_path, monkeypatch):
    """The folder of a domain named pub."""
    folder = tmp_path / "more_domains" / "pub"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    monkeypatch.setattr(pipelines.domains, "__path__", [*pipelines.domains.__path__, str(folder.parent)])
    yield folder
    for name in [name for name in sys.modules if name.startswith("pipelines.domains.pub")]:
        del sys.modules[name]


def test_a_function_is_found_by_the_name_of_its_table(pub):
    (pub / "features.py").write_text(CODE)
    assert code_of_computed(PUB) == CODE and "pipelines.domains.pub.features" not in sys.modules
    found = computed(PUB)
    assert list(found) == ["kegs"] and found["kegs"].__module__ == "pipelines.domains.pub.features"


@pytest.mark.parametrize("code", [None, "def casks(rows):\n    return rows\n"])
def test_computed_columns_without_a_function_are_named(pub, code):
    if code:
        (pub / "features.py").write_text(code)
    told = "pipelines/domains/pub/features.py: no function 'kegs', which is to add the computed columns of that table"
    with pytest.raises(DeclarationError) as refused:
        computed(PUB)
    assert str(refused.value) == told


def test_a_domain_that_computes_nothing_needs_no_file():
    plain = Domain("pub", "o", "q", sources=PUB.sources, tables=(Table("kegs", "cellar", ("keg_id",), KEGS.columns),))
    assert computed(plain) == {} and code_of_computed(plain) == ""


def test_the_lineage_of_a_computed_column_has_no_raw_field_of_its_own():
    (found,) = lineage(PUB)
    assert (found.column, found.field, found.source, found.unit) == ("filled_pct", "", "cellar", "%")
