"""Which code a measurement belongs to, in a checkout and in a tree that is none."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pipelines.settings import PROJECT
from tests.results import Code, CodeChanged

AS_IDENTITY = ("-c", "user.name=a", "-c", "user.email=a@example.org")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small tree with the project's own .gitignore."""
    found = tmp_path / "archive"
    write(found, ".gitignore", (PROJECT / ".gitignore").read_text())
    write(found, "pipelines/module.py", "x = 1\n")
    return found


def write(tree: Path, name: str, text: str) -> None:
    path = tree / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def git(tree: Path, *words: str) -> str:
    return subprocess.run(["git", *AS_IDENTITY, *words], cwd=tree, check=True, capture_output=True, text=True).stdout


def commit(tree: Path) -> str:
    git(tree, "init", "-q")
    git(tree, "add", "-A")
    git(tree, "commit", "-q", "-m", "first")
    return git(tree, "rev-parse", "HEAD").strip()


def stands_only_while_the_code_does(tree: Path) -> None:
    code = Code.now(tree)
    for name in (
        *("tests/bench/results/etl.json", "tests/faults/results.json", "tests/bench/README.md", "README.md"),
        *(".venv/lib/site.py", ".headrace/root/a.parquet", "pipelines/__pycache__/module.pyc", "notebooks/out/a.html"),
    ):
        write(tree, name, "made by a run")
    code.must_stand()
    write(tree, "pipelines/module.py", "x = 2\n")
    with pytest.raises(CodeChanged, match="the code changed while it was measured"):
        code.must_stand()


def test_code_without_a_checkout_is_known_by_its_content_alone(tree: Path) -> None:
    assert Code.now(tree).commit == "unknown"
    stands_only_while_the_code_does(tree)
    before = Code.now(tree)
    (tree / "pipelines" / "module.py").rename(tree / "pipelines" / "renamed.py")
    assert Code.now(tree) != before


def test_an_archive_inside_another_checkout_does_not_take_its_commit(tree: Path) -> None:
    commit(tree.parent)
    assert Code.now(tree).commit == "unknown"


def test_code_of_a_checkout_has_its_commit_and_says_whether_it_was_edited(tree: Path) -> None:
    first = commit(tree)
    assert Code.now(tree).commit == first
    stands_only_while_the_code_does(tree)
    assert Code.now(tree).commit == f"{first}+dirty"
