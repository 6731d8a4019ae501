"""The analysts' notebooks, carried out on a small published root: they show their pictures and change nothing."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pipelines.cli import main
from pipelines.domains import domain
from pipelines.serve.notebooks import execute, sources, write
from tests.house import overlay_on
from tests.notebooks.made_up import publish

# 01: histograms a table, correlations where it has two numbers, what was set apart (once a domain); of each task the
# label's course, its features and their correlations. 02: gain, curves, and error by step or probabilities. 03: sums,
# course, and actions or, where picking goes by days, picks.
PICTURES = {
    "01_data_profile": {"energy": 3 + 1 + 1 + 3, "finance": 4 + 2 + 1 + 2 * 3},
    "02_model_comparison": {"energy": 3, "finance": 2 * 3},
    "03_decision_value": {"energy": 3, "finance": 2 + 3},
}


@pytest.fixture(scope="module")
def conf(tmp_path_factory):
    """The overlay of a root in which a domain of forecasts and one of probabilities stand published."""
    overlay = overlay_on(tmp_path_factory.mktemp("published"))
    from pipelines.settings import load

    for name in ("energy", "finance"):
        publish(load(overlay), domain(name))
    return overlay


def content(folder: Path) -> dict[str, str]:
    """Every file below, by its hash."""
    return {str(f): hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(folder.rglob("*")) if f.is_file()}


def outputs(notebook, kind):
    return [o.data[kind] for cell in notebook.cells for o in cell.get("outputs", []) if kind in o.get("data", {})]


def test_there_are_three():
    assert [source.stem for source in sources()] == list(PICTURES)


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.stem)
def test_a_notebook_shows_its_pictures_and_leaves_the_root_as_it_was(source, conf, tmp_path):
    before = content(conf.parent)
    notebook = execute(source, conf)
    assert content(conf.parent) == before
    errors = [o for cell in notebook.cells for o in cell.get("outputs", []) if o.output_type in ("error", "stream")]
    assert errors == []
    assert len(outputs(notebook, "image/png")) == sum(PICTURES[source.stem].values())
    page = write(notebook, source.stem, tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {f"{source.stem}.html", f"{source.stem}.ipynb"}
    text = page.read_text()
    assert text.count("<img ") == sum(PICTURES[source.stem].values())
    assert "<script" not in text and "http" not in text and "<b>x1" not in text


def test_where_nothing_is_published_the_command_says_so_in_one_line(tmp_path, capsys):
    assert main(["notebooks", "--conf", str(overlay_on(tmp_path))]) == 1
    assert capsys.readouterr().err == "headrace: nothing is published yet. Run: headrace run\n"
    assert [file.name for file in tmp_path.iterdir()] == ["small.yaml"]
