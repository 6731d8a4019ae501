"""What vacuum may delete, from the log alone; that it does is shown in tests/end_to_end/test_maintain_command.py."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.io.failures import WarehouseError
from pipelines.io.lock import LockError
from pipelines.io.vacuum import surplus, vacuum

LATER = datetime(2100, 1, 1, tzinfo=UTC)
MONTH = timedelta(days=30)


def write(folder: Path, value: int, mode: str = "append") -> None:
    write_deltalake(folder, pa.table({"value": [value]}), mode=mode)


def files(folder: Path, version: int) -> set[str]:
    return set(pa.table(DeltaTable(folder, version=version).get_add_actions())["path"].to_pylist())


def test_files_that_only_old_unwanted_versions_need_are_surplus(tmp_path: Path) -> None:
    for value in range(4):
        write(tmp_path, value, "overwrite")
    found = surplus(str(tmp_path), {1}, MONTH, LATER)
    assert set(found.files) == files(tmp_path, 0) | files(tmp_path, 2)
    assert found.kept == (1, 3)
    assert found.bytes == sum((tmp_path / name).stat().st_size for name in found.files) > 0


def test_a_version_is_kept_for_so_long_after_it_was_replaced_and_the_clock_is_not_asked(tmp_path: Path) -> None:
    for value in range(3):
        write(tmp_path, value, "overwrite")
    assert surplus(str(tmp_path), {2}, MONTH, None).kept == (0, 1, 2)
    history = sorted(commit["timestamp"] for commit in DeltaTable(tmp_path).history())
    replaced = datetime.fromtimestamp(history[1] / 1000, UTC)
    assert surplus(str(tmp_path), {2}, MONTH, replaced + MONTH).kept == (0, 1, 2)
    later = surplus(str(tmp_path), {2}, MONTH, replaced + MONTH + timedelta(milliseconds=1))
    assert (later.kept, set(later.files)) == ((1, 2), files(tmp_path, 0))


def test_what_a_killed_writer_left_is_kept_as_long_as_it_may_be_somebodys(tmp_path: Path) -> None:
    write(tmp_path, 1)
    left = tmp_path / "part-left.parquet"
    left.write_bytes(b"half a file")
    (tmp_path / "_delta_log" / "0.checkpoint.parquet").write_bytes(b"Delta's own")
    (tmp_path / "notes.txt").write_text("somebody's own")
    assert surplus(str(tmp_path), {0}, MONTH, None).files == ()
    os.utime(left, (0, 0))
    assert surplus(str(tmp_path), {0}, MONTH, None).files == (left.name,)


def test_a_log_that_is_not_whole_deletes_nothing(tmp_path: Path) -> None:
    for value in range(3):
        write(tmp_path, value, "overwrite")
    (tmp_path / "_delta_log" / f"{1:020}.json").unlink()
    with pytest.raises(WarehouseError, match="commits are missing in its log, so nothing is known to be needless"):
        surplus(str(tmp_path), {2}, MONTH, LATER)


def test_nothing_is_deleted_while_another_process_writes_the_table(tmp_path: Path) -> None:
    folder = tmp_path / "silver" / "t"
    folder.mkdir(parents=True)
    for value in range(3):
        write(folder, value, "overwrite")
    hold = "from pipelines.io import lock; lock.hold('t', sys.argv[1])"
    code = f"import sys; {hold}; print(1, flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline()
        with pytest.raises(LockError, match=f"silver.t: process {writer.pid} writes this table"):
            vacuum("silver.t", str(folder), {2}, MONTH, LATER)


def test_what_is_surplus_goes_with_its_checksums_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "t"
    for value in range(4):
        write(folder, value, "overwrite")
    for name in files(folder, 0) | files(folder, 3):
        (folder / f".{name}.crc").touch()
    before = set(folder.iterdir())
    gone = files(folder, 0) | files(folder, 2)
    assert set(vacuum("silver.t", str(folder), {1}, MONTH, LATER).files) == gone
    assert before - set(folder.iterdir()) == {folder / name for name in gone} | {
        folder / f".{name}.crc" for name in files(folder, 0)
    }
    assert DeltaTable(folder, version=1).to_pyarrow_table()["value"].to_pylist() == [1]
    assert vacuum("silver.t", str(folder), {1}, MONTH, LATER).files == ()


@settings(max_examples=25, deadline=None)
@given(
    events=st.lists(st.sampled_from(["append", "overwrite", "restore", "compact"]), min_size=1, max_size=8),
    data=st.data(),
)
def test_whatever_happened_every_kept_version_keeps_its_files(
    events: list[str], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("table")
    write(folder, -1)
    for value, event in enumerate(events):
        table = DeltaTable(folder)
        if event == "restore" and table.version():
            table.restore(data.draw(st.integers(0, table.version() - 1)))
        elif event == "compact":
            table.optimize.compact()
        else:
            write(folder, value, "overwrite" if event == "overwrite" else "append")
    head = DeltaTable(folder).version()
    wanted = data.draw(st.sets(st.integers(0, head)))
    kept = {head, *wanted}
    found = surplus(str(folder), wanted, MONTH, LATER)
    needed = set().union(*(files(folder, version) for version in kept))
    assert set(found.kept) == kept
    assert set(found.files) == {file.name for file in folder.glob("*.parquet")} - needed
