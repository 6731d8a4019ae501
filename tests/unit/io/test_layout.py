"""The sizes of files that maintenance aims at."""

from __future__ import annotations

import pytest

from pipelines.io.layout import Layout, layout

MIB = 1024**2


@pytest.mark.parametrize(
    ("sizes", "by", "file_mib"),
    [
        ([100 * MIB], ("id",), 8),
        ([400 * MIB, 1648 * MIB], ("id",), 32),
        ([500_000 * MIB], ("id",), 128),
        ([100 * MIB], (), 128),
        ([], ("id",), 8),
    ],
)
def test_a_table_laid_out_by_columns_has_about_64_files_of_8_to_128_mib(
    sizes: list[int], by: tuple[str, ...], file_mib: int
) -> None:
    assert layout(sizes, by) == Layout(by, file_mib * MIB)


def test_files_become_as_many_as_hold_their_bytes_and_one_at_least() -> None:
    wanted = Layout(("id",), 8 * MIB)
    assert [wanted.packed(sizes) for sizes in ([], [1], [8 * MIB], [8 * MIB, 1])] == [1, 1, 1, 2]
    assert wanted.small_bytes == 2 * MIB
