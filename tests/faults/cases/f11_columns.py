"""F11: after a first published delivery columns change: what adds is taken in and told, what breaks costs no value."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from pipelines.contracts.tables import Table
from pipelines.domains import domains
from pipelines.io.ledger import Ledger
from pipelines.settings import Settings, load
from tests.faults import oracle, warm
from tests.faults.domains.columns.changes import (
    CHANGED,
    CHANGES,
    FIRST,
    GOOD,
    HEADER,
    Change,
    Row,
    lines_of,
    text_of,
    trips,
)
from tests.faults.domains.columns.domain import DOMAIN
from tests.faults.harness import Case, Finding
from tests.faults.place import Place
from tests.house import drop, query
from tests.overlay import write_overlay

FAULT, WHERE = "F11", "land to silver"
QUICK, FULL = len(CHANGES), 6 * len(CHANGES)
_STAGES = ("land", "bronze", "silver")
_BRONZE, _SILVER, _APART = "bronze.columns_trips", "silver.columns_trips", "quarantine.columns_trips"


def cases(place: Place, number: int, seed: int) -> Iterator[Case]:
    """All changes, then all again with other numbers and columns; breaks are set apart and refused in turn."""
    yield from [_case(turn, seed) for turn in range(number)]


def _case(turn: int, seed: int) -> Case:
    again, of = divmod(turn, len(CHANGES))
    draw = random.Random(seed + turn)
    change = CHANGES[of](draw, ("quarantine", "refuse")[(of + again) % 2])
    return Case(seed + turn, change.named, partial(_happened, change, draw.randint(0, 999)))


def _happened(change: Change, seed: int, place: Place) -> Finding:
    """The change, then a good delivery after it: of other trips, or instead of what was refused."""
    settings, first = _published_once(place.folder)
    log, problems = place.folder / "run.log", []
    log.unlink(missing_ok=True)
    good = trips("g", 3, random.Random(seed))
    delivered = {FIRST: len(first), CHANGED: len(change.lines) if change.counts else 0}
    with _declared(change.declared):
        drop(settings, DOMAIN.name, {CHANGED: change.text})
        code = warm.run(settings, DOMAIN.name, _STAGES, log).code
        problems += _wrong_words(change, code, log.read_text())
        problems += _wrong_rows(settings, {CHANGED: change.counts}, [*first, *change.held], delivered)
        problems += _lost_text(settings, change)
        # what was refused is corrected and dropped again
        name = GOOD if change.counts else CHANGED
        drop(settings, DOMAIN.name, {name: text_of(HEADER, lines_of(good))})
        if code := warm.run(settings, DOMAIN.name, _STAGES, log).code:
            last = log.read_text().splitlines()[-1]
            problems.append(f"a good delivery after it ended with exit code {code}: {last}")
        counts = {CHANGED: change.counts, name: {"new": len(good)}}
        held = [*first, *change.held, *good]
        problems += _wrong_rows(settings, counts, held, delivered | {name: len(good)})
    return Finding("taken in" if change.held else "refused" if not change.counts else "set apart", tuple(problems))


def _published_once(folder: Path) -> tuple[Settings, Sequence[Row]]:
    """A data root on which the first delivery alone was ever published, and what it brought; made once, then put back
    to where it was made, since the ledger holds absolute paths."""
    kept, root = folder / "kept", folder / "root"
    first = trips("f", 5, random.Random(0))
    settings = load(write_overlay(folder, root, samples=False))
    if not kept.exists():
        drop(settings, DOMAIN.name, {FIRST: text_of(HEADER, lines_of(first))})
        ran = warm.run(settings, DOMAIN.name, _STAGES, folder / "first.log")
        assert ran.code == 0, (folder / "first.log").read_text()
        shutil.copytree(root, kept)
    shutil.rmtree(root)
    shutil.copytree(kept, root)
    return settings, first


@contextmanager
def _declared(table: Table) -> Iterator[None]:
    """The domain is declared with this table."""
    domains()[DOMAIN.name] = replace(DOMAIN, tables=(table,))
    try:
        yield
    finally:
        domains()[DOMAIN.name] = DOMAIN


def _wrong_words(change: Change, code: int, said: str) -> Iterator[str]:
    if code != (0 if change.counts else 1):
        yield f"it ended with exit code {code}"
    for told in change.told:
        if told not in said:
            yield f"it did not say '{told}', but: {said}"


def _wrong_rows(
    settings: Settings, counts: dict[str, dict[str, int]], held: Sequence[Row], delivered: dict[str, int]
) -> list[str]:
    """What is not as it must be of the published tables."""
    ledger = Ledger(settings.ledger)
    problems = oracle.broken(ledger, DOMAIN, delivered)
    found = oracle.outcomes(ledger, DOMAIN)
    for file, wanted in counts.items():
        if (of_file := found.get((file, _SILVER), {})) != wanted:
            problems.append(f"{file}: the outcomes are {of_file}, but they must be {wanted}")
    columns = ", ".join(column.name for column in DOMAIN.tables[0].columns)
    rows = Counter(query(settings, DOMAIN.name, _SILVER, f"SELECT {columns} FROM t"))
    if rows != Counter(held):
        problems.append(f"silver lacks {sorted(Counter(held) - rows)} and has {sorted(rows - Counter(held))} instead")
    return problems


def _lost_text(settings: Settings, change: Change) -> Iterator[str]:
    """Where the raw text of the changed delivery is not kept: as the file, in bronze, and with what is set apart."""
    landed = [path.read_text() for path in (settings.drops.parent / "landing").rglob("*") if path.is_file()]
    if change.text not in landed:
        yield f"the text of {CHANGED} is not kept as it came"
    of_file = f"SELECT _raw FROM t WHERE _file = '{CHANGED}'"
    raw = [text for (text,) in query(settings, DOMAIN.name, _BRONZE, of_file)]
    if sorted(raw) != (sorted(change.lines) if change.counts else []):
        yield f"bronze has the raw texts {sorted(raw)}"
    if "quarantined" in change.counts:
        apart = {text for (text,) in query(settings, DOMAIN.name, _APART, of_file)}
        if not apart <= set(change.lines) or len(apart) != change.counts["quarantined"]:
            yield f"set apart are the raw texts {sorted(apart)}"
