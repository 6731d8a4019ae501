"""F10: records of any kind in four formats, and files that are damaged as a whole."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pipelines.domains import domain as domain_named
from pipelines.io.ledger import Ledger
from pipelines.settings import load
from tests.faults import oracle, warm
from tests.faults.fuzz import File, Written, files, in_another_encoding
from tests.faults.fuzz_verdict import misread
from tests.faults.harness import Case, Finding
from tests.faults.place import Place
from tests.overlay import write_overlay

FAULT, WHERE = "F10", "land to silver"
QUICK, FULL = 1_000, 10_000  # records a format
_DOMAIN, _STAGES = "fuzzed", ("land", "bronze", "silver")
_BESIDE = 40  # records a format that are whole, beside damaged files


def cases(place: Place, number: int, seed: int) -> Iterator[Case]:
    """All records in one delivery; then files that are damaged as a whole beside sound ones."""
    yield Case(seed, f"{number:,} fuzzed records a format", partial(_records, number, seed))
    yield Case(
        seed, "torn gz, half a Parquet file, CSV in another encoding, beside sound files", partial(_damaged, seed)
    )


@dataclass(frozen=True)
class _House:
    """A data root to which files are delivered."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "root"

    def deliver(self, made: Sequence[File]) -> None:
        for file in made:
            path = self.path(file.name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.content)

    def path(self, name: str) -> Path:
        return self.root / "drops" / _DOMAIN / name

    def ingest(self) -> int:
        """The exit code."""
        self.folder.mkdir(exist_ok=True)
        conf = write_overlay(self.folder, self.root, samples=False)
        return warm.run(load(conf), _DOMAIN, _STAGES, self.folder / "run.log").code

    def told(self) -> str:
        return (self.folder / "run.log").read_text()

    def problems(self, landed: Sequence[File]) -> list[str]:
        ledger, domain = Ledger(str(self.root / "ledger.db")), domain_named(_DOMAIN)
        broken = oracle.broken(ledger, domain, {file.name: len(file.records) for file in landed})
        return broken + misread(ledger, domain, landed)

    def reached(self) -> str:
        counts = oracle.outcomes(Ledger(str(self.root / "ledger.db")), domain_named(_DOMAIN)).values()
        apart = sum(of.get("quarantined", 0) for of in counts)
        return f"{sum(sum(of.values()) for of in counts):,} records, {apart:,} of them set apart"


def _records(number: int, seed: int, place: Place) -> Finding:
    house, made = _House(place.folder / "records"), files(number, seed)
    house.deliver(made)
    code = house.ingest()
    problems = [f"exit code {code} over records: {house.told().splitlines()[-1]}"] if code else []
    return Finding(house.reached(), (*problems, *house.problems(made)), sum(len(file.records) for file in made))


def _damaged(seed: int, place: Place) -> Finding:
    house, sound = _House(place.folder / "damaged"), files(_BESIDE, seed)
    [csv, rows] = [next(file.content for file in sound if file.name.startswith(of)) for of in ("csv_utf8/", "rows/")]
    half = File("rows/2014-02-01-half.parquet", rows[: len(rows) // 2], (Written(0, "", None),))
    other = in_another_encoding("csv_utf8/2014-02-01-other.csv", _BESIDE)
    torn = File("csv_utf8/2014-02-01-torn.csv.gz", gzip.compress(csv, mtime=0)[:-20], ())
    house.deliver([*sound, half, other, torn])
    problems = []
    if not house.ingest():
        problems.append("exit code 0, though a file could not be landed")
    if torn.name not in house.told().splitlines()[-1]:
        problems.append(f"the file that cannot be unpacked is not named: {house.told().splitlines()[-1]}")
    landed = [*sound, half, other]
    problems += house.problems(landed)
    reached = house.reached()
    house.path(torn.name).unlink()
    if code := house.ingest():
        problems.append(f"exit code {code} after the damaged file was removed")
    return Finding(reached, (*problems, *house.problems(landed)), 3)
