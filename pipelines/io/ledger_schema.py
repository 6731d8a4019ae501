"""The ledger's tables, and how its database is opened: an SQLite file or a PostgreSQL server, the same in both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Engine,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    create_engine,
    event,
    inspect,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from pipelines.io.failures import LedgerError

VERSION = 5  # grows with every table that is added: a ledger of an older version is given what it lacks
WRITES = "headrace_writes"  # execution option of a connection that is going to write
_BUSY_SECONDS = 30

metadata = MetaData()


def _table(name: str, *parts: Any, **options: Any) -> Table:
    return Table(name, metadata, *parts, **options)


def _text(name: str, **options: Any) -> Column[str]:
    return Column(name, String, nullable=False, **options)


def _count(name: str, **options: Any) -> Column[int]:
    return Column(name, BigInteger, nullable=False, **options)


def _attempt() -> Column[int]:
    return Column("attempt", ForeignKey("attempts.number"), nullable=False)


# Instants are ISO text in UTC: SQLite has no other type that keeps the time zone.
ledger = _table("ledger", _count("version", primary_key=True, autoincrement=False))
# AUTOINCREMENT, or SQLite would give the number of a deleted last row once more.
attempts = _table(
    "attempts",
    Column("number", Integer, primary_key=True, autoincrement=True),
    _text("domain"),
    _text("unit"),
    _text("opened_at"),
    Column("published_at", String),
    sqlite_autoincrement=True,
)
# refused: why the batch was given up; it then has no files.
batches = _table(
    "batches",
    Column("id", Integer, primary_key=True, autoincrement=True),
    _text("domain"),
    Column("refused", String),
)
files = _table(
    "files",
    Column("batch", ForeignKey("batches.id"), primary_key=True),
    _text("name", primary_key=True),
    _text("domain"),
    _text("source"),
    _text("path"),
    _count("size"),
    _text("sha256"),
    _text("delivered_at"),
    UniqueConstraint("domain", "sha256"),
)
progress = _table(
    "progress",
    Column("batch", ForeignKey("batches.id"), primary_key=True),
    _text("stage", primary_key=True),
    _attempt(),
)
# writer: the last attempt that began to write the table; attempt: the one that published the pinned version.
pins = _table(
    "pins",
    _text("name", primary_key=True),
    _text("domain"),
    _text("path"),
    _count("version"),
    _count("base"),
    _count("rows"),
    Column("writer", ForeignKey("attempts.number"), nullable=False),
    Column("attempt", ForeignKey("attempts.number")),
)
# The earliest version that holds the same rows as `version`; only for a version that compaction made.
contents = _table("contents", _text("name", primary_key=True), _count("version"), _count("content"))
outcomes = _table(
    "outcomes",
    Column("batch", ForeignKey("batches.id"), primary_key=True),
    _text("file", primary_key=True),
    _text("name", primary_key=True),
    _text("outcome", primary_key=True),
    _count("count"),
    _attempt(),
)
# What became of each expectation in a batch, refused ones included.
checks = _table(
    "checks",
    Column("batch", ForeignKey("batches.id"), primary_key=True),
    _text("table", primary_key=True),
    _text("expectation", primary_key=True),
    _text("severity"),
    _count("checked"),
    _count("broken"),
    Column("observed", Float),
    _text("bound"),
    Column("holds", Boolean, nullable=False),
    _text("delivered_at"),
)
# change: what was added, removed and retyped; columns: names and types since then.
schemas = _table(
    "schemas",
    Column("id", Integer, primary_key=True, autoincrement=True),
    _text("domain"),
    _text("name"),
    Column("batch", ForeignKey("batches.id")),
    Column("change", JSON, nullable=False),
    Column("columns", JSON, nullable=False),
    _attempt(),
)
# A row is a lease that is held; see leases.py.
leases = _table(
    "leases",
    _text("name", primary_key=True),
    _text("token"),
    _count("beat"),
    _text("machine"),
    _text("host"),
    _count("process"),
    _text("started"),
    _text("since"),
)
# What became later of records that `outcomes` counts as quarantined; outcome: of OUTCOMES, or how many entries of the
# quarantine left it as `replayed` or `discarded`.
movements = _table(
    "movements",
    Column("batch", ForeignKey("batches.id"), primary_key=True),
    _text("file", primary_key=True),
    _text("name", primary_key=True),
    _text("outcome", primary_key=True),
    Column("attempt", ForeignKey("attempts.number"), primary_key=True),
    _count("count"),
)
fingerprints = _table(
    "fingerprints",
    _text("domain", primary_key=True),
    _text("stage", primary_key=True),
    _text("subject", primary_key=True),
    _text("value"),
    _attempt(),
)
fits = _table(
    "fits",
    Column("id", Integer, primary_key=True, autoincrement=True),
    _text("domain"),
    _text("task"),
    _text("family"),
    _text("run_id"),
    _text("key"),
    Column("metrics", JSON, nullable=False),
    Column("versions", JSON, nullable=False),
    _text("as_of"),
    _attempt(),
    UniqueConstraint("domain", "task", "family", "run_id"),
)
champions = _table(
    "champions",
    Column("id", Integer, primary_key=True, autoincrement=True),
    _text("domain"),
    _text("task"),
    _text("model"),
    _count("version"),
    _text("family"),
    _text("why"),
    _text("run_id"),
    _text("since"),
    _attempt(),
)
# What a champion's card must hash to, wherever the model is read from.
cards = _table("cards", _text("model", primary_key=True), _count("version", primary_key=True), _text("sha256"))
predictions = _table(
    "predictions", _text("domain", primary_key=True), _text("task", primary_key=True), _count("rows"), _attempt()
)
decisions = _table(
    "decisions",
    _text("domain", primary_key=True),
    _text("task", primary_key=True),
    _count("rows"),
    _text("unit"),
    Column("higher_is_better", Boolean, nullable=False),
    Column("value", Float),
    Column("naive_value", Float),
    Column("foresight_value", Float),
    _attempt(),
)
# What the stages of an attempt took of the machine, in their order; subject: the task, "" for the domain's tables.
costs = _table(
    "costs",
    Column("attempt", ForeignKey("attempts.number"), primary_key=True),
    _text("stage", primary_key=True),
    _text("subject", primary_key=True),
    _text("domain"),
    _count("position"),
    Column("seconds", Float, nullable=False),
    Column("core_seconds", Float, nullable=False),
    _count("bytes_written"),
)
messages = _table(
    "messages",
    _text("key", primary_key=True),
    _text("domain"),
    _text("task"),
    _text("text"),
    Column("delivered_at", String),
)


def ledger_url(uri: str) -> URL:
    """The database that `uri` names: postgresql://…, sqlite:///…, or the path of an SQLite file."""
    if "://" not in uri:
        return URL.create("sqlite", database=uri)
    try:
        url = make_url(uri)
    except ArgumentError:
        raise LedgerError(f"ledger '{uri}': not a URI; use a file's path or postgresql://user@host/database") from None
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise LedgerError(f"ledger {url}: use a file's path, sqlite:///… or postgresql://…")
    return url


