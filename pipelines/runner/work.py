"""What a unit of work has at hand, and how it is published: nothing, or all of it at once."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.contracts.domain import Domain
from pipelines.contracts.fits import Shard
from pipelines.contracts.shares import Share
from pipelines.io.attempts import Attempt, SharedOut
from pipelines.io.delta import Warehouse
from pipelines.io.leases import Lease, lease
from pipelines.io.ledger import Ledger
from pipelines.io.lock import local_path
from pipelines.io.publication import Publication
from pipelines.runner.failures import Waiting
from pipelines.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from pipelines.io.new_files import NewFile
    from pipelines.stages.changes import Change

Say = Callable[[str, str, str], None]


class SparkOnDemand:
    """The run's Spark session, started when it is first asked for. is_brief: it is for little work."""

    def __init__(self, settings: Settings, say: Say) -> None:
        self._settings, self._say = settings, say
        self._session: SparkSession | None = None
        self.is_brief, self._has_begun = False, False

    @property
    def has_started(self) -> bool:
        return self._session is not None

    def expect(self, size: int) -> None:
        """Tell, before it is asked for, that the session will be for so many bytes of new files and nothing else."""
        self.is_brief = size <= self._settings.spark.brief_mb * 1e6

    def begin(self) -> None:
        """Let it start meanwhile, since it will be asked for."""
        if self._session is None and not self._has_begun:
            from pipelines.io.session import begin

            self._say("", "spark", f"starting on {self._settings.spark.master} …")
            self._has_begun = True
            begin(self._settings, is_brief=self.is_brief)

    def __call__(self) -> SparkSession:
        if self._session is None:
            from pipelines.io.session import session

            self.begin()
            self._session = session(self._settings, is_brief=self.is_brief)
        return self._session


@dataclass(frozen=True)
class Context:
    """What every unit of a run shares. say: tells the user (domain, stage, what). as_of: the run's logical instant,
    None for each domain's newest delivery. lease: the one of the domain that is worked on.
    is_forced: whether fits are carried out whatever they are estimated to take. only_takes_in: whether the run is for
    the batches of one domain alone, as far as silver.
    """

    settings: Settings
    ledger: Ledger
    warehouse: Warehouse
    spark: SparkOnDemand
    say: Say
    as_of: datetime | None
    lease: Lease | None = None
    is_forced: bool = False
    only_takes_in: bool = False

    @classmethod
    def opened(cls, settings: Settings, say: Say, as_of: datetime | None = None) -> Context:
        """The ledger and the warehouse that the settings name."""
        spark, ledger = SparkOnDemand(settings, say), Ledger(settings.ledger)
        return cls(settings, ledger, Warehouse(spark, settings.root, ledger), spark, say, as_of)

    def folder(self, name: str) -> Path:
        """A folder of the data root for files that are not tables; beside the drops where the root is remote."""
        return (local_path(self.settings.root) or self.settings.drops.parent) / name

    def as_of_for(self, domain: Domain) -> datetime | None:
        """The run's as-of instant, or the domain's newest delivery; None if nothing was ever delivered."""
        return self.as_of or self.ledger.newest_delivery(domain.name)

    @contextmanager
    def leased(self, domain: Domain) -> Iterator[Context]:
        """This context while the domain is worked on by this run alone; waits for another run as conf says."""

        def say(what: str) -> None:
            self.say(domain.name, "lease", what)

        with lease(self.ledger, domain.name, say, self.settings.schedule.wait_s) as held:
            try:
                yield replace(self, lease=held)
            except Exception:
                self.warehouse.abandon()
                raise
            self.warehouse.abandon()


