"""Dropped files are read once for as long as they lie untouched, and whatever changed is read again."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.contracts.sources import Source
from pipelines.io import drop_folders
from pipelines.io.drop_folders import lying_in
from pipelines.io.places import Place

CSV = Source("s", format="csv")
ANOTHER = "0" * 64


@pytest.fixture
def settled(monkeypatch):
    """As if every file had been dropped long ago."""
    monkeypatch.setattr(drop_folders, "_SETTLED_NS", -1)


def hashes(folder: Path, source: Source = CSV, base: str = "drops") -> list[tuple[str, str]]:
    drop = lying_in(source, Place(str(folder / base)), folder / "zone")
    assert not drop.unreadable
    return [(file.name, file.sha256) for file in drop.files]


def dropped(folder: Path, **files: str) -> dict[str, str]:
    """Their hashes, by name without the ending."""
    for name, text in files.items():
        (folder / "drops").mkdir(exist_ok=True)
        (folder / "drops" / f"{name}.csv").write_text(text)
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()}


def index(folder: Path) -> Path:
    return folder / "zone" / "s" / ".seen.json"


def test_a_file_that_lies_untouched_is_not_read_again(tmp_path, settled):
    of = dropped(tmp_path, a="a\n1\n", b="b\n1\n")
    assert hashes(tmp_path) == [("s/a.csv", of["a"]), ("s/b.csv", of["b"])]
    # what the index says is believed: nothing else tells the two apart from outside
    index(tmp_path).write_text(index(tmp_path).read_text().replace(of["a"], ANOTHER))
    assert hashes(tmp_path) == [("s/a.csv", ANOTHER), ("s/b.csv", of["b"])]


def test_a_change_that_keeps_size_and_time_is_read(tmp_path, settled):
    dropped(tmp_path, a="a\n1\n")
    path = tmp_path / "drops" / "a.csv"
    before = path.stat()
    hashes(tmp_path)
    of = dropped(tmp_path, a="a\n2\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert hashes(tmp_path) == [("s/a.csv", of["a"])]


def test_another_file_under_the_name_is_read(tmp_path, settled):
    dropped(tmp_path, a="a\n1\n")
    hashes(tmp_path)
    (tmp_path / "other").write_text("a\n2\n")
    (tmp_path / "other").replace(tmp_path / "drops" / "a.csv")
    assert hashes(tmp_path) == [("s/a.csv", hashlib.sha256(b"a\n2\n").hexdigest())]


def test_a_file_that_was_just_written_is_not_remembered(tmp_path):
    dropped(tmp_path, a="a\n1\n")
    hashes(tmp_path)
    assert not index(tmp_path).exists()


def test_what_a_source_asks_for_and_where_it_lies_count(tmp_path, settled):
    of = dropped(tmp_path, a="a\n1\n", b="b\n1\n")
    assert hashes(tmp_path, replace(CSV, files="a*")) == [("s/a.csv", of["a"])]
    assert hashes(tmp_path, replace(CSV, files="*")) == [("s/a.csv", of["a"]), ("s/b.csv", of["b"])]
    assert hashes(tmp_path, base="") == [("s/drops/a.csv", of["a"]), ("s/drops/b.csv", of["b"])]


def test_what_is_gone_is_forgotten(tmp_path, settled):
    dropped(tmp_path, a="a\n1\n", b="b\n1\n")
    hashes(tmp_path)
    (tmp_path / "drops" / "a.csv").unlink()
    hashes(tmp_path)
    assert "a.csv" not in index(tmp_path).read_text()
    assert "b.csv" in index(tmp_path).read_text()


@pytest.mark.parametrize("text", [b"", b"{", b"\xff"])
def test_an_index_that_is_broken_is_written_anew(tmp_path, settled, text):
    of = dropped(tmp_path, a="a\n1\n")
    index(tmp_path).parent.mkdir(parents=True)
    index(tmp_path).write_bytes(text)
    assert hashes(tmp_path) == [("s/a.csv", of["a"])]
    assert of["a"] in index(tmp_path).read_text()
