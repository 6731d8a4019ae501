"""The ledger: which versions of which tables are published, from which files, by which attempt, with what outcome.

A SQL database makes ACID of many tables out of Delta's ACID of one: a unit's tables become visible when one
transaction here pins their versions. Every public method is one transaction. Writers are let in one at a time
(BEGIN IMMEDIATE in SQLite, an advisory lock in PostgreSQL), so what a method has read is still true when it writes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, and_, delete, exists, func, insert, inspect, select, text, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from pipelines.contracts.checks import Check
from pipelines.io import fault
from pipelines.io import ledger_schema as schema
from pipelines.io.failures import LedgerError
from pipelines.io.ledger_checks import record_checks
from pipelines.io.ledger_costs import record_costs
from pipelines.io.ledger_models import record_models
from pipelines.io.ledger_movements import record_movements
from pipelines.io.ledger_outcomes import record_outcomes
from pipelines.io.ledger_rows import columns_of, put
from pipelines.io.ledger_schemas import record_schemas
from pipelines.io.publication import (
    Batch,
    Champion,
    Fit,
    LandedFile,
    Outcomes,
    Pin,
    Publication,
)
from pipelines.io.status import file_outcomes, status

_PINS = select(schema.pins, schema.contents.c.content).outerjoin(
    schema.contents,
    and_(schema.contents.c.name == schema.pins.c.name, schema.contents.c.version == schema.pins.c.version),
)
_WRITER_LOCK = 0x48656164  # any number that every Headrace on a PostgreSQL server agrees on


class Ledger:
    """The ledger at `uri`: the path of an SQLite file, or postgresql://… Its tables are made if absent.

    Raises LedgerError if it cannot be reached, or was made by a newer Headrace.
    """

    def __init__(self, uri: str) -> None:
        url = schema.ledger_url(uri)
        self._name = url.render_as_string(hide_password=True)
        self._is_postgresql = url.get_backend_name() == "postgresql"
        engine = schema.ledger_engine(url)
        level = {"isolation_level": "REPEATABLE READ"} if self._is_postgresql else {}
        self._readers = engine.execution_options(**level)  # one moment for all that a method reads
        self._writers = engine.execution_options(**{schema.WRITES: True})
        self._prepare()

    def _prepare(self) -> None:
        """Make the tables that are not there. Looks first, so that reading a ledger needs no right to write it."""
        version = self._schema_version()
        if version is None or version < schema.VERSION:
            with self.writing() as c:
                schema.metadata.create_all(c)  # a newer schema only ever adds tables
                c.execute(delete(schema.ledger).where(schema.ledger.c.version < schema.VERSION))
                if c.scalar(select(schema.ledger.c.version)) is None:
                    c.execute(insert(schema.ledger).values(version=schema.VERSION))
            version = schema.VERSION
        if version > schema.VERSION:
            raise LedgerError(
                f"ledger {self._name}: has schema {version}, this Headrace knows {schema.VERSION}; update Headrace"
            )

    def _schema_version(self) -> int | None:
        """None for a database without a ledger."""
        with self.reading() as c:
            if not inspect(c).has_table(schema.ledger.name):
                return None
            return c.scalar(select(schema.ledger.c.version))

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One transaction that reads."""
        with self._one_line(), self._readers.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction that writes, alone."""
        with self._one_line(), self._writers.begin() as connection:
            if self._is_postgresql:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _WRITER_LOCK})
            yield connection

    @contextmanager
    def _one_line(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            cause = " ".join(str(getattr(error, "orig", None) or error).split())
            raise LedgerError(
                f"ledger {self._name}: {cause}; check that it is reachable, unlocked and whole"
            ) from error

    # Batches: which raw files, and how far they have come.

    def known_hashes(self, domain: str) -> dict[str, str]:
        """The names of the domain's landed files by the sha256 of their content."""
        columns = schema.files.c
        with self.reading() as c:
            rows = c.execute(select(columns.sha256, columns.name).where(columns.domain == domain))
            return {row.sha256: row.name for row in rows}

    def newest_delivery(self, domain: str) -> datetime | None:
        """The latest logical date among the domain's landed files; None if there are none."""
        columns = schema.files.c
        with self.reading() as c:
            newest = c.scalar(select(func.max(columns.delivered_at)).where(columns.domain == domain))
            return None if newest is None else datetime.fromisoformat(newest)

    def refuse_batch(self, batch: int, why: str, checks: Sequence[Check] = ()) -> None:
        """Give up a batch whose data may not be published. Its files count as never landed, so what replaces them is
        taken for new; the batch, the reason and what its expectations gave stay on record."""
        with self.writing() as c:
            record_checks(c, checks)
            c.execute(delete(schema.files).where(schema.files.c.batch == batch))
            c.execute(update(schema.batches).where(schema.batches.c.id == batch).values(refused=why))

    def open_batch(self, domain: str, files: Sequence[LandedFile]) -> int:
        """Freeze a manifest; returns the batch's id. A content that the domain has landed before is refused."""
        with self.writing() as c:
            batch = _new_id(c, schema.batches, domain=domain)
            for file in files:
                try:
                    c.execute(insert(schema.files).values(batch=batch, domain=domain, **columns_of(file)))
                except IntegrityError:
                    raise LedgerError(
                        f"{domain}: file '{file.name}' of source '{file.source}' is in a batch already, by content "
                        "or by name; leave it out"
                    ) from None
        fault.point(f"batch:{domain}:after")
        return batch

    def batches_awaiting(self, domain: str, stage: str, after: str = "") -> list[Batch]:
        """Batches that stage `after` has published and `stage` has not, oldest first; after "": all that are open."""
        batches = schema.batches.c
        query = (
            select(batches.id)
            .where(batches.domain == domain, batches.refused.is_(None), ~_has_passed(stage))
            .order_by(batches.id)
        )
        if after:
            query = query.where(_has_passed(after))
        with self.reading() as c:
            return [Batch(id, domain, _files_of(c, id)) for id in c.scalars(query).all()]

    def batch(self, domain: str, id: int) -> Batch:
        """A batch with its files, whatever has become of it."""
        with self.reading() as c:
            return Batch(id, domain, _files_of(c, id))

    # Attempts: who writes.

    def open_attempt(self, domain: str, unit: str) -> int:
        """A number greater than all before it; earlier attempts at the same unit of the domain are dead from now on."""
        with self.writing() as c:
            return _new_id(c, schema.attempts, domain=domain, unit=unit, opened_at=_now())

    def published(self, attempts: Collection[int]) -> set[int]:
        """Those of the attempts that were published."""
        columns = schema.attempts.c
        with self.reading() as c:
            found = select(columns.number).where(columns.number.in_(attempts), columns.published_at.is_not(None))
            return set(c.scalars(found))

    def newest_attempt(self) -> int:
        """The number of the attempt that was opened last, at whatever; 0 if there was none."""
        with self.reading() as c:
            return c.scalar(select(func.max(schema.attempts.c.number))) or 0

    def pins(self, domain: str | None = None) -> dict[str, Pin]:
        """What readers see, by table: of one domain or of all."""
        pins = schema.pins.c
        query = _PINS.order_by(pins.name)
        with self.reading() as c:
            rows = c.execute(query if domain is None else query.where(pins.domain == domain))
            return {row.name: _pin(row) for row in rows}

    def claim(self, attempt: int, table: str) -> Pin | None:
        """Make `attempt` the writer of `table`, in place of any earlier one; its pin, or None if it is a new table.

        Only a table's writer may record its base and publish it, also where units overlap (a stage run alone).
        """
        with self.writing() as c:
            self._alive(c, attempt)
            row = self._pin_of(c, table)
            if row is None:
                return None
            if row.writer > attempt:
                raise LedgerError(
                    f"{table}: attempt {row.writer} writes it since; attempt {attempt} is over, run again"
                )
            c.execute(update(schema.pins).where(schema.pins.c.name == table).values(writer=attempt))
            return _pin(row)

    def create(self, attempt: int, table: str, path: str) -> Pin:
        """Pin version 0 of a table that `attempt` has just made, empty, at `path`."""
        with self.writing() as c:
            domain = self._alive(c, attempt).domain
            if self._pin_of(c, table) is not None:
                raise LedgerError(f"{table}: another attempt made it meanwhile; run again")
            values = {"version": 0, "base": 0, "rows": 0, "writer": attempt}
            c.execute(insert(schema.pins).values(name=table, domain=domain, path=path, **values))
            return Pin(table, domain, path, version=0, base=0, rows=0, is_published=False, content=0)

    def record_base(self, attempt: int, table: str, version: int) -> None:
        """Say that `version` is a restore to what is pinned, from which `attempt` goes on."""
        with self.writing() as c:
            self._alive(c, attempt)
            self._own(c, attempt, table)
            c.execute(update(schema.pins).where(schema.pins.c.name == table).values(base=version))

    def publish(self, attempt: int, publication: Publication) -> None:
        """Make everything in `publication` visible at once, and close the attempt.

        Raises LedgerError, and then nothing of it is visible: if the attempt is dead or published, if a table has
        another writer by now, if a batch had passed the stage before, or if outcomes or movements do not add up.
        """
        with self.writing() as c:
            domain = self._alive(c, attempt).domain
            for table, written in publication.tables.items():
                self._own(c, attempt, table)
                pinned = {"version": written.version, "base": written.version, "rows": written.rows}
                c.execute(update(schema.pins).where(schema.pins.c.name == table).values(attempt=attempt, **pinned))
                if written.content is not None:
                    same = {"version": written.version, "content": written.content}
                    put(c, schema.contents, {"name": table}, same)
            for batch, stage in publication.progress:
                self._advance(c, attempt, domain, batch, stage)
            for outcomes in publication.outcomes:
                record_outcomes(c, attempt, domain, outcomes)
            record_checks(c, publication.checks)
            record_schemas(c, attempt, domain, publication.schemas)
            record_movements(c, attempt, domain, publication.movements)
            for (stage, subject), value in publication.fingerprints.items():
                place = {"domain": domain, "stage": stage, "subject": subject}
                put(c, schema.fingerprints, place, {"value": value, "attempt": attempt})
            record_models(c, attempt, domain, publication)
            record_costs(c, attempt, domain, publication.costs)
            c.execute(update(schema.attempts).where(schema.attempts.c.number == attempt).values(published_at=_now()))

    # What was published.

    def fingerprint(self, domain: str, stage: str, subject: str = "") -> str | None:
        """What the published result of a stage (for a subject, say a task) was computed from; None if there is none."""
        prints = schema.fingerprints.c
        wanted = and_(prints.domain == domain, prints.stage == stage, prints.subject == subject)
        with self.reading() as c:
            return c.scalar(select(prints.value).where(wanted))

    def made_in(self, domain: str, stage: str, subject: str, fingerprint: str) -> int | None:
        """The attempt that published a result computed from just this; None if another, or none, is published."""
        prints = schema.fingerprints.c
        of = and_(prints.domain == domain, prints.stage == stage, prints.subject == subject)
        with self.reading() as c:
            return c.scalar(select(prints.attempt).where(of, prints.value == fingerprint))

    def fits(self, domain: str, task: str) -> dict[str, Fit]:
        """The newest published fit of each family."""
        fits = schema.fits.c
        query = select(schema.fits).where(fits.domain == domain, fits.task == task).order_by(fits.id)
        with self.reading() as c:
            return {row.family: _fit(row) for row in c.execute(query)}

    def champions(self, domain: str, task: str) -> list[Champion]:
        """All champions that the task has had, the serving one last."""
        columns = schema.champions.c
        cards = schema.cards.c
        query = (
            select(schema.champions, cards.sha256)
            .outerjoin(schema.cards, and_(cards.model == columns.model, cards.version == columns.version))
            .where(columns.domain == domain, columns.task == task)
            .order_by(columns.id)
        )
        with self.reading() as c:
            return [_champion(row) for row in c.execute(query)]

    def status(self) -> dict[str, Any]:
        """The object that `headrace status --json` prints."""
        with self.reading() as c:
            return status(c)

    def file_outcomes(self, domain: str, after: int = 0) -> list[Outcomes]:
        """What became of each file's records, per table; of all that was published, or by attempts `after` that one."""
        with self.reading() as c:
            return file_outcomes(c, domain, after)

    def _alive(self, c: Connection, number: int) -> Row[Any]:
        """The attempt's row; LedgerError if it is dead or published."""
        attempts = schema.attempts.c
        row = c.execute(select(schema.attempts).where(attempts.number == number)).one_or_none()
        if row is None:
            raise LedgerError(f"ledger {self._name}: there is no attempt {number}")
        if row.published_at is not None:
            raise LedgerError(f"{row.domain} {row.unit}: attempt {number} is published already")
        same_unit = and_(attempts.domain == row.domain, attempts.unit == row.unit)
        latest = c.scalar(select(func.max(attempts.number)).where(same_unit))
        if latest != number:
            raise LedgerError(
                f"{row.domain} {row.unit}: attempt {number} is dead, attempt {latest} took over; run again"
            )
        return row

    def _pin_of(self, c: Connection, table: str) -> Row[Any] | None:
        return c.execute(_PINS.where(schema.pins.c.name == table)).one_or_none()

    def _own(self, c: Connection, attempt: int, table: str) -> None:
        row = self._pin_of(c, table)
        if row is None:
            raise LedgerError(f"{table}: the ledger does not know this table; write it through the warehouse")
        if row.writer != attempt:
            raise LedgerError(f"{table}: attempt {row.writer} is its writer, not attempt {attempt}; run again")

    def _advance(self, c: Connection, attempt: int, domain: str, batch: int, stage: str) -> None:
        batches = schema.batches.c
        row = c.execute(select(_has_passed(stage)).where(batches.id == batch, batches.domain == domain)).one_or_none()
        if row is None:
            raise LedgerError(f"{domain}: there is no batch {batch}")
        if row[0]:
            raise LedgerError(f"{domain}: batch {batch} has passed stage '{stage}' already; leave it out")
        c.execute(insert(schema.progress).values(batch=batch, stage=stage, attempt=attempt))


