"""Source files in folders of this machine, each read once for as long as it lies untouched."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pipelines.contracts.sources import Source
from pipelines.io.drops import READ_AT_ONCE, Drop, found_in
from pipelines.io.places import Place
from pipelines.io.seen import INDEX, Seen

_SETTLED_NS = 2_000_000_000
"""Twice the coarsest clock among file systems: a file that changed later than this before it was read may change again
under the same time."""


def lying_in(source: Source, place: Place, zone: Path) -> Drop:
    """Every file of a source at a place on this machine, by name, those in zips too. zone: the domain's landing zone,
    which keeps what files held between runs."""
    seen = Seen(zone / source.name / INDEX, source)

    def looked_into(file: tuple[str, Path]) -> Drop:
        name, path = file
        stamp = _stamp(path)
        drop = seen.known(name, stamp) if stamp else None
        if drop is None:
            drop = found_in(source, name, path)
            if stamp and _stamp(path) == stamp:
                seen.note(name, stamp, drop)
        return drop

    with ThreadPoolExecutor(READ_AT_ONCE) as pool:
        found = list(pool.map(looked_into, _files(place)))
    seen.save(is_all=True)
    return Drop.of(found)


def _files(place: Place) -> Iterator[tuple[str, Path]]:
    base = Path(place.base)
    if base.is_file():
        yield base.name, base
    for path in sorted(base.rglob("*")):
        is_lost = path.is_symlink() and not path.exists()
        name = path.relative_to(base).as_posix()
        if (path.is_file() or is_lost) and place.has(name):
            yield name, path


def _stamp(path: Path) -> str:
    """Where the file is and what is another after any change of it: inode, size, and the time of its last change, which
    no program can set. "" where that was too lately, or there is no file."""
    try:
        state = path.stat()
    except OSError:
        return ""
    is_settled = time.time_ns() - state.st_ctime_ns > _SETTLED_NS
    return f"{path} {state.st_ino} {state.st_size} {state.st_ctime_ns}" if is_settled else ""
