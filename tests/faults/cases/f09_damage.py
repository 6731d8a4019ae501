"""F9: files of a table are damaged or gone, and every reader gives all of its rows or names what is wrong."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from deltalake.exceptions import DeltaError
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from pipelines.contracts.fits import FitError
from pipelines.engines import shards
from pipelines.io import delta_log
from pipelines.io.delta import Warehouse
from pipelines.io.failures import WarehouseError
from pipelines.io.integrity import damage_named
from pipelines.io.ledger import Ledger
from pipelines.io.publication import Publication
from pipelines.io.published import drop_published
from pipelines.io.session import session
from pipelines.settings import load
from tests.faults.harness import Case, Finding
from tests.faults.place import Place
from tests.overlay import write_overlay

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FAULT, WHERE = "F9", "readers"
QUICK, FULL = 58, 232
_TABLE, _DOMAIN = "silver.metered_reads", "metered"
_COLUMNS = ("meter_id", "read_at", "energy_kwh")
_COMMITS, _ROWS = 12, 300  # Delta makes a checkpoint of version 10
_DELIVERED_AT = datetime(2024, 1, 1, tzinfo=UTC)

_UNNAMED = (Py4JError, PySparkException, DeltaError, pa.ArrowException, OSError, ValueError, LookupError, TypeError)
"""What the libraries below raise; none of it may reach who reads a table."""

Rows = list[tuple[Any, ...]]
Chance = random.Random


@dataclass(frozen=True)
class _World:
    """A published table of several files. rows: all that it holds, in order; readers: by name, each gives them so."""

    spark: SparkSession
    folder: Path
    files: tuple[Path, ...]
    version: int
    rows: Rows
    readers: Mapping[str, Callable[[], Rows]]


def cases(place: Place, number: int, seed: int) -> Iterator[Case]:
    """By turns every damage to every kind of file; where it strikes within a kind is drawn."""
    world = _world(place.folder)
    for turn in range(number):
        kind, names, damage = _DAMAGES[turn % len(_DAMAGES)]
        chance = Chance(seed + turn)
        file = chance.choice(names(world))
        yield Case(
            seed + turn,
            f"{kind} {file.name}: {damage.__name__.strip('_').replace('_', ' ')}",
            partial(_judged, world, file, partial(damage, chance=chance)),
        )


def _judged(world: _World, file: Path, damage: Callable[[Path], None], _: Place) -> Finding:
    """Damage the file, read the table in every way, and put the file back."""
    side = file.with_name(f".{file.name}.crc")
    kept = {of: of.read_bytes() for of in (file, side) if of.exists()}
    damage(file)
    came, problems = [], []
    try:
        for name, read in world.readers.items():
            # what the JVM remembers of the undamaged log would hide the damage
            world.spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()
            try:
                with damage_named():
                    rows = read()
            except (FitError, WarehouseError) as failure:
                came.append(f"{name} named it")
                told = str(failure)
                if "\n" in told or not ("metered_reads" in told or file.name in told):
                    problems.append(f"{name}: what it says names no table, or is no single line: {told}")
            except _UNNAMED as error:
                problems.append(f"{name}: {type(error).__name__}, not named: {str(error).splitlines()[0]}")
            else:
                came.append(f"{name} read all")
                if rows != world.rows:
                    problems.append(f"{name}: {len(rows)} rows of {len(world.rows)}, or others, and not a word")
    finally:
        for of, content in kept.items():
            of.write_bytes(content)
    return Finding(", ".join(came), tuple(problems))


def _world(folder: Path) -> _World:
    """Twelve published attempts, the first half made one file by Delta, one that died, and one more: a checkpoint, and
    a restore that deltalake wrote."""
    settings = load(write_overlay(folder, folder / "root", samples=False))
    spark, ledger = session(settings), Ledger(settings.ledger)
    warehouse = Warehouse(lambda: spark, settings.root, ledger)
    rows: Rows = []
    for number in range(_COMMITS):
        rows += _append(warehouse, spark, number)
        if number == _COMMITS // 2:
            attempt = warehouse.open_attempt(_DOMAIN, "maintain")
            warehouse.compact(attempt, _TABLE)
            warehouse.publish(attempt, Publication())
    _append(warehouse, spark, -1, is_published=False)
    rows += _append(warehouse, spark, _COMMITS)
    pin = ledger.pins()[_TABLE]

    def by_spark() -> Rows:
        return sorted(_row(row.asDict()) for row in warehouse.read(_TABLE).select(*_instants()).collect())

    def by_arrow() -> Rows:
        found = shards.read(warehouse.shard(_TABLE), _COLUMNS, None)
        return sorted(_row({**row, "read_at": row["read_at"].isoformat()}) for row in found.to_pylist())

    def by_drop() -> Rows:
        target = folder / "drop" / f"{_DELIVERED_AT:%Y-%m-%d}-v{pin.content}.jsonl"
        target.unlink(missing_ok=True)
        drop_published(pin, target.parent, _DELIVERED_AT)
        return sorted(_row(json.loads(line)) for line in target.read_text().splitlines())

    readers = {"Spark": by_spark, "Arrow": by_arrow, "the drop": by_drop}
    files = tuple(Path(file.removeprefix("file://")) for file in delta_log.files(pin.path, pin.version))
    world = _World(spark, Path(pin.path), files, pin.version, sorted(rows), readers)
    for name, read in readers.items():
        assert read() == world.rows, f"{name} does not read the undamaged table as it is"
    assert _checkpoints(world), "there is no checkpoint to damage"
    return world


def _append(warehouse: Warehouse, spark: SparkSession, number: int, *, is_published: bool = True) -> Rows:
    """One attempt that adds a file of rows; what it added. Some energies are unknown."""
    start = datetime(1600, 1, 1, tzinfo=UTC) + timedelta(days=60_000 * max(number, 0))
    rows: Rows = [
        (
            f"m{number}-{i % 7}",
            (start + timedelta(minutes=15 * i, microseconds=i)).isoformat(),
            i * 0.37 if i % 11 else None,
        )
        for i in range(_ROWS)
    ]
    frame = spark.createDataFrame(rows, "meter_id string, read_at string, energy_kwh double")
    attempt = warehouse.open_attempt(_DOMAIN, "ingest")
    warehouse.append(attempt, _TABLE, frame.selectExpr("meter_id", "timestamp(read_at) read_at", "energy_kwh"), "new")
    if is_published:
        warehouse.publish(attempt, Publication())
    else:
        warehouse.abandon()
    return [_row(dict(zip(_COLUMNS, row, strict=True))) for row in rows]


def _instants() -> list[Any]:
    from pyspark.sql import functions as F

    written = F.date_format("read_at", "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'+00:00'").alias("read_at")
    return [written if name == "read_at" else name for name in _COLUMNS]


def _row(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """A row that can be sorted; its instant as text in UTC."""
    return row["meter_id"], datetime.fromisoformat(row["read_at"]).isoformat(), repr(row["energy_kwh"])


# What may be damaged.


def _data(world: _World) -> tuple[Path, ...]:
    return world.files


def _log(world: _World, pattern: str) -> list[Path]:
    return sorted((world.folder / "_delta_log").glob(pattern))


def _commits(world: _World) -> list[Path]:
    """Those that a reader needs more often than the others."""
    found = _log(world, "?" * 20 + ".json")
    return found + found[11:] * 4


def _checkpoints(world: _World) -> list[Path]:
    return _log(world, "*.checkpoint*.parquet")


def _hint(world: _World) -> list[Path]:
    return _log(world, "_last_checkpoint")


def _version_checksums(world: _World) -> list[Path]:
    return _log(world, "?" * 20 + ".crc")


def _file_checksums(world: _World) -> list[Path]:
    return [file.with_name(f".{file.name}.crc") for file in world.files]


def _newest_commit(world: _World) -> list[Path]:
    return _log(world, f"{world.version:020}.json")


# How.


def _missing(file: Path, chance: Chance) -> None:
    file.unlink()


def _emptied(file: Path, chance: Chance) -> None:
    file.write_bytes(b"")


def _halved(file: Path, chance: Chance) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _last_byte_lost(file: Path, chance: Chance) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def _lines_lost(file: Path, chance: Chance) -> None:
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[: chance.randrange(1, max(2, len(lines)))]))


def _lines_and_checksums_lost(file: Path, chance: Chance) -> None:
    """As if it had been copied by hand, and not all of it."""
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(line for line in lines if b'"add"' not in line))
    file.with_name(f".{file.name}.crc").unlink()


def _flip(file: Path, chance: Chance, start: int, end: int) -> None:
    content = bytearray(file.read_bytes())
    content[chance.randrange(start, end)] ^= 1 << chance.randrange(8)
    file.write_bytes(content)


def _flipped(file: Path, chance: Chance) -> None:
    _flip(file, chance, 0, file.stat().st_size)


def _header_flipped(file: Path, chance: Chance) -> None:
    _flip(file, chance, 0, 4)


def _page_flipped(file: Path, chance: Chance) -> None:
    _flip(file, chance, 4, _footer_starts(file))


def _footer_flipped(file: Path, chance: Chance) -> None:
    _flip(file, chance, _footer_starts(file), file.stat().st_size)


def _footer_starts(file: Path) -> int:
    """Parquet's last eight bytes are the footer's length and the magic number."""
    content = file.read_bytes()
    return len(content) - 8 - int.from_bytes(content[-8:-4], "little")


_WHOLE = (_missing, _emptied, _halved, _flipped)
_DAMAGES = (
    *[("data file", _data, how) for how in (_missing, _emptied, _halved, _last_byte_lost)],
    *[("data file", _data, how) for how in (_header_flipped, _page_flipped, _footer_flipped)],
    *[("commit", _commits, how) for how in (*_WHOLE, _lines_lost)],
    ("commit", _newest_commit, _lines_and_checksums_lost),
    *[("checkpoint", _checkpoints, how) for how in _WHOLE],
    *[("hint at the last checkpoint", _hint, how) for how in _WHOLE],
    *[("Delta's checksum of a version", _version_checksums, how) for how in _WHOLE],
    *[("checksums of a data file", _file_checksums, how) for how in _WHOLE],
)
