"""python -m tests.faults.writers CONF FOLDER WRITER COMMITS locked|bare: one of several processes at one table.

bare goes without what protects the table: first, for COMMITS, without the refusal of the LogStore that needs the lock,
then without the lock too, until it is stopped. Signs between the processes are files in FOLDER: `ready-<writer>` when
one can begin, `go` from when they shall; `alone-<writer>` and `bare` likewise for what goes without the lock; `stop`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from py4j.protocol import Py4JJavaError

from pipelines.io import delta_commits, delta_log, lock, session
from pipelines.io.delta import Warehouse
from pipelines.io.ledger import Ledger
from pipelines.io.publication import Publication
from pipelines.settings import load

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

TABLE = "bronze.shared"
ROWS = 5
"""So many rows one commit adds, if it adds rows: those numbered 0 … 4 of this writer's turn."""
_ROWS_EVERY, _BY_SPARK_EVERY = 40, 5
_STAMP = "spark.databricks.delta.commitInfo.userMetadata"


@dataclass(frozen=True)
class Acknowledged:
    """A commit of which a writer was told that it is done. stamp: what it carries. turn: of the rows it adds; −1 if
    none."""

    writer: int
    version: int
    stamp: str
    turn: int = -1


class Writer:
    """Commits to the table turn by turn, and writes down what was acknowledged."""

    def __init__(self, spark: SparkSession, warehouse: Warehouse, path: Path, number: int, told: Path) -> None:
        self._spark, self._warehouse, self._path, self.number, self._told = spark, warehouse, path, number, told
        self.turn = self.commits = self._next = 0

    def add_rows(self) -> None:
        """The house's own way: one attempt that appends and publishes; the caller has the table alone."""
        attempt = self._warehouse.open_attempt("faults", f"writer_{self.number}")
        columns = (f"{self.number} AS writer", f"{self.turn} AS turn", "id AS number")
        self._warehouse.append(attempt, TABLE, self._spark.range(ROWS).selectExpr(*columns), "rows")
        self._warehouse.publish(attempt, Publication())
        # the empty table, or what brings back the pinned rows where others have committed since
        base, pinned = attempt.bases[TABLE], attempt.pins[TABLE]
        if base != pinned.base or not pinned.is_published:
            self._note(Acknowledged(self.number, base, attempt.stamp))
        self._note(Acknowledged(self.number, attempt.versions[TABLE], attempt.stamp, self.turn))
        self.turn += 1

    def commit(self) -> None:
        """A commit without rows, as the house commits bronze, silver and gold, so many more of them; the caller has the
        table alone."""
        stamp = f"writer {self.number} turn {self.turn}"
        delta_commits.put(str(self._path), (), (f"writer {self.number}", self.turn), stamp)
        version = delta_log.head(str(self._path))
        assert version is not None
        self._note(Acknowledged(self.number, version, stamp))
        self.turn += 1

    def commit_by_spark(self) -> None:
        """A commit without rows by Delta's own transaction, as maintenance commits."""
        jvm: Any = self._spark._jvm
        delta = jvm.org.apache.spark.sql.delta
        stamp = f"writer {self.number} turn {self.turn}"
        self._spark.conf.set(_STAMP, stamp)
        transaction = delta.DeltaLog.forTable(self._spark._jsparkSession, str(self._path)).startTransaction()
        action = delta.actions.SetTransaction(f"writer {self.number}", self.turn, jvm.scala.Option.empty())
        operation = getattr(getattr(delta, "DeltaOperations$ManualUpdate$"), "MODULE$")
        version = transaction.commit(jvm.PythonUtils.toSeq([action]), operation)
        self._spark.conf.unset(_STAMP)
        self._note(Acknowledged(self.number, version, stamp))
        self.turn += 1

    def commit_bare(self) -> None:
        """The last step of such a transaction alone, the LogStore's: write a version's file unless it is there.

        One that runs whole comes to this step about once a second, and 436 of those met no other one within it.
        """
        jvm: Any = self._spark._jvm
        log = jvm.org.apache.spark.sql.delta.DeltaLog.forTable(self._spark._jsparkSession, str(self._path))
        stamp = f"writer {self.number} turn {self.turn}"
        commit = {"timestamp": 0, "operation": "Manual Update", "operationParameters": {}, "userMetadata": stamp}
        lines = jvm.PythonUtils.toSeq([json.dumps({"commitInfo": commit})])
        while True:
            file = jvm.org.apache.hadoop.fs.Path(log.logPath(), f"{self._next:020}.json")
            self._next += 1
            try:
                log.store().write(file, lines.iterator(), False, log.newDeltaHadoopConf())
            except Py4JJavaError as error:
                if not error.java_exception.getClass().getSimpleName() == "FileAlreadyExistsException":
                    raise
            else:
                break
        self._note(Acknowledged(self.number, self._next - 1, stamp))
        self.turn += 1

    def _note(self, acknowledged: Acknowledged) -> None:
        with self._told.open("a") as told:
            told.write(f"{json.dumps(asdict(acknowledged))}\n")
        self.commits += 1


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """With the house's lock of the table, as soon as the others let go of it."""
    while True:
        try:
            lock.hold(TABLE, str(path))
            break
        except lock.LockError:
            time.sleep(0.002)
    try:
        yield
    finally:
        lock.release(str(path))


def main() -> None:
    conf, folder, number, commits, kind = sys.argv[1:]
    signs, settings = Path(folder), load(Path(conf))
    if kind == "bare":
        session._must_not_lose_commits = lambda found, where: None
    spark = session.session(settings)
    path = Path(settings.root, *TABLE.split("."))
    warehouse = Warehouse(lambda: spark, settings.root, Ledger(settings.ledger))
    writer = Writer(spark, warehouse, path, int(number), signs / f"told-{number}.jsonl")
    if writer.number == 0:
        writer.add_rows()
    _meet(signs, f"ready-{number}", "go")
    while writer.commits < int(commits):
        with _alone(path):
            if kind == "bare":
                writer.commit_bare()
            elif writer.turn % _ROWS_EVERY == 0:
                writer.add_rows()
            elif writer.turn % _BY_SPARK_EVERY == 0:
                writer.commit_by_spark()
            else:
                writer.commit()
    if kind == "bare":
        _meet(signs, f"alone-{number}", "bare")
        while not (signs / "stop").exists():
            writer.commit_bare()


def _meet(signs: Path, mine: str, all_of_us: str) -> None:
    """Say that this process is as far, and wait until all are."""
    (signs / mine).touch()
    while not (signs / all_of_us).exists():
        time.sleep(0.002)


if __name__ == "__main__":
    main()
