"""silver: raw records become typed rows that keep every promise, or are set apart; one outcome for each record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from pyarrow import RecordBatch
from pyspark.sql import Column as Expression
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.contracts.domain import Domain
from pipelines.contracts.expectations import References, Unique
from pipelines.contracts.shares import HELD_FILE, HELD_ROW, Share
from pipelines.contracts.tables import VALID_TO, Table
from pipelines.transforms.checks import AVAILABLE, counted, is_broken
from pipelines.transforms.fields import Headers
from pipelines.transforms.reconcile import reconcile
from pipelines.transforms.tally import NEWEST, tally
from pipelines.transforms.typed import RECORD, typed
from pipelines.transforms.versions import versions

PROVENANCE = ("_batch", "_attempt", "ingested_at")
_IN_FORCE, _GOES, _BESIDES, _APART = "_is_in_force", "_goes", "_is_besides", "_is_apart"
_KEPT = ("available_at", "_record_id", "_ordinal", "_delivered_at", *PROVENANCE)


@dataclass(frozen=True)
class Silver:
    """What one batch changes in one table. told: every record of it with its `_file` and `outcome`, and the held rows
    with their keys, whose outcome is null; better cached where it `is_read_again`. is_new: nothing is held yet. batch:
    its id, or the column of `told` that holds it.

    ingested_at is provenance: in no feature, hash or comparison.
    """

    domain: Domain
    table: Table
    told: DataFrame
    is_new: bool
    batch: int | Expression
    attempt: int
    ingested_at: datetime

    @property
    def judged(self) -> DataFrame:
        """Every record."""
        return self.told.where("outcome is not null")

    @property
    def is_read_again(self) -> bool:
        """Whether `told` is wanted once more after it was shared out."""
        looks_further = any(isinstance(rule, Unique | References) for rule in self.table.table_rules)
        return looks_further or self.table.on_break == "refuse"

    @property
    def rows(self) -> Share:
        """What goes to the table: the rows in force, one a key; and of the held ones those go that they stand for, and
        those whose key is withdrawn."""
        columns = (*self._columns, *([VALID_TO] if self.table.valid_from else []), *_KEPT)
        name = self.domain.delta_table("silver", self.table.name)
        return Share(name, _IN_FORCE, columns, goes="" if self.is_new else _GOES, is_begun=self.is_new)

    @property
    def history(self) -> Share:
        """What goes to the history: what was said besides the rows in force: rows that are replaced, older statements,
        withdrawals.

        Features at a cut-off need what was in force then; and without the withdrawals an older statement that comes
        late would bring its key back.
        """
        name = self.domain.delta_table("silver", f"{self.table.name}_history")
        return Share(name, _BESIDES, (*self._columns, *_KEPT, "_delete"))

    @property
    def quarantine(self) -> Share:
        """What goes to the quarantine: place, raw text, reasons; open until a replay moves it or it is discarded."""
        name = self.domain.delta_table("quarantine", self.table.name)
        return Share(name, _APART, (*RECORD, "_reasons", *PROVENANCE, "_state"))

    def shared(self, shares: Sequence[Share]) -> DataFrame:
        """The rows of `told` with what says to which of the shares each goes, and with all that `count` wants of it."""
        is_moved = F.col("_is_moved") if self.table.valid_from else F.lit(False)
        is_apart = F.coalesce(F.col("outcome") == "quarantined", F.lit(False))
        flags = {
            _IN_FORCE: F.expr("_applied and not _delete") | is_moved,
            _GOES: F.col("_is_replaced") | is_moved,
            _BESIDES: F.expr("_is_replaced or outcome <=> 'superseded' or (_applied and _delete)"),
            _APART: is_apart,
            "_state": F.when(is_apart, F.lit("open")),
        }
        wanted = {"_file", "outcome", "_applied", "_reasons", *counted(self.table)}
        for share in shares:
            wanted |= {*share.columns, share.where, *((share.goes, HELD_FILE, HELD_ROW) if share.goes else ())}
        made = self._provenance() | flags | counted(self.table)
        there = [F.col(f"`{name}`") for name in self.told.columns if name in wanted - made.keys()]
        return self.told.select(*there, *[made[name].alias(name) for name in made if name in wanted])

    @property
    def count(self) -> Callable[[RecordBatch], dict[str, Any]]:
        """What counts the records among rows of `shared`, wherever they are; `_applied` are those that change what is
        held."""
        return partial(tally, flags=["_applied", *(name for name in counted(self.table) if name != NEWEST)])

    def reasons(self) -> DataFrame:
        """`reason`: why records were set apart, a row for each reason of each record."""
        return self.judged.where("outcome = 'quarantined'").select(F.explode("_reasons").alias("reason"))

    @property
    def _columns(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.table.columns)

    def _provenance(self) -> dict[str, Expression]:
        """PROVENANCE of every row; of what is held it is there."""
        of_batch = {
            "_batch": (self.batch if isinstance(self.batch, Expression) else F.lit(self.batch)).cast("long"),
            "_attempt": F.lit(self.attempt).cast("long"),
            "ingested_at": F.lit(self.ingested_at),
        }
        if self.is_new:
            return of_batch
        is_held = F.col("outcome").isNull()
        return {name: F.when(is_held, F.col(name)).otherwise(value) for name, value in of_batch.items()}


def silver(
    domain: Domain,
    table: Table,
    rows: DataFrame,
    held: DataFrame | None,
    history: DataFrame | None,
    *,
    batch: int | Expression,
    attempt: int,
    ingested_at: datetime,
) -> Silver:
    """Judge a batch of refined rows against what is held.

    rows: as `refine` gives them.
    held: the table at the pin, each row with HELD_FILE and HELD_ROW, None before there is any; history: what was said
    besides, as well. Of both the rows with the keys of `rows` are enough, and take less time.
    """
    withdrawn = history.where("_delete") if history is not None else None
    told = reconcile(rows, held, withdrawn, **statement_parts(table), withdraws=bool(table.tombstone))
    if table.valid_from:
        told = versions(told, key=list(table.key), valid_from=table.valid_from)
    return Silver(domain, table, told, held is None, batch, attempt, ingested_at)


def statement_parts(table: Table) -> dict[str, list[str]]:
    """Which columns of a table say what a statement is about, which of two is the greater, and what it says."""
    return {
        "key": list(table.version_key),
        "order": list(table.order) or ["_delivered_at"],
        "content": [column.name for column in table.columns],
    }


def refine(records: DataFrame, table: Table, *, has_header: bool, headers: Headers = ()) -> DataFrame:
    """Bronze records as typed rows, with the `_reasons` for which a row is to be set apart; none if it `_is_good`.

    has_header: whether the source's deliveries name all their fields (`Source.has_header`). headers: as `typed` has it.
    A predicate that is null counts as broken, unless it reads a column that is declared nullable.
    """
    promises = [promise for promise in table.row_rules if promise.severity == "quarantine"]
    broken = [F.when(is_broken(promise, table), F.lit(promise.name)) for promise in promises]
    broken.append(F.when(F.col("available_at").isNull(), F.lit(AVAILABLE)))
    return typed(records, table, has_header=has_header, headers=headers, broken=broken)