def ledger_engine(url: URL) -> Engine:
    """An engine for the ledger. Nothing connects yet, but the folder of an SQLite file is made.

    No pool: a command opens few transactions, and none of its connections outlives a fork or blocks a server.
    """
    if url.get_backend_name() == "postgresql":
        try:
            return create_engine(url, poolclass=NullPool)
        except (ModuleNotFoundError, NoSuchModuleError) as error:
            raise LedgerError(f"ledger {url}: the driver is missing ({error}); install it, e.g. psycopg") from None
    if not url.database:
        raise LedgerError(f"ledger {url}: an SQLite ledger needs a file")
    Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": _BUSY_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def holds_ledger(uri: str) -> bool:
    """Whether there is a ledger at `uri`. Makes none, nor a file for one."""
    url = ledger_url(uri)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        return False
    try:
        with ledger_engine(url).connect() as connection:
            return inspect(connection).has_table(ledger.name)
    except SQLAlchemyError as error:
        cause = " ".join(str(getattr(error, "orig", None) or error).split())
        raise LedgerError(f"ledger {url.render_as_string(hide_password=True)}: {cause}; check it") from error


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # else Python's driver opens transactions itself, at the first write only
    for pragma in ("journal_mode=WAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Any) -> None:
    # A reader that turns writer half-way can fail at once on a busy file; who is going to write says so at the start.
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