@dataclass
class Work:
    """One attempt at one unit of one domain: opened at the first need, published once at the end."""

    context: Context
    domain: Domain
    unit: str
    _attempt: Attempt | None = None
    _parts: dict[str, Any] = field(default_factory=dict)

    @property
    def attempt(self) -> Attempt:
        if self._attempt is None:
            if self.context.lease is not None:
                self.context.lease.renew()  # or the new attempt would end one of the run that took over
            self._attempt = self.context.warehouse.open_attempt(self.domain.name, self.unit)
        return self._attempt

    def open(self) -> None:
        """Open the attempt now, for a unit that publishes records but writes no table."""
        assert self.attempt

    def say(self, stage: str, what: str) -> None:
        self.context.say(self.domain.name, stage, what)

    # A unit that has not begun to write sees what is published, and afterwards its own writes too.

    def exists(self, table: str) -> bool:
        return self.context.warehouse.exists(table, attempt=self._attempt)

    def read(self, table: str) -> DataFrame:
        return self.context.warehouse.read(table, attempt=self._attempt)

    def read_if_any(self, table: str) -> DataFrame | None:
        return self.read(table) if self.exists(table) else None

    def read_keys(
        self, tables: Sequence[str], rows: DataFrame, key: Sequence[str], most: int
    ) -> list[DataFrame | None]:
        """What each table holds of the keys of `rows`, of which there are so many at most, and where; None where there
        is no table."""
        there = [table for table in tables if self.exists(table)]
        found = iter(self.context.warehouse.read_keys(there, rows, key, most, attempt=self._attempt))
        return [next(found) if table in there else None for table in tables]

    def read_placed_if_any(self, table: str) -> DataFrame | None:
        """The table, and where each row lies; None where there is no table."""
        return self.context.warehouse.read_placed(table, attempt=self._attempt) if self.exists(table) else None

    def read_of(self, table: str, column: str, value: Any) -> DataFrame:
        """The rows of the table whose `column` is `value`."""
        return self.context.warehouse.read_of(table, column, value, attempt=self._attempt)

    def cut_evenly(self) -> AbstractContextManager[None]:
        """Within it, tables are read by all cores, even if they lie in one file."""
        from pipelines.io.table_files import cut_evenly

        return cut_evenly(self.context.spark())

    def version(self, table: str) -> int:
        """The version since which the table holds what is read: what a result is made of, however it lies in files."""
        return self.context.warehouse.content(table, attempt=self._attempt)

    def count(self, table: str) -> int:
        return self.context.warehouse.count(table, attempt=self._attempt)

    def path(self, table: str) -> str:
        return self.context.ledger.pins()[table].path

    def shard(self, table: str) -> Shard:
        return self.context.warehouse.shard(table, attempt=self._attempt)

    def needs(self, stage: str, tables: Iterable[str], first: str) -> None:
        """Raise Waiting unless `stage` can read all of these tables; first: what to do so that it can."""
        missing = [name for name in tables if not self.exists(name)]
        if missing:
            raise Waiting(f"{stage} waits for {', '.join(missing)}. {first}")

    def write(self, change: Change) -> None:
        """Carry out one change in this unit's attempt."""
        warehouse, table, step = self.context.warehouse, change.table, change.step
        if change.how == "overwrite":
            warehouse.overwrite(self.attempt, table, change.frame, step)
        elif change.how == "append":
            warehouse.append(self.attempt, table, change.frame, step)
        else:
            warehouse.merge(self.attempt, table, change.frame, change.key, step, delete_when="_delete")

    def add_files(
        self, table: str, schema: pa.Schema, write: Callable[[str], Iterable[NewFile]], step: str = "write"
    ) -> None:
        """Add to a table what `write` puts into its folder, in this unit's attempt."""
        self.context.warehouse.add(self.attempt, table, schema, step, write)

    def share_out(self, frame: DataFrame, shares: Sequence[Share], count: Callable[[pa.RecordBatch], Any]) -> SharedOut:
        """Write what each share takes of `frame` as files, for `keep`; nothing is changed. count: sees all rows."""
        return self.context.warehouse.share_out(self.attempt, frame, shares, count)

    def keep(self, shared: SharedOut) -> None:
        """Change the tables by what was shared out, in this unit's attempt."""
        self.context.warehouse.keep(self.attempt, shared, "write")

    # What will be published.

    def add(self, part: str, *records: Any) -> None:
        """More records for a part of the Publication that is a tuple."""
        self._parts[part] = (*self._parts.get(part, ()), *records)

    def added(self, part: str) -> tuple[Any, ...]:
        """What `add` was given so far."""
        records: tuple[Any, ...] = self._parts.get(part, ())
        return records

    def put(self, part: str, key: Any, value: Any) -> None:
        """An entry for a part of the Publication that is a mapping."""
        self._parts[part] = {**self._parts.get(part, {}), key: value}

    def is_done(self, stage: str, subject: str, fingerprint: str) -> bool:
        """Whether what is published was made from just this."""
        return self.context.ledger.fingerprint(self.domain.name, stage, subject) == fingerprint

    def made_in(self, stage: str, subject: str, fingerprint: str) -> int | None:
        """The attempt that published what was made so; None if what is published was made otherwise, or nothing is."""
        return self.context.ledger.made_in(self.domain.name, stage, subject, fingerprint)

    def mark_done(self, stage: str, subject: str, fingerprint: str) -> None:
        self.put("fingerprints", (stage, subject), fingerprint)

    @contextmanager
    def metered(self, stage: str, subject: str = "") -> Iterator[None]:
        """What is done within it is published, with what the unit publishes, as what the stage took of the machine."""
        from pipelines.io.machine import Metered

        with Metered() as meter:
            yield
        self.put("costs", (stage, subject), meter.usage)

    def publish(self) -> None:
        """Make all tables and records of this unit visible in one ledger transaction, if there are any. What is done
        with it afterwards is another attempt."""
        if self._attempt is None:
            return
        self.context.warehouse.publish(self._attempt, replace(Publication(), **self._parts))
        self._attempt, self._parts = None, {}


def fingerprint(*parts: Any) -> str:
    """A hash of what a result is computed from; parts are declarations and versions, whose repr says all."""
    return hashlib.sha256("\n".join(repr(part) for part in parts).encode()).hexdigest()


class Stopwatch:
    """Prints what happens, with the seconds since the start. clock: gives seconds that only grow."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._started = clock, clock()

    @property
    def seconds(self) -> float:
        return self._clock() - self._started

    def say(self, domain: str, stage: str, what: str) -> None:
        print(f"[{self.seconds:6.1f} s] {domain:<10} {stage:<9} {what}", flush=True)
