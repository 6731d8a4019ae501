"""F2: the run dies at a named point: before or after each kept file, batch, commit, creation, restore, publication, and
where a commit's files are written but it is not made."""

from __future__ import annotations

from collections.abc import Iterator

from tests.faults.deaths import die_at, in_order
from tests.faults.harness import Case, mended
from tests.faults.place import Place

FAULT, WHERE = "F2", "land to gold"
QUICK, FULL = 1, 3
_IN_A_ROW = 8


def cases(place: Place, number: int, seed: int) -> Iterator[Case]:
    """All points that an undisturbed run passes, each `number` times, some deaths in a row; and every restore: that
    happens only in the run after one that died with its tables written.
    """
    site = place.site
    publication = next(point for point in site.points if point.startswith("publish:"))
    points = in_order(site.points, site.points)
    rows = [points[start : start + _IN_A_ROW] for start in range(0, len(points), _IN_A_ROW)]
    restores = [[publication, f"restore:{table}:after"] for table in site.begun]
    rows += [[point for pair in restores[start : start + 4] for point in pair] for start in range(0, len(restores), 4)]
    for turn in range(number):
        for row in rows:
            yield Case(seed + turn, ", ".join(row), mended([die_at(point) for point in row]))