def _has_passed(stage: str) -> Any:
    progress = schema.progress.c
    return exists().where(progress.batch == schema.batches.c.id, progress.stage == stage).correlate(schema.batches)


def _files_of(c: Connection, batch: int) -> tuple[LandedFile, ...]:
    files = schema.files.c
    rows = c.execute(select(schema.files).where(files.batch == batch).order_by(files.delivered_at, files.name))
    return tuple(
        LandedFile(r.source, r.name, r.path, r.size, r.sha256, datetime.fromisoformat(r.delivered_at)) for r in rows
    )


def _pin(row: Row[Any]) -> Pin:
    content = row.version if row.content is None else row.content
    return Pin(row.name, row.domain, row.path, row.version, row.base, row.rows, row.attempt is not None, content)


def _fit(row: Row[Any]) -> Fit:
    as_of = datetime.fromisoformat(row.as_of)
    return Fit(row.task, row.family, row.run_id, row.key, row.metrics, row.versions, as_of)


def _champion(row: Row[Any]) -> Champion:
    since = datetime.fromisoformat(row.since)
    return Champion(row.task, row.model, row.version, row.family, row.why, row.run_id, since, row.sha256 or "")


def _new_id(c: Connection, table: Table, **values: Any) -> int:
    key = c.execute(insert(table).values(**values)).inserted_primary_key
    assert key is not None
    return int(key[0])


def _now() -> str:
    return datetime.now(UTC).isoformat()
