"""The warehouse: Delta tables read at the versions that the ledger pins, written by attempts.

Delta promises ACID for one table; the ledger makes it many. An attempt starts every table from what is pinned,
stamps each of its commits with its number, and is published only if every commit since is its own. The protocol as a
model that can be run: tests/unit/io/ledger_protocol.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipelines.contracts.fits import Shard
from pipelines.contracts.shares import Share
from pipelines.io import delta_commits, delta_log, fault, file_ranges, lock, lookup, table_files
from pipelines.io.attempts import STAMPED, Attempt, SharedOut
from pipelines.io.failures import WarehouseError
from pipelines.io.fitted import fit, fitted
from pipelines.io.layout import Layout
from pipelines.io.ledger import Ledger
from pipelines.io.publication import Pin, Publication, Written
from pipelines.io.upsert import upsert

if TYPE_CHECKING:  # a run that finds nothing to do shall not wait for Spark's import
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from pipelines.io.new_files import NewFile

COMPACTION = "compact"
_ANY_ORDER = Layout()
_PROPERTIES = {
    "delta.enableExpiredLogCleanup": "false",  # else a pinned version is forgotten after 30 days
    "delta.enableDeletionVectors": "false",  # else a version's parquet files hold rows that are deleted
}


class Warehouse:
    """The Delta tables under `root` (a folder or a URI): `<layer>.<name>` lies in `<root>/<layer>/<name>`.

    spark: gives the session; called only when something must be read or written by Spark.
    """

    def __init__(self, spark: Callable[[], SparkSession], root: str, ledger: Ledger) -> None:
        self._spark = spark
        path = lock.local_path(root)
        self._root = root.rstrip("/") if path is None else str(path)
        self._ledger = ledger
        self._open: list[Attempt] = []

    def open_attempt(self, domain: str, unit: str) -> Attempt:
        """A new attempt, which sees what is published now; earlier ones at the same unit of the domain are dead."""
        number = self._ledger.open_attempt(domain, unit)
        attempt = Attempt(number, domain, unit, self._ledger.pins())
        self._open.append(attempt)
        return attempt

    def abandon(self) -> None:
        """Let go of the tables of every attempt that is open: it has failed, and nothing of it is still being written.

        Not for who was interrupted: Spark's driver may still be at a commit then, which only the process's end stops.
        Any other exception means that Spark's call has come back, and a call commits before it does or never.
        """
        for attempt in list(self._open):
            self._let_go(attempt)

    # Reading.

    def exists(self, table: str, *, attempt: Attempt | None = None) -> bool:
        """Whether the table can be read: it is published, or `attempt` has written it."""
        return self._find(table, attempt) is not None

    def version(self, table: str, *, attempt: Attempt | None = None) -> int:
        """The version that is read: what `attempt` has written, else what is pinned. WarehouseError without one."""
        return self._locate(table, attempt)[1]

    def content(self, table: str, *, attempt: Attempt | None = None) -> int:
        """The version since which the table holds what is read; compaction makes a new version, but no new content."""
        if attempt is not None and table in attempt.versions:
            return attempt.versions[table]
        self._locate(table, attempt)
        return (self._ledger.pins() if attempt is None else attempt.pins)[table].content

    def read(self, table: str, *, attempt: Attempt | None = None) -> DataFrame:
        """The table at `version`; WarehouseError if its log is damaged. Its files are checked as they are read."""
        path, version = self._locate_whole(table, attempt)
        return table_files.read(self._spark(), path, version, tuple(delta_log.sizes_by_name(path, version)))

    def read_keys(
        self, tables: Sequence[str], rows: DataFrame, key: Sequence[str], most: int, *, attempt: Attempt | None = None
    ) -> list[DataFrame]:
        """Of each table the rows with a key of `rows`, each with HELD_FILE and HELD_ROW; files that can hold none are
        left alone. A key with a null is no row's. most: so many `rows` there are at most; see `lookup.of_keys`."""
        held = [lookup.Held(table, *self._locate_whole(table, attempt)) for table in tables]
        return lookup.of_keys(self._spark(), held, rows, key, most)

    def read_placed(self, table: str, *, attempt: Attempt | None = None) -> DataFrame:
        """The table at `version`, each row with HELD_FILE and HELD_ROW."""
        path, version = self._locate_whole(table, attempt)
        names = tuple(delta_log.sizes_by_name(path, version))
        return table_files.read(self._spark(), path, version, names, is_placed=True)

    def read_of(self, table: str, column: str, value: Any, *, attempt: Attempt | None = None) -> DataFrame:
        """The rows whose `column` is `value`; files that can hold none are left alone."""
        from pyspark.sql import functions as F

        path, version = self._locate_whole(table, attempt)
        lying = file_ranges.lying(path, version, [column])
        near = [files for files in lying if all(low <= value <= high for _, low, high in files.within)]
        rows = table_files.read(self._spark(), path, version, [name for files in near for name in files.names])
        has_others = any(files.within != ((column, value, value),) for files in near)
        return rows.where(F.col(f"`{column}`") == F.lit(value)) if has_others else rows

    def count(self, table: str, *, attempt: Attempt | None = None) -> int:
        """How many rows the table holds at `version`; without a JVM."""
        return delta_log.count(*self._locate(table, attempt))

    def shard(self, table: str, *, attempt: Attempt | None = None) -> Shard:
        """The table at `version` as the parquet files that hold it, all of them whole; without a JVM."""
        path, version = self._locate_whole(table, attempt)
        files = delta_log.whole_files(table, path, version)
        return Shard(table, version, files, self.content(table, attempt=attempt))

    # Writing. Each (table, step) is written at most once in an attempt; a step names what the write is for.

    def add(
        self, attempt: Attempt, table: str, schema: pa.Schema, step: str, write: Callable[[str], Iterable[NewFile]]
    ) -> None:
        """Add the rows of files that `write` makes in the folder it is given; without Spark. Columns as with append."""
        declared = delta_commits.schema_of(schema)
        with self._step(attempt, table, step, declared) as path:
            delta_commits.add_columns(table, path, declared, attempt.stamp)
            delta_commits.put(path, tuple(write(path)), (f"{table}/{step}", attempt.number), attempt.stamp)

    def append(self, attempt: Attempt, table: str, frame: DataFrame, step: str) -> None:
        """Add the rows of `frame`. New columns are added to the table, missing ones are null in the new rows."""
        with self._step(attempt, table, step, table_files.schema_of(frame.schema)) as path:
            files = table_files.write(self._fitted(attempt, table, path, frame), path)
            delta_commits.put(path, files, (f"{table}/{step}", attempt.number), attempt.stamp)

    def share_out(
        self, attempt: Attempt, frame: DataFrame, shares: Sequence[Share], count: Callable[[pa.RecordBatch], Any]
    ) -> SharedOut:
        """Write in one pass over `frame` the files of each share's table; `keep` adds them to it.

        count: see `table_files.write_shares`.
        """
        folders = {share: self._path(share.table, attempt) for share in shares}
        return SharedOut(frame, folders, table_files.write_shares(frame, folders, count))

    def keep(self, attempt: Attempt, shared: SharedOut, step: str) -> None:
        """Add what was shared out to the tables, as `append` does, and put files without the rows that go in place of
        those that hold them."""
        from pyspark.sql.types import StructType

        brought = shared.frame.schema
        for share, files in shared.written.files.items():
            gone = shared.written.gone[share]
            if not (files or gone or share.is_begun):
                continue
            columns = StructType([brought[name] for name in share.columns])
            with self._step(attempt, share.table, step, table_files.schema_of(columns)) as path:
                may_retype = self._was_never_published(attempt, share.table)
                fit(share.table, path, columns, attempt.stamp, may_retype=may_retype)
                left = table_files.write_without(self._spark(), share.table, path, gone) if gone else ()
                transaction = f"{share.table}/{step}", attempt.number
                delta_commits.put(path, (*files, *left), transaction, attempt.stamp, instead_of=tuple(gone))

    def overwrite(self, attempt: Attempt, table: str, frame: DataFrame, step: str) -> None:
        """Hold the rows and the columns of `frame`, and nothing else."""
        schema = table_files.schema_of(frame.schema)
        with self._step(attempt, table, step, schema) as path:
            files = table_files.write(frame, path)
            delta_commits.put_alone(path, files, schema, (f"{table}/{step}", attempt.number), attempt.stamp)

    def merge(
        self, attempt: Attempt, table: str, frame: DataFrame, key: Sequence[str], step: str, *, delete_when: str = ""
    ) -> None:
        """Hold the rows of `frame`, one a key at most, in place of those held with the same key.

        delete_when: a boolean column of `frame` that is not stored; where it is true, the key goes. `frame` is computed
        several times, so better cached.
        """
        flags = (delete_when,) if delete_when else ()
        with self._step(attempt, table, step, table_files.schema_of(frame.drop(*flags).schema)) as path:
            rows = self._fitted(attempt, table, path, frame, flags)
            version = delta_log.head(path)
            assert version is not None
            done = upsert(self._spark(), path, version, rows, key, delete_when)
            transaction = f"{table}/{step}", attempt.number
            delta_commits.put(path, done.files, transaction, attempt.stamp, instead_of=done.instead_of)

    def compact(self, attempt: Attempt, table: str, layout: Layout = _ANY_ORDER) -> None:
        """Put the rows of small files into few large ones, or lay all out anew by columns; no row is changed.

        Delta's OPTIMIZE carries no transaction and needs none: made twice, it changes no row either. `check` compares
        what the table holds instead.
        """
        # Imported here: see the top.
        from delta.tables import DeltaTable

        with self._step(attempt, table, COMPACTION, None) as path, self._conf(_optimizing(layout, attempt.stamp)):
            optimize = DeltaTable.forPath(self._spark(), path).optimize()
            if layout.by:
                optimize.executeZOrderBy(*layout.by)
            else:
                optimize.executeCompaction()

    # Publishing.

    def check(self, attempt: Attempt) -> dict[str, Written]:
        """The tables that the attempt has written, as they may be published.

        WarehouseError if a commit since the base is not the attempt's, or if one of its writes did not arrive.
        """
        written = {}
        for table, version in attempt.versions.items():
            path = self._path(table, attempt)
            for commit in delta_log.commits_since(path, attempt.bases[table]):
                if commit.stamp != attempt.stamp:
                    raise WarehouseError(
                        f"{table}: version {commit.version} ({commit.operation}) was committed by someone else "
                        f"({commit.stamp or 'unstamped'}) during {attempt.stamp}; nothing is published, run again"
                    )
            steps = {step for of, step in attempt.steps if of == table}
            for step in sorted(steps - {COMPACTION}):
                if delta_log.transaction(path, f"{table}/{step}") != attempt.number:
                    raise WarehouseError(f"{table}: step '{step}' of {attempt.stamp} is not in the table; run again")
            content = None
            if steps == {COMPACTION}:
                content, base = attempt.pins[table].content, attempt.bases[table]
                if delta_log.tally(path, base) != delta_log.tally(path, version):
                    raise WarehouseError(
                        f"{table}: version {version} does not hold the rows of version {base}, which it was made of by "
                        "compaction; nothing is published"
                    )
            written[table] = Written(version, delta_log.count(path, version), content)
        return written

    def publish(self, attempt: Attempt, publication: Publication) -> dict[str, Written]:
        """Check the attempt's tables and publish them together with the rest of `publication`, at once.

        Either way the attempt is over, and others may write its tables.
        """
        try:
            written = self.check(attempt)
            unit = f"{attempt.domain}/{attempt.unit}"
            fault.point(f"publish:{unit}:before")
            self._ledger.publish(attempt.number, replace(publication, tables=written))
            fault.point(f"publish:{unit}:after")
            return written
        finally:
            self._let_go(attempt)

    def _let_go(self, attempt: Attempt) -> None:
        for path in attempt.locked:
            lock.release(path)
        attempt.locked.clear()
        if attempt in self._open:
            self._open.remove(attempt)

    def _find(self, table: str, attempt: Attempt | None) -> tuple[str, int] | None:
        pin = (self._ledger.pins() if attempt is None else attempt.pins).get(table)
        if pin is None:
            return None
        if attempt is not None and table in attempt.versions:
            return pin.path, attempt.versions[table]
        return (pin.path, pin.version) if pin.is_published else None

    def _locate(self, table: str, attempt: Attempt | None) -> tuple[str, int]:
        found = self._find(table, attempt)
        if found is None:
            raise WarehouseError(f"{table}: not published yet; run the stage that writes it first")
        return found

    def _locate_whole(self, table: str, attempt: Attempt | None) -> tuple[str, int]:
        """`_locate`, where the table's log tells of all that was published; else WarehouseError."""
        path, version = self._locate(table, attempt)
        pin = (self._ledger.pins() if attempt is None else attempt.pins)[table]
        delta_log.must_hold(path, version, pin.rows if version == pin.version else None)
        return path, version

    def _path(self, table: str, attempt: Attempt) -> str:
        pin = attempt.pins.get(table)
        return pin.path if pin else "/".join((self._root, *table.split(".", 1)))

    @contextmanager
    def _step(self, attempt: Attempt, table: str, step: str, schema: str | None) -> Iterator[str]:
        """Begin the table if this is the attempt's first write to it; its path.

        schema: of a table that may have to be made, as JSON; None where it must be there.
        """
        if (table, step) in attempt.steps:
            raise WarehouseError(f"{table}: step '{step}' is written twice in {attempt.stamp}; Delta would skip one")
        attempt.steps.add((table, step))
        place = self._path(table, attempt)
        if place not in attempt.locked:
            lock.hold(table, place)
            attempt.locked.add(place)
        if table not in attempt.bases:
            self._begin(attempt, table, schema)
        path = attempt.pins[table].path
        fault.point(f"commit:{table}/{step}:before")
        yield path
        fault.point(f"commit:{table}/{step}:after")
        version = delta_log.head(path)
        assert version is not None
        attempt.versions[table] = version

    def _begin(self, attempt: Attempt, table: str, schema: str | None) -> None:
        """Make the table's HEAD hold what is pinned, so that nothing unpublished rides out with it."""
        path = self._path(table, attempt)
        pin = self._ledger.claim(attempt.number, table)
        seen = attempt.pins.get(table)
        if (pin and pin.version) != (seen and seen.version):
            raise WarehouseError(f"{table}: published by another attempt during {attempt.stamp}; run again")
        if pin is None:
            if schema is None:
                raise WarehouseError(f"{table}: not published yet; run the stage that writes it first")
            attempt.pins[table] = self._create(attempt, table, path, schema)
            attempt.bases[table] = 0
        else:
            is_head = delta_log.head(pin.path) == pin.base
            base = attempt.bases[table] = pin.base if is_head else self._restore(attempt, pin)
            delta_log.must_hold(pin.path, base, pin.rows)

    def _create(self, attempt: Attempt, table: str, path: str, schema: str) -> Pin:
        """Make the table, empty, and pin it so; or adopt what an attempt left that died between the two."""
        commits = delta_log.commits_since(path, -1)
        if not commits:
            delta_commits.create(path, schema, _PROPERTIES, attempt.stamp)
            fault.point(f"create:{table}:after")
        elif len(commits) > 1 or not commits[0].stamp.startswith(STAMPED):
            raise WarehouseError(
                f"{table}: {path} holds a table that this ledger does not know; move it away, or use its own ledger"
            )
        return self._ledger.create(attempt.number, table, path)

    def _restore(self, attempt: Attempt, pin: Pin) -> int:
        """Bring the pinned content back as HEAD; the version that now holds it."""
        delta_commits.restore(pin.path, pin.version, attempt.stamp)
        fault.point(f"restore:{pin.table}:after")
        # Not simply HEAD: a writer believed dead may have committed after the restore, and check() must see that.
        commits = delta_log.commits_since(pin.path, pin.version)
        base = max(c.version for c in commits if c.operation == "RESTORE" and c.stamp == attempt.stamp)
        self._ledger.record_base(attempt.number, pin.table, base)
        return base

    def _fitted(
        self, attempt: Attempt, table: str, path: str, frame: DataFrame, besides: tuple[str, ...] = ()
    ) -> DataFrame:
        may_retype = self._was_never_published(attempt, table)
        return fitted(table, path, frame, besides, attempt.stamp, may_retype=may_retype)

    def _was_never_published(self, attempt: Attempt, table: str) -> bool:
        """Then it holds nothing that a mended type could not hold."""
        return not attempt.pins[table].is_published and table not in attempt.versions

    @contextmanager
    def _conf(self, settings: Mapping[str, str]) -> Iterator[None]:
        spark = self._spark()
        try:
            for name, value in settings.items():
                spark.conf.set(name, value)
            yield
        finally:
            for name in settings:
                spark.conf.unset(name)


def _optimizing(layout: Layout, stamp: str) -> dict[str, str]:
    return {
        "spark.databricks.delta.commitInfo.userMetadata": stamp,
        "spark.databricks.delta.optimize.minFileSize": str(layout.small_bytes),
        "spark.databricks.delta.optimize.maxFileSize": str(layout.file_bytes),
        # else a table of more columns than Delta keeps statistics of could not be laid out by the last of them
        "spark.databricks.delta.optimize.zorder.checkStatsCollection.enabled": "false",
    }
