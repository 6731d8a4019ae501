"""What a unit of work publishes, and what the ledger gives back, as plain records.

Instants have a time zone. Domains are not repeated in what is published: they are those of the attempt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pipelines.contracts.checks import Check
from pipelines.contracts.usage import Usage


@dataclass(frozen=True)
class LandedFile:
    """One raw file of a batch as it was when the batch was opened; `name` unique in the batch.

    `size` in bytes and `sha256` are of its content, once unpacked; at `path` it lies as it was delivered.
    """

    source: str
    name: str
    path: str
    size: int
    sha256: str
    delivered_at: datetime


@dataclass(frozen=True)
class Batch:
    """Files that go through the table stages together."""

    id: int
    domain: str
    files: tuple[LandedFile, ...]


@dataclass(frozen=True)
class Pin:
    """The version of a table that readers see.

    base: the version that the next attempt's writes begin after: the pinned one, or a recorded restore to its content.
    is_published: False while the table was made but no attempt that wrote it got through; it is then empty.
    content: the version since which the table holds just these rows; compaction makes a new version of the same ones.
    """

    table: str
    domain: str
    path: str
    version: int
    base: int
    rows: int
    is_published: bool
    content: int


@dataclass(frozen=True)
class Written:
    """A table as an attempt leaves it: its version and how many rows that version holds.

    content: the version since which the table holds just these rows, where that is not this one.
    """

    version: int
    rows: int
    content: int | None = None


@dataclass(frozen=True)
class Outcomes:
    """What became of the `rows` raw records of one file for one table: a count per outcome, zeros may be left out."""

    batch: int
    file: str
    table: str
    rows: int
    counts: Mapping[str, int]


@dataclass(frozen=True)
class SchemaChange:
    """How a table's columns changed with a batch, None if only the declaration did.

    change: names and types `added`, `removed`, `retyped`. columns: all of them since, with their types.
    """

    table: str
    batch: int | None
    change: Mapping[str, Mapping[str, str]]
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Movements:
    """What left the quarantine of a table, of the records of one file: so many entries were `replayed` and `discarded`.

    counts: what the replayed ones became, per outcome, zeros may be left out; they never become quarantined. One row an
    entry, or more where a parser now makes several rows of a record.
    """

    batch: int
    file: str
    table: str
    replayed: int = 0
    discarded: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Apart:
    """What a table has set apart, as it stands now: of the entries that deliveries gave, each is in one of these."""

    open: int
    replayed: int = 0
    discarded: int = 0


@dataclass(frozen=True)
class Fit:
    """A fitted family: its run, its plan's key, its metrics, the versions of the tables it was made from.

    run_id: ours, given with the fit; the run in MLflow, which gives its own, has it as the tag `headrace.run_id`.
    """

    task: str
    family: str
    run_id: str
    key: str
    metrics: Mapping[str, float]
    versions: Mapping[str, int]
    as_of: datetime


@dataclass(frozen=True)
class Champion:
    """The model that serves a task from `since` on, and why it was chosen. card_sha256: of its card, which guards its
    bytes; "" where that was not on record yet."""

    task: str
    model: str
    version: int
    family: str
    why: str
    run_id: str
    since: datetime
    card_sha256: str = ""


@dataclass(frozen=True)
class Decisions:
    """A task's decisions in sum, in `unit`; the values are None until what happened is known."""

    task: str
    rows: int
    unit: str
    higher_is_better: bool
    value: float | None = None
    naive_value: float | None = None
    foresight_value: float | None = None


@dataclass(frozen=True)
class Publication:
    """Everything that becomes visible at once when a unit is published; leave out what the unit does not touch.

    tables: per table what `Warehouse.check` found. progress: (batch id, stage) that are now done.
    fingerprints: per (stage, subject) what the published result was computed from.
    predictions: rows per task. costs: what the work took, per (stage, subject).
    """

    tables: Mapping[str, Written] = field(default_factory=dict)
    progress: tuple[tuple[int, str], ...] = ()
    outcomes: tuple[Outcomes, ...] = ()
    checks: tuple[Check, ...] = ()
    schemas: tuple[SchemaChange, ...] = ()
    movements: tuple[Movements, ...] = ()
    fingerprints: Mapping[tuple[str, str], str] = field(default_factory=dict)
    fits: tuple[Fit, ...] = ()
    champions: tuple[Champion, ...] = ()
    predictions: Mapping[str, int] = field(default_factory=dict)
    decisions: tuple[Decisions, ...] = ()
    costs: Mapping[tuple[str, str], Usage] = field(default_factory=dict)
